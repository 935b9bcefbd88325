import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { FileContents, WrittenFile } from '../jobs/file-contents.ts';
import type { Compression } from '../jobs/pipeline.ts';
import { syncAndCheck } from '../platform/durable.ts';
import type { FileSystem, OpenFile } from '../platform/file-system.ts';
import { checkFile } from './check.ts';
import { Growth } from './check-file.ts';
import { columnsOf, type LoaderDefinition, refuseNulls } from './encoder.ts';

/**
 * Bytes after which the disk is told to take what it was given, while more is written: at the end there is little left
 * to wait for.
 */
export const SYNC_BYTES = 8 * 1024 * 1024;

/** What encoders hand out is gathered in pieces of this size before it is written. */
const PIECE_BYTES = 1024 * 1024;
/** Pieces that are kept to be filled again. */
const KEPT_PIECES = 4;

/** An open file of which the disk takes the start while the rest is written. */
export class DataFile {
  readonly #file: OpenFile;
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  /** Bytes that were there when the last sync began. */
  #syncBegunAt = 0;
  #isSyncing = false;
  /** The last sync begun. Once one has failed none follows: it could succeed although bytes were lost. */
  #synced: Promise<void> = Promise.resolve();

  constructor(file: OpenFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Bytes written. */
  get bytes(): number {
    return this.#bytes;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    this.#bytes += await this.#file.write(chunk);
    if (this.#isSyncing || this.#bytes - this.#syncBegunAt < SYNC_BYTES) return;
    await this.#synced;
    this.#isSyncing = true;
    this.#syncBegunAt = this.#bytes;
    this.#synced = this.#file.datasync().finally(() => {
      this.#isSyncing = false;
    });
    this.#synced.catch(() => {});
  }

  /** Makes every byte durable and closes the file. @returns size and hash */
  async finish(): Promise<{ bytes: number; sha256: string }> {
    await this.#synced;
    await syncAndCheck(this.#file, this.#path, this.#bytes, 'load');
    await this.#file.close();
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  async close(): Promise<void> {
    await this.#synced.catch(() => undefined);
    await this.#file.close();
  }
}

/** Writes a small file, durably. `rows` and `format` are what the manifest is to say of it. */
export async function writeFile(
  files: FileSystem,
  folder: string,
  { name, format, rows }: Pick<WrittenFile, 'name' | 'format' | 'rows'>,
  pieces: readonly Uint8Array[],
): Promise<WrittenFile> {
  const path = join(folder, name);
  const file = new DataFile(await files.open(path, 'create'), path);
  try {
    for (const piece of pieces) await file.write(piece);
    return { name, format, rows, ...(await file.finish()) };
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

/** A data file in the making, read back behind its own writing. */
export interface Output {
  readonly path: string;
  /** @throws ExportError (65, load) when a required column has a null */
  write(block: RecordBatch): Promise<void>;
  /** Writes the end of the file. */
  end(): Promise<void>;
  /** Makes the file durable and reads back what has not been read. To be called after `end`. */
  finish(rows: number): Promise<{ file: WrittenFile; contents: FileContents }>;
  /** Ends what is under way, whatever its state; for good. Never fails. */
  close(): Promise<void>;
}

/** Creates the file of a format, which must not be there. */
export async function openOutput(
  files: FileSystem,
  folder: string,
  { format, extension, open }: LoaderDefinition,
  schema: Schema,
  compression: Compression | undefined,
): Promise<Output> {
  const name = `jobs${extension(compression)}`;
  const path = join(folder, name);
  const columns = columnsOf(schema);
  const pieces = new Pieces();
  const growth = new Growth();
  const encoder = await open(schema, compression, (bytes) => pieces.add(bytes));
  const file = new DataFile(await files.open(path, 'create'), path);
  // Arrow and plain NDJSON can be read while they are written; only its end tells what is in a Parquet file.
  const early =
    format === 'parquet' || name.endsWith('.gz')
      ? undefined
      : checkFile(path, format, columns, growth.sizes());
  early?.catch(() => {});

  async function flush(): Promise<void> {
    await pieces.flush((piece) => file.write(piece));
    growth.grow(file.bytes);
  }

  return {
    path,
    async write(block) {
      refuseNulls(block, columns);
      await encoder.encode(block);
      await flush();
    },
    async end() {
      await encoder.finish();
      await flush();
      growth.end();
    },
    async finish(rows) {
      const finished = file.finish();
      finished.catch(() => {});
      const contents = await (early ?? checkFile(path, format, columns));
      return { file: { name, format, rows, ...(await finished) }, contents };
    },
    async close() {
      growth.end();
      await Promise.allSettled([early, file.close()]);
    },
  };
}

/** Bytes on their way to a file, copied into memory that is used again. */
class Pieces {
  readonly #spare: Uint8Array<ArrayBuffer>[] = [];
  #full: Uint8Array<ArrayBuffer>[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #filled = 0;

  add(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      if (this.#filled === PIECE_BYTES) {
        this.#full.push(this.#piece);
        this.#piece = this.#spare.pop() ?? new Uint8Array(PIECE_BYTES);
        this.#filled = 0;
      }
      const taken = bytes.subarray(from, from + PIECE_BYTES - this.#filled);
      this.#piece.set(taken, this.#filled);
      this.#filled += taken.length;
      from += taken.length;
    }
  }

  async flush(write: (piece: Uint8Array) => Promise<void>): Promise<void> {
    for (const piece of this.#full) {
      await write(piece);
      if (this.#spare.length < KEPT_PIECES) this.#spare.push(piece);
    }
    this.#full = [];
    if (this.#filled > 0) await write(this.#piece.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
