import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { FileContents, FoundColumn, WrittenFile } from '../jobs/file-contents.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import { syncAndCheck } from '../platform/durable.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { FileSystem, OpenFile } from '../platform/file-system.ts';
import { checkFile } from './check.ts';
import { Growth } from './check-file.ts';
import { columnsOf, type FileEncoder, type LoaderDefinition } from './encoder.ts';

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
class DataFile {
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
export class Output {
  readonly path: string;
  readonly #file: DataFile;
  readonly #name: string;
  readonly #format: Format;
  readonly #encoder: FileEncoder;
  readonly #columns: readonly FoundColumn[];
  readonly #pieces: Pieces;
  readonly #growth = new Growth();
  /** Arrow and plain NDJSON can be read while they are written; only its end tells what is in a Parquet file. */
  readonly #early: Promise<FileContents> | undefined;

  private constructor(
    file: DataFile,
    path: string,
    name: string,
    format: Format,
    encoder: FileEncoder,
    columns: readonly FoundColumn[],
    pieces: Pieces,
  ) {
    this.path = path;
    this.#file = file;
    this.#name = name;
    this.#format = format;
    this.#encoder = encoder;
    this.#columns = columns;
    this.#pieces = pieces;
    if (format === 'parquet' || name.endsWith('.gz')) return;
    this.#early = checkFile(path, format, columns, this.#growth.sizes());
    this.#early.catch(() => {});
  }

  /** Creates the file of a format, which must not be there. */
  static async open(
    files: FileSystem,
    folder: string,
    definition: LoaderDefinition,
    schema: Schema,
    compression: Compression | undefined,
  ): Promise<Output> {
    const { format } = definition;
    const name = `jobs${definition.extension(compression)}`;
    const path = join(folder, name);
    const pieces = new Pieces();
    const columns = columnsOf(schema).map(({ nullable, ...column }) => ({
      ...column,
      required: !nullable,
    }));
    const encoder = await definition.open(schema, compression, (bytes) => pieces.add(bytes));
    const file = new DataFile(await files.open(path, 'create'), path);
    return new Output(file, path, name, format, encoder, columns, pieces);
  }

  /** @throws ExportError (65, load) when a required column has a null */
  async write(block: RecordBatch): Promise<void> {
    for (const [i, { name, required }] of this.#columns.entries()) {
      if (!required || block.data.children[i].nullCount === 0) continue;
      throw new ExportError(`column ${name} must have a value in every row, and one has none`, {
        exitCode: EXIT.data,
        stage: 'load',
      });
    }
    await this.#encoder.encode(block);
    await this.#flush();
  }

  /** Writes the end of the file. */
  async end(): Promise<void> {
    await this.#encoder.finish();
    await this.#flush();
    this.#growth.end();
  }

  /** Makes the file durable and reads back what has not been read. To be called after `end`. */
  async finish(rows: number): Promise<{ file: WrittenFile; contents: FileContents }> {
    const finished = this.#file.finish();
    finished.catch(() => {});
    const contents = await (this.#early ?? checkFile(this.path, this.#format, this.#columns));
    const file = { name: this.#name, format: this.#format, rows, ...(await finished) };
    return { file, contents };
  }

  /** Ends what is under way, whatever its state; for good. Never fails. */
  async close(): Promise<void> {
    this.#growth.end();
    await Promise.allSettled([this.#early, this.#file.close()]);
  }

  async #flush(): Promise<void> {
    await this.#pieces.flush((piece) => this.#file.write(piece));
    this.#growth.grow(this.#file.bytes);
  }
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
