import type { Data } from 'apache-arrow';
import { SLACK_BYTES } from '../json/bytes.ts';
import type { LoadColumn } from './encoder.ts';

/**
 * The columns of a block: rows of any record batches, appended one slice after the other into plain arrays that start
 * at zero, with one byte a bit. Encoders read these instead of Arrow's buffers with their offsets and bit positions.
 */
abstract class AnyColumn {
  rows = 0;
  nulls = 0;
  /** 1 where the row has a value, 0 where it is null. */
  valid = new Uint8Array(0);

  /** Appends the rows `from` (inclusive) to `to` (exclusive) of an Arrow column of this column's type. */
  append(data: Data, from: number, to: number): void {
    const end = this.rows + to - from;
    this.valid = grownBytes(this.valid, end);
    const bitmap: Uint8Array | undefined = data.nullBitmap;
    if (bitmap === undefined || bitmap.length === 0) {
      this.valid.fill(1, this.rows, end);
    } else {
      const valid = unpackBits(bitmap, data.offset + from, this.valid, this.rows, end);
      this.nulls += to - from - valid;
    }
    this.appendValues(data, from, to);
    this.rows = end;
  }

  clear(): void {
    this.rows = 0;
    this.nulls = 0;
  }

  protected abstract appendValues(data: Data, from: number, to: number): void;
}

/** 64-bit values as they are in memory: integers, timestamps, doubles. */
export class FixedColumn extends AnyColumn {
  readonly kind = 'fixed';
  /** 8 bytes a row, little-endian. */
  bytes = new Uint8Array(0);
  /** The same bytes as low and high halves, two a row. */
  words = new Int32Array(0);
  /** The same bytes as doubles. */
  doubles = new Float64Array(0);

  protected override appendValues(data: Data, from: number, to: number): void {
    const grown = grownBytes(this.bytes, (this.rows + to - from) * 8);
    if (grown !== this.bytes) {
      this.bytes = grown;
      this.words = new Int32Array(grown.buffer);
      this.doubles = new Float64Array(grown.buffer);
    }
    const values: ArrayBufferView = data.values;
    const start = values.byteOffset + from * 8;
    this.bytes.set(new Uint8Array(values.buffer, start, (to - from) * 8), this.rows * 8);
    this.clearNulls(this.rows + to - from);
  }

  /** What lies under a null is anything: an Arrow file would show it. */
  private clearNulls(end: number): void {
    if (this.nulls === 0) return;
    for (let row = this.rows; row < end; row++) {
      if (this.valid[row] === 0) this.words.fill(0, row * 2, row * 2 + 2);
    }
  }
}

/** Booleans, one byte a row: 0 or 1. */
export class BoolColumn extends AnyColumn {
  readonly kind = 'bool';
  values = new Uint8Array(0);

  protected override appendValues(data: Data, from: number, to: number): void {
    const end = this.rows + to - from;
    this.values = grownBytes(this.values, end);
    unpackBits(data.values, data.offset + from, this.values, this.rows, end);
    for (let row = this.rows; row < end; row++) this.values[row] &= this.valid[row];
  }
}

/** UTF-8 strings: row i is `bytes[offsets[i]]` up to `bytes[offsets[i + 1]]`. */
export class TextColumn extends AnyColumn {
  readonly kind = 'text';
  offsets = new Int32Array(1);
  bytes = new Uint8Array(0);
  /** The same bytes, and a few that may be read past them. */
  view = new DataView(this.bytes.buffer);

  protected override appendValues(data: Data, from: number, to: number): void {
    this.offsets = grownOffsets(this.offsets, this.rows + to - from + 1);
    const source: Int32Array = data.valueOffsets;
    const { start, shift } = appendOffsets(source, from, to, this.offsets, this.rows);
    const end = source[to];
    const grown = grownBytes(this.bytes, end + shift + SLACK_BYTES);
    if (grown !== this.bytes) {
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    this.bytes.set(data.values.subarray(start, end), start + shift);
  }
}

/** Lists of strings: row i holds the elements `offsets[i]` up to `offsets[i + 1]`. */
export class ListColumn extends AnyColumn {
  readonly kind = 'list';
  offsets = new Int32Array(1);
  readonly elements = new TextColumn();

  protected override appendValues(data: Data, from: number, to: number): void {
    this.offsets = grownOffsets(this.offsets, this.rows + to - from + 1);
    const source: Int32Array = data.valueOffsets;
    const { start } = appendOffsets(source, from, to, this.offsets, this.rows);
    const [elements] = data.children;
    this.elements.append(elements, start, source[to]);
  }

  override clear(): void {
    super.clear();
    this.elements.clear();
  }
}

export type BlockColumn = FixedColumn | BoolColumn | TextColumn | ListColumn;

/** Rows of a batch, column by column, in the order of the schema. */
export interface Block {
  readonly rows: number;
  readonly columns: readonly BlockColumn[];
}

export function blockColumn({ type }: LoadColumn): BlockColumn {
  if (type === 'bool') return new BoolColumn();
  if (type === 'strings') return new ListColumn();
  return type === 'string' || type === 'json' ? new TextColumn() : new FixedColumn();
}

/** Copies offsets so that they go on where the target's end. `shift` is what was added to each. */
function appendOffsets(
  source: Int32Array,
  from: number,
  to: number,
  target: Int32Array,
  rows: number,
): { start: number; shift: number } {
  const start = source[from];
  const shift = target[rows] - start;
  for (let i = from + 1, at = rows + 1; i <= to; i++, at++) target[at] = source[i] + shift;
  return { start, shift };
}

/** One byte for each bit from `bit` on, least significant first. Returns how many are set. */
function unpackBits(
  bits: Uint8Array,
  bit: number,
  target: Uint8Array,
  from: number,
  to: number,
): number {
  let set = 0;
  for (let at = from, i = bit; at < to; at++, i++) {
    const value = (bits[i >> 3] >> (i & 7)) & 1;
    target[at] = value;
    set += value;
  }
  return set;
}

/** The same array, or a copy at least twice as long when `length` does not fit. */
export function grownBytes(
  bytes: Uint8Array<ArrayBuffer>,
  length: number,
): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const grown = new Uint8Array((Math.max(length, bytes.length * 2, 1024) + 7) & ~7);
  grown.set(bytes);
  return grown;
}

function grownOffsets(offsets: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= offsets.length) return offsets;
  const grown = new Int32Array(Math.max(length, offsets.length * 2));
  grown.set(offsets);
  return grown;
}
