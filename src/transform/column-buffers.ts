import {
  Bool,
  type Data,
  Field,
  Float64,
  Int64,
  List,
  makeData,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';

const NO_BITS = new Uint8Array(0);
const encoder = new TextEncoder();

/** The validity bitmap of a column, bit i for row i; it stays unallocated while no value is null. */
class Validity {
  #nullCount = 0;
  #bits: Uint8Array = NO_BITS;
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  setNull(row: number): void {
    if (this.#nullCount++ === 0)
      this.#bits = new Uint8Array(Math.ceil(this.#capacity / 8)).fill(0xff);
    this.#bits[row >> 3] &= ~(1 << (row & 7));
  }

  /** The bitmap of the first `length` rows; bits behind them are zero, so that equal data are equal bytes. */
  finish(length: number): { nullCount: number; nullBitmap?: Uint8Array } {
    if (this.#nullCount === 0) return { nullCount: 0 };
    const nullBitmap = this.#bits.subarray(0, Math.ceil(length / 8));
    const used = length & 7;
    if (used > 0) nullBitmap[nullBitmap.length - 1] &= (1 << used) - 1;
    return { nullCount: this.#nullCount, nullBitmap };
  }
}

/** One column of a batch whose number of rows is known; rows are set in order. */
export interface ColumnBuffer {
  finish(): Data;
}

/** Strings, gathered as they are and encoded to UTF-8 together. */
export class StringBuffer implements ColumnBuffer {
  readonly #texts: (string | null)[] = [];

  push(text: string | null): void {
    this.#texts.push(text);
  }

  /** Rows whose text UTF-8 cannot carry, for it holds half of a surrogate pair. */
  malformedRows(): number[] {
    if (this.#texts.every((text) => text === null || text.isWellFormed())) return [];
    return this.#texts.flatMap((text, row) => (text === null || text.isWellFormed() ? [] : [row]));
  }

  finish(): Data<Utf8> {
    const length = this.#texts.length;
    const validity = new Validity(length);
    const joined = this.#texts.join('');
    const data = encoder.encode(joined);
    const isAscii = data.length === joined.length;
    const valueOffsets = new Int32Array(length + 1);
    for (let row = 0, end = 0; row < length; row++) {
      const text = this.#texts[row];
      if (text === null) validity.setNull(row);
      else end += isAscii ? text.length : Buffer.byteLength(text);
      valueOffsets[row + 1] = end;
    }
    return makeData({ type: new Utf8(), length, ...validity.finish(length), valueOffsets, data });
  }
}

/** Lists of strings. */
export class StringsBuffer implements ColumnBuffer {
  readonly #items = new StringBuffer();
  readonly #offsets: Int32Array;
  readonly #validity: Validity;
  readonly #listOfItem: number[] = [];
  #row = 0;

  constructor(capacity: number) {
    this.#offsets = new Int32Array(capacity + 1);
    this.#validity = new Validity(capacity);
  }

  push(items: readonly (string | null)[] | null): void {
    const row = this.#row++;
    if (items === null) this.#validity.setNull(row);
    else {
      for (const item of items) {
        this.#items.push(item);
        this.#listOfItem.push(row);
      }
    }
    this.#offsets[row + 1] = this.#listOfItem.length;
  }

  malformedRows(): number[] {
    return this.#items.malformedRows().map((item) => this.#listOfItem[item]);
  }

  finish(): Data<List<Utf8>> {
    const length = this.#row;
    const type = new List(new Field('element', new Utf8(), true));
    const valueOffsets = this.#offsets.subarray(0, length + 1);
    return makeData({
      type,
      length,
      ...this.#validity.finish(length),
      valueOffsets,
      child: this.#items.finish(),
    });
  }
}

/** 64-bit integers. */
export class Int64Buffer implements ColumnBuffer {
  protected readonly values: BigInt64Array;
  protected readonly validity: Validity;
  protected length = 0;

  constructor(capacity: number) {
    this.values = new BigInt64Array(capacity);
    this.validity = new Validity(capacity);
  }

  push(value: bigint | null): void {
    const row = this.length++;
    if (value === null) this.validity.setNull(row);
    else this.values[row] = value;
  }

  finish(): Data {
    const { length, values } = this;
    const data = values.subarray(0, length);
    return makeData({ type: new Int64(), length, ...this.validity.finish(length), data });
  }
}

/** Microseconds since the epoch, UTC. */
export class TimestampBuffer extends Int64Buffer {
  override finish(): Data {
    const { length, values } = this;
    const data = values.subarray(0, length);
    return makeData({
      type: new TimestampMicrosecond('UTC'),
      length,
      ...this.validity.finish(length),
      data,
    });
  }
}

export class Float64Buffer implements ColumnBuffer {
  readonly #values: Float64Array;
  readonly #validity: Validity;
  #row = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
    this.#validity = new Validity(capacity);
  }

  push(value: number | null): void {
    const row = this.#row++;
    if (value === null) this.#validity.setNull(row);
    else this.#values[row] = value;
  }

  finish(): Data<Float64> {
    const length = this.#row;
    const data = this.#values.subarray(0, length);
    return makeData({ type: new Float64(), length, ...this.#validity.finish(length), data });
  }
}

/** Booleans, none of them null. */
export class BoolBuffer implements ColumnBuffer {
  readonly #bits: Uint8Array;
  #row = 0;

  constructor(capacity: number) {
    this.#bits = new Uint8Array(Math.ceil(capacity / 8));
  }

  push(value: boolean): void {
    const row = this.#row++;
    if (value) this.#bits[row >> 3] |= 1 << (row & 7);
  }

  finish(): Data<Bool> {
    const length = this.#row;
    const data = this.#bits.subarray(0, Math.ceil(length / 8));
    return makeData({ type: new Bool(), length, nullCount: 0, data });
  }
}
