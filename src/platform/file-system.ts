/** One open file. Every method may fail with a Node.js system error (`ENOSPC`, `EIO`, ...). */
export interface OpenFile {
  /** Appends at the file's end; returns the bytes written, which may be fewer than given (a short write). */
  write(bytes: Uint8Array): Promise<number>;
  sync(): Promise<void>;
  /** Data only (fdatasync). */
  datasync(): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface FileStat {
  readonly size: number;
  readonly modifiedMs: number;
  readonly kind: 'file' | 'folder' | 'link' | 'other';
}

/**
 * The one door to the disk: everything this package writes goes through it, so that a test can stop, fail or shorten
 * any single operation. Paths are absolute. Errors are Node.js system errors, unchanged.
 */
export interface FileSystem {
  /** `create` fails when the path exists; `append` opens or creates. Either way writes go to the end. */
  open(path: string, mode: 'create' | 'append'): Promise<OpenFile>;
  read(path: string): Promise<Uint8Array>;
  /** The same bytes piece by piece, for files of any size. The file is closed when the iteration ends or is left. */
  readChunks(path: string): AsyncIterable<Uint8Array>;
  /** Names in a folder, sorted. */
  list(path: string): Promise<string[]>;
  /** Like lstat; undefined when there is nothing. */
  stat(path: string): Promise<FileStat | undefined>;
  /** One folder; its parent must exist. `EEXIST` when the path does. */
  makeFolder(path: string): Promise<void>;
  /** Replaces a file or link at `to` in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file or a folder with all it holds; nothing to remove is fine. */
  remove(path: string): Promise<void>;
  /** Made whole at once. `EEXIST` when `path` does: of many callers exactly one succeeds. */
  symlink(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string>;
  /** fsync of a folder, so that renames and new names in it survive a power loss. */
  syncFolder(path: string): Promise<void>;
}
