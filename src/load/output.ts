import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { FileContents } from '../jobs/columns.ts';
import type { PublishedFile } from '../jobs/manifest.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import { syncAndCheck, writeNewFile } from '../platform/durable.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { FileSystem, OpenFile } from '../platform/file-system.ts';
import { openArrowFile } from './arrow.ts';
import { checkFile } from './check.ts';
import {
  columnsOf,
  describeColumn,
  type LoadColumn,
  type OpenEncoder,
  refuseNulls,
  type Start,
} from './encoder.ts';
import { openNdjsonFile } from './ndjson.ts';
import { Growth, IdChecksum } from './reader.ts';
import { Keys } from './runs.ts';

/** An encoder a format. The libraries behind Parquet are loaded when a file is opened. */
export const ENCODERS: Readonly<Record<Format, OpenEncoder>> = {
  parquet: async (...asked) => (await import('./parquet-file.ts')).openParquetFile(...asked),
  arrow: openArrowFile,
  ndjson: openNdjsonFile,
};

/** The name of a table's file. NDJSON is compressed as a whole, or not at all. */
export function fileName(table: string, format: Format, compression?: Compression): string {
  return `${table}.${format}${format === 'ndjson' && compression === 'gzip' ? '.gz' : ''}`;
}

/**
 * Bytes after which the disk is told to take what it was given, while more is written: at the end there is little left
 * to wait for.
 */
export const SYNC_BYTES = 8 * 1024 * 1024;

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
  { name, format, rows }: Pick<PublishedFile, 'name' | 'format' | 'rows'>,
  bytes: Uint8Array,
): Promise<PublishedFile> {
  await writeNewFile(files, join(folder, name), bytes, 'load');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, format, rows, bytes: bytes.length, sha256 };
}

/** A table whose files are to be made. */
export interface Table {
  /** What the names of its files start with. */
  readonly name: string;
  readonly schema: Schema;
  readonly folder: string;
  readonly formats: readonly Format[];
  readonly compression?: Compression | undefined;
}

/** The rows of a table that are known from an earlier one. */
export interface Known {
  /** The checksum of their ids. */
  readonly ids: IdChecksum;
  /** By format: the file that starts with a copy of them. */
  readonly copies: ReadonlyMap<Format, Start>;
}

/** The files of a table in the making, one a format, all of the same blocks. */
export class TableFiles {
  readonly #columns: readonly LoadColumn[];
  readonly #outputs: Output[] = [];
  readonly #checksum: IdChecksum;

  private constructor(columns: readonly LoadColumn[], checksum: IdChecksum) {
    this.#columns = columns;
    this.#checksum = checksum;
  }

  /**
   * Creates the files, which must not be there.
   *
   * @param known rows that come first, and are to be written nonetheless unless all files have a copy of them
   */
  static async open(files: FileSystem, table: Table, known?: Known): Promise<TableFiles> {
    const columns = columnsOf(table.schema);
    const areCopied = known?.copies.size === table.formats.length;
    const opened = new TableFiles(columns, areCopied ? known.ids.copy() : new IdChecksum());
    try {
      for (const format of table.formats)
        opened.#outputs.push(await openOutput(files, table, format, columns, known));
      const begun = opened.#outputs.map((output) => output.begin());
      await Promise.allSettled(begun);
      await Promise.all(begun);
    } catch (error) {
      await opened.close();
      throw error;
    }
    return opened;
  }

  get paths(): readonly string[] {
    return this.#outputs.map(({ path }) => path);
  }

  /** Rows written, or copied into all files. */
  get rows(): number {
    return this.#checksum.rows;
  }

  /** @throws ExportError (65, load) when a required column has a null */
  async write(block: RecordBatch): Promise<void> {
    const { rows } = this;
    const keys = new Keys(block);
    for (let row = 0; row < keys.length; row++) this.#checksum.add(keys.id(row));
    refuseNulls(block, this.#columns);
    for (const output of this.#outputs)
      if (output.start === undefined || output.start.row <= rows) await output.write(block);
  }

  /**
   * Ends the files, makes them durable and compares what is read back with what was written. No call may follow but
   * `close`.
   *
   * @throws ExportError (65) when a file does not hold what was written to it
   */
  async finish(): Promise<{ files: PublishedFile[]; rows: number; idChecksum: string }> {
    for (const output of this.#outputs) await output.end();
    const { rows } = this;
    const idChecksum = this.#checksum.hex();
    const files: PublishedFile[] = [];
    const finishing = this.#outputs.map((output) => output.finish());
    await Promise.allSettled(finishing);
    for (const finished of finishing) {
      const { contents, name, format, ...written } = await finished;
      compare(name, contents, { rows, idChecksum, columns: this.#columns });
      files.push({ name, format, rows, ...written });
    }
    return { files, rows, idChecksum };
  }

  /** Ends what is under way, whatever its state; for good. Never fails. */
  async close(): Promise<void> {
    for (const output of this.#outputs) await output.close();
  }
}

type Output = Awaited<ReturnType<typeof openOutput>>;

/** Starts a data file, which is read back behind its own writing. */
async function openOutput(
  files: FileSystem,
  { name: table, schema, folder, compression }: Table,
  format: Format,
  columns: readonly LoadColumn[],
  known: Known | undefined,
) {
  const name = fileName(table, format, compression);
  const path = join(folder, name);
  const growth = new Growth();
  const start = known?.copies.get(format);
  const encoder = await ENCODERS[format](schema, compression, start);
  const file = new DataFile(await files.open(path, 'create'), path);
  const behind = start && known && { ...start, ids: known.ids };
  const check = (written?: Growth) => checkFile(path, format, columns, { growth: written, behind });
  // Arrow and plain NDJSON can be read while they are written; only its end tells what is in a Parquet file.
  const early = format === 'parquet' || name.endsWith('.gz') ? undefined : check(growth);
  early?.catch(() => {});

  async function append(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of chunks) await file.write(chunk);
    growth.grow(file.bytes);
  }

  return {
    path,
    /** Where it goes on behind a copy, if it starts with one. */
    start,
    /** Writes the copy that it starts with, if any. */
    begin: () => append(start ? bytesBefore(files, start) : []),
    write: async (block: RecordBatch) => append(await encoder.encode(block)),
    /** Writes the end of the file. */
    async end() {
      await append(await encoder.finish());
      growth.end();
    },
    /** Makes the file durable and reads back what has not been read. To be called after `end`. */
    async finish() {
      const finished = file.finish();
      finished.catch(() => {});
      const contents = await (early ?? check());
      return { contents, name, format, ...(await finished) };
    },
    /** Ends what is under way, whatever its state; for good. Never fails. */
    async close() {
      growth.end();
      await Promise.allSettled([early, file.close()]);
    },
  };
}

/** What stands in a file before a place. */
async function* bytesBefore(files: FileSystem, { path, byte }: Start): AsyncGenerator<Uint8Array> {
  let left = byte;
  for await (const chunk of files.readChunks(path)) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
  throw new ExportError(`${path} became shorter while it was read`, {
    exitCode: EXIT.io,
    stage: 'load',
  });
}

/** @throws ExportError (65) when a file does not hold what was written to it */
function compare(name: string, found: FileContents, expected: FileContents): void {
  const columnsIn = ({ columns }: FileContents): string => columns.map(describeColumn).join();
  const problems = [
    found.rows === expected.rows ? [] : `${found.rows} rows in place of ${expected.rows}`,
    found.idChecksum === expected.idChecksum ? [] : 'other ids',
    columnsIn(found) === columnsIn(expected) ? [] : 'other columns',
  ].flat();
  if (problems.length === 0) return;
  throw new ExportError(
    `${name} was read back and is not what was written: ${problems.join('; ')}. Nothing was published. Check the ` +
      'disk and run the same command again; if it happens twice, report it.',
    { exitCode: EXIT.data, stage: 'load' },
  );
}
