import {
  type Data,
  type DataType,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import {
  bytesBeforeBackslash,
  copyBytes,
  SLACK_BYTES,
  twiceAsLong,
  WORD_BYTES,
} from '../json/bytes.ts';
import type { CellTypes, ColumnType } from './columns.ts';

const TWO_TO_32 = 4_294_967_296;
const FIRST_BYTES = 1 << 12;
/** A buffer that grew beyond that is not kept for the next batch. */
const KEPT_BYTES = 1 << 24;

/** What stands for the character behind a backslash; most stand for themselves. */
const MEANING = Uint8Array.from({ length: 256 }, (_, byte) => byte);
for (const [letter, meaning] of ['b\b', 'f\f', 'n\n', 'r\r', 't\t'])
  MEANING[letter.charCodeAt(0)] = meaning.charCodeAt(0);

/** The values of a column, as Arrow lays them out. */
interface Values {
  readonly data?: ArrayLike<unknown>;
  readonly valueOffsets?: Int32Array;
  readonly child?: Data;
}

/** One column of a batch after the other; rows are set in order. */
export abstract class ColumnBuffer<T> {
  rows = 0;
  readonly #nulls: number[] = [];

  abstract push(value: T | null): void;

  /**
   * A value as data files hold it: UTF-8 from `start` (inclusive) to `end` (exclusive), behind which `source` goes on; a
   * number of 64 bits, little-endian; a boolean as a byte. A list: all items that were pushed since the last one.
   */
  abstract pushBytes(source: DataView, start: number, end: number): void;

  /** Ends the rows and gives their values. */
  protected abstract take(): Values;

  /** The rows since the last call. Their memory is used again: they are good until the next row is set. */
  finish(type: DataType): Data {
    const { rows: length } = this;
    const nullCount = this.#nulls.length;
    const data = makeData({ type, length, nullCount, nullBitmap: this.#bitmap(), ...this.take() });
    this.rows = 0;
    this.#nulls.length = 0;
    return data;
  }

  /** @returns the row that is set next */
  protected next(isNull: boolean): number {
    if (isNull) this.#nulls.push(this.rows);
    return this.rows++;
  }

  /** Bit i is for row i, bits behind the last are zero; none while no value is null. */
  #bitmap(): Uint8Array | undefined {
    if (this.#nulls.length === 0) return undefined;
    const bitmap = new Uint8Array(Math.ceil(this.rows / 8)).fill(0xff);
    bitmap[bitmap.length - 1] >>= -this.rows & 7;
    for (const row of this.#nulls) bitmap[row >> 3] &= ~(1 << (row & 7));
    return bitmap;
  }
}

/** Numbers of 64 bits, as low and high halves too: most are written without becoming a bigint. */
abstract class NumberBuffer<T> extends ColumnBuffer<T> {
  protected readonly values: BigInt64Array | Float64Array;
  protected readonly halves: Int32Array;

  constructor(values: BigInt64Array | Float64Array) {
    super();
    this.values = values;
    this.halves = new Int32Array(values.buffer);
  }

  pushBytes(source: DataView, start: number): void {
    const row = this.next(false);
    this.halves[2 * row] = source.getInt32(start, true);
    this.halves[2 * row + 1] = source.getInt32(start + 4, true);
  }

  protected take(): Values {
    return { data: this.values.subarray(0, this.rows) };
  }
}

/** 64-bit integers: bigints that fit, or numbers that are safe integers. */
export class Int64Buffer extends NumberBuffer<bigint | number> {
  constructor(capacity: number) {
    super(new BigInt64Array(capacity));
  }

  push(value: bigint | number | null): void {
    const row = this.next(value === null);
    if (typeof value === 'bigint') this.values[row] = value;
    else {
      this.halves[2 * row] = value ?? 0;
      this.halves[2 * row + 1] = Math.floor((value ?? 0) / TWO_TO_32);
    }
  }
}

export class Float64Buffer extends NumberBuffer<number> {
  constructor(capacity: number) {
    super(new Float64Array(capacity));
  }

  push(value: number | null): void {
    this.values[this.next(value === null)] = value ?? 0;
  }
}

export class BoolBuffer extends ColumnBuffer<boolean> {
  readonly #bits: Uint8Array;

  constructor(capacity: number) {
    super();
    this.#bits = new Uint8Array(Math.ceil(capacity / 8));
  }

  push(value: boolean | null): void {
    const row = this.next(value === null);
    if ((row & 7) === 0) this.#bits[row >> 3] = 0;
    if (value) this.#bits[row >> 3] |= 1 << (row & 7);
  }

  pushBytes(source: DataView, start: number): void {
    this.push(source.getUint8(start) === 1);
  }

  protected take(): Values {
    return { data: this.#bits.subarray(0, Math.ceil(this.rows / 8)) };
  }
}

/** Strings as UTF-8, one behind the other. They must be well-formed Unicode. */
export class StringBuffer extends ColumnBuffer<string> {
  #offsets: Int32Array;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #end = 0;

  constructor(capacity: number) {
    super();
    this.#offsets = new Int32Array(capacity + 1);
  }

  push(text: string | null): void {
    if (text !== null) {
      this.#makeRoom(text.length * 3 <= FIRST_BYTES ? text.length * 3 : Buffer.byteLength(text));
      this.#end += this.#bytes.write(text, this.#end);
    }
    this.#close(text === null);
  }

  pushBytes(source: DataView, start: number, end: number): void {
    this.#makeRoom(end - start);
    copyBytes(source, start, end, this.#view, this.#end);
    this.#end += end - start;
    this.#close();
  }

  /** The inside of a JSON string whose escapes are all of two characters, from `start` to `end`, as in `pushBytes`. */
  pushEscaped(source: DataView, start: number, end: number): void {
    this.#makeRoom(end - start);
    const view = this.#view;
    let to = this.#end;
    for (let at = start; at < end; ) {
      const word = source.getInt32(at, true);
      view.setInt32(to, word, true);
      const plain = Math.min(bytesBeforeBackslash(word), end - at);
      at += plain;
      to += plain;
      if (plain === WORD_BYTES || at === end) continue;
      view.setUint8(to++, MEANING[source.getUint8(at + 1)]);
      at += 2;
    }
    this.#end = to;
    this.#close();
  }

  #close(isNull = false): void {
    this.next(isNull);
    if (this.rows >= this.#offsets.length) this.#offsets = twiceAsLong(this.#offsets);
    this.#offsets[this.rows] = this.#end;
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes + SLACK_BYTES;
    if (needed <= this.#bytes.length) return;
    const longer = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(longer, 0, 0, this.#end);
    this.#useBytes(longer);
  }

  #useBytes(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  protected take(): Values {
    const valueOffsets = this.#offsets.subarray(0, this.rows + 1);
    const data = new Uint8Array(this.#bytes.buffer, 0, this.#end);
    this.#end = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#useBytes(Buffer.allocUnsafeSlow(FIRST_BYTES));
    return { valueOffsets, data };
  }
}

/** Lists of strings. */
export class StringsBuffer extends ColumnBuffer<readonly (string | null)[]> {
  readonly items = new StringBuffer(0);
  readonly #offsets: Int32Array;

  constructor(capacity: number) {
    super();
    this.#offsets = new Int32Array(capacity + 1);
  }

  push(items: readonly (string | null)[] | null): void {
    for (const item of items ?? []) this.items.push(item);
    this.#offsets[this.next(items === null) + 1] = this.items.rows;
  }

  pushBytes(): void {
    this.#offsets[this.next(false) + 1] = this.items.rows;
  }

  protected take(): Values {
    const valueOffsets = this.#offsets.subarray(0, this.rows + 1);
    return { valueOffsets, child: this.items.finish(new Utf8()) };
  }
}

/** The buffer of each type of column, for so many rows at most. */
export const COLUMN_BUFFERS: {
  readonly [T in ColumnType]: (capacity: number) => ColumnBuffer<CellTypes[T]>;
} = {
  string: (capacity) => new StringBuffer(capacity),
  json: (capacity) => new StringBuffer(capacity),
  int64: (capacity) => new Int64Buffer(capacity),
  float64: (capacity) => new Float64Buffer(capacity),
  bool: (capacity) => new BoolBuffer(capacity),
  timestamp: (capacity) => new Int64Buffer(capacity),
  strings: (capacity) => new StringsBuffer(capacity),
};

/** Columns of the same length as one record batch. */
export function batchOf(schema: Schema, children: Data[]): RecordBatch {
  const type = new Struct(schema.fields);
  const { length } = children[0];
  return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children }));
}
