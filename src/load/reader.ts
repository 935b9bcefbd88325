import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Data, type RecordBatch, type Schema } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import { batchOf, COLUMN_BUFFERS, type ColumnBuffer } from '../jobs/column-buffers.ts';
import type { FoundColumn } from '../jobs/columns.ts';
import { BLOCK_BYTES, BLOCK_ROWS } from './blocks.ts';

/** A place where a data file may be cut: so many rows and bytes come before it. */
export interface Cut {
  readonly row: number;
  readonly byte: number;
}

/**
 * Reads a data file of this program without a line of what wrote it. It believes no number that it finds before it is
 * known to fit the file, and throws a `Damage`, or what libraries throw at a damaged file.
 */
export interface DataReader {
  /** As the file describes them; of NDJSON, which describes none, those that each line must have. */
  readonly columns: readonly FoundColumn[];
  /** Whether the file says that its rows stand by `created_at`, then by `id`. */
  readonly claimsOrder?: boolean;
  /**
   * The last place from which on the file of a new snapshot may differ, when its rows differ from `row` on: what comes
   * before it is written the same. It is the start of a line of NDJSON (in gzip, of the file), else of a record batch or
   * row group that holds a row before `row`: where the one before it ends may depend on the row that follows.
   */
  cutBefore(row: number): Promise<Cut>;
  /**
   * The rows `from` up to `to` (exclusive), or to the end of the file, in order, in record batches such as the encoders
   * take: offset 0, zeros under nulls, 2,500 rows at most, and about 8 MB of text unless it is one row.
   *
   * @param wanted fields of columns that the file has, in its order
   */
  batches(from: number, to: number, wanted: Schema): AsyncGenerator<RecordBatch, void>;
}

/** A file that is to be read, and what is known of it. */
export interface ReadOptions {
  readonly path: string;
  readonly handle: FileHandle;
  /** It may still be written while it is read, from its start on. */
  readonly growth: Growth;
  /** Of NDJSON: what each line must hold. */
  readonly columns: readonly FoundColumn[];
  /** A line of NDJSON before which nothing is read. */
  readonly start?: Cut | undefined;
  /** Whether the file was checked before, and only speed counts: the writer's library may decompress. */
  readonly isTrusted?: boolean;
}

/** What is wrong with a file, said without a word of its content. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** Opens a file for reading while `work` goes on. */
export async function withFile<T>(
  path: string,
  work: (file: FileHandle, size: number) => T,
): Promise<T> {
  const file = await open(path);
  try {
    return work(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** The bytes from `start` to `end`, all of them. */
export function bytesAt(file: FileHandle, start: number, end: number): Uint8Array<ArrayBuffer> {
  const length = Math.max(0, end - start);
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length; ) done += readSome(file, bytes.subarray(done), start + done);
  return bytes;
}

/**
 * Fills some of `into` with the bytes at `start`, and holds the thread meanwhile: reading is all it is for, and to
 * hand each read to another thread takes more processor time than the read.
 *
 * @returns how many, at least 1
 */
export function readSome(file: FileHandle, into: Uint8Array, start: number): number {
  const read = readSync(file.fd, into, 0, into.length, start);
  if (read === 0) throw new Damage('it ends too early');
  return read;
}

/** Checks that a file starts with the given characters, as Parquet and Arrow files do. */
export function checkStart(file: FileHandle, magic: string): void {
  if (textAt(file, 0, magic.length) !== magic) throw new Damage(`it does not start with ${magic}`);
}

/** Checks that a file ends with the same characters as it starts with. */
export function checkEnd(file: FileHandle, size: number, magic: string): void {
  const { length } = magic;
  if (size < 2 * length) throw new Damage('it is too short');
  if (textAt(file, size - length, size) !== magic)
    throw new Damage(`it does not end with ${magic}: it was cut off`);
}

function textAt(file: FileHandle, start: number, end: number): string {
  return Buffer.from(bytesAt(file, start, end)).toString('latin1');
}

/** The size of a file as it grows, for who reads behind the writer. */
export class Growth {
  #size = 0;
  #isWhole = false;
  #wake: () => void = () => {};

  /** Of a file that is whole. */
  static of(size: number): Growth {
    const growth = new Growth();
    growth.grow(size);
    growth.end();
    return growth;
  }

  /** Bytes that are written. */
  get size(): number {
    return this.#size;
  }

  grow(size: number): void {
    this.#size = size;
    this.#wake();
  }

  /** The file is whole. */
  end(): void {
    this.#isWhole = true;
    this.#wake();
  }

  /** Waits until so many bytes are written. @returns false when the file is whole and has fewer */
  async reaches(size: number): Promise<boolean> {
    while (this.#size < size && !this.#isWhole)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    return this.#size >= size;
  }

  /** Waits until the file is whole. @returns its size */
  async whole(): Promise<number> {
    await this.reaches(Number.POSITIVE_INFINITY);
    return this.#size;
  }
}

const NEWLINE = 0x0a;

/** Ids are joined before they are hashed: a call to the hash costs more than many short ids. */
const JOINED_BYTES = 64 * 1024;

/** sha256 over ids in file order, each followed by a newline: one number that every format must agree on. */
export class IdChecksum {
  rows = 0;
  #hash = createHash('sha256');
  readonly #joined = new Uint8Array(JOINED_BYTES);
  #filled = 0;

  /** @param id as UTF-8; not kept */
  add(id: Uint8Array): void {
    this.rows++;
    if (this.#filled + id.length >= JOINED_BYTES) this.#flush();
    if (id.length >= JOINED_BYTES) {
      this.#hash.update(id);
    } else {
      this.#joined.set(id, this.#filled);
      this.#filled += id.length;
    }
    this.#joined[this.#filled++] = NEWLINE;
  }

  /** One that goes on from what was added to this one. */
  copy(): IdChecksum {
    this.#flush();
    const copy = new IdChecksum();
    copy.rows = this.rows;
    copy.#hash = this.#hash.copy();
    return copy;
  }

  /** Nothing may be added afterwards. */
  hex(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#joined.subarray(0, this.#filled));
    this.#filled = 0;
  }
}

/** Whether a row may stand behind another one: rows stand by `created_at`, then by the bytes of `id`. */
export function follows(
  time: bigint,
  id: Uint8Array,
  lastTime: bigint,
  lastId: Uint8Array,
): boolean {
  return time > lastTime || (time === lastTime && Buffer.compare(id, lastId) > 0);
}

/** The start of the last block that begins before the row, or of the first. */
export function cutAmong(blocks: readonly Cut[], row: number): Cut {
  const none = { row: 0, byte: 0 };
  const { row: first, byte } = blocks.findLast((block) => block.row < row) ?? blocks[0] ?? none;
  return { row: first, byte };
}

/** Rows on their way from a file into record batches. */
export class BatchBuilder {
  /** One a field of the schema, to be given the next row each. */
  readonly columns: readonly ColumnBuffer<never>[];
  readonly #schema: Schema;
  #rows = 0;
  #bytes = 0;

  constructor(schema: Schema) {
    this.#schema = schema;
    this.columns = schema.fields.map((field) => {
      const type = columnTypeOf(field);
      if (type === undefined) throw new TypeError(`no file has a column of ${field.type}`);
      return COLUMN_BUFFERS[type](BLOCK_ROWS);
    });
  }

  /** Ends a row of so many bytes of text. @returns whether the batch is full */
  endRow(bytes: number): boolean {
    this.#bytes += bytes;
    return ++this.#rows === BLOCK_ROWS || this.#bytes >= BLOCK_BYTES;
  }

  /** Yields what was not taken, if anything. */
  *take(): Generator<RecordBatch> {
    if (this.#rows === 0) return;
    [this.#rows, this.#bytes] = [0, 0];
    const { fields } = this.#schema;
    const columns = this.columns.map((column, i) => copyOf(column.finish(fields[i].type)));
    yield batchOf(this.#schema, columns);
  }
}

/** A column in memory of its own, which is as long as it needs. */
function copyOf(column: Data): Data {
  const { type, length, nullCount, valueOffsets, values, nullBitmap, children } = column;
  return new Data(
    type,
    0,
    length,
    nullCount,
    [valueOffsets?.slice(), values?.slice(), nullBitmap ?? undefined],
    children.map(copyOf),
  );
}
