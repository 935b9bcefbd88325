import { createReadStream } from 'node:fs';
import fs, { type FileHandle } from 'node:fs/promises';
import { hasCode } from './errors.ts';
import type { FileStat, FileSystem, OpenFile } from './file-system.ts';

const READ_CHUNK_BYTES = 1 << 20;

/** The real disk. New files are readable and writable as the user's umask says (0644 with the usual 022). */
export const nodeFiles: FileSystem = {
  async open(path, mode) {
    return openFile(await fs.open(path, mode === 'create' ? 'ax' : 'a'));
  },
  read: (path) => fs.readFile(path),
  readChunks: (path) => createReadStream(path, { highWaterMark: READ_CHUNK_BYTES }),
  list: async (path) => (await fs.readdir(path)).sort(),
  stat,
  makeFolder: (path) => fs.mkdir(path),
  rename: fs.rename,
  remove: (path) => fs.rm(path, { recursive: true, force: true }),
  symlink: (target, path) => fs.symlink(target, path),
  readLink: (path) => fs.readlink(path),
  syncFolder,
};

function openFile(handle: FileHandle): OpenFile {
  return {
    write: async (bytes) => (await handle.write(bytes)).bytesWritten,
    sync: () => handle.sync(),
    datasync: () => handle.datasync(),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

async function stat(path: string): Promise<FileStat | undefined> {
  try {
    const found = await fs.lstat(path);
    return { size: found.size, modifiedMs: found.mtimeMs, kind: kindOf(found) };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function kindOf(found: Awaited<ReturnType<typeof fs.lstat>>): FileStat['kind'] {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'folder';
  return found.isSymbolicLink() ? 'link' : 'other';
}

async function syncFolder(path: string): Promise<void> {
  const folder = await fs.open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    // File systems that have no fsync for folders; there is nothing more to do for them.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error;
  } finally {
    await folder.close();
  }
}
