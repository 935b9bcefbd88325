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

/** Texts, or characters of them, that are encoded together: enough to make the call worth it, few enough to die young. */
const PENDING_TEXTS = 128;
const PENDING_CHARACTERS = 1 << 16;

/** Strings as UTF-8, one behind the other. They must be well-formed Unicode. */
export class StringBuffer implements ColumnBuffer {
  #offsets: Int32Array;
  #bytes = new Uint8Array(0);
  #rows = 0;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #nulls: number[] = [];

  constructor(capacity: number) {
    this.#offsets = new Int32Array(capacity + 1);
  }

  get rows(): number {
    return this.#rows + this.#pending.length;
  }

  push(text: string | null): void {
    if (text === null) this.#nulls.push(this.rows);
    this.#pending.push(text ?? '');
    this.#pendingCharacters += text?.length ?? 0;
    if (this.#pending.length >= PENDING_TEXTS || this.#pendingCharacters >= PENDING_CHARACTERS)
      this.#encode();
  }

  finish(): Data<Utf8> {
    this.#encode();
    const length = this.#rows;
    const validity = new Validity(length);
    for (const row of this.#nulls) validity.setNull(row);
    const valueOffsets = this.#offsets.subarray(0, length + 1);
    const data = this.#bytes.subarray(0, this.#offsets[length]);
    return makeData({ type: new Utf8(), length, ...validity.finish(length), valueOffsets, data });
  }

  /** One call encodes many texts; where all are ASCII, as they mostly are, their lengths are known without another. */
  #encode(): void {
    const joined = this.#pending.join('');
    const start = this.#offsets[this.#rows];
    this.#makeRoom(start, joined);
    const { written } = encoder.encodeInto(joined, this.#bytes.subarray(start));
    const isAscii = written === joined.length;
    let end = start;
    for (const text of this.#pending) {
      end += isAscii ? text.length : Buffer.byteLength(text);
      this.#offsets[++this.#rows] = end;
    }
    this.#pending = [];
    this.#pendingCharacters = 0;
  }

  #makeRoom(start: number, joined: string): void {
    const rows = this.#rows + this.#pending.length + 1;
    if (rows > this.#offsets.length) this.#offsets = grown(this.#offsets, new Int32Array(2 * rows));
    const most =
      start + (joined.length <= PENDING_CHARACTERS ? 3 * joined.length : Buffer.byteLength(joined));
    if (most > this.#bytes.length)
      this.#bytes = grown(this.#bytes, new Uint8Array(Math.max(most, 2 * this.#bytes.length)));
  }
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Lists of strings. */
export class StringsBuffer implements ColumnBuffer {
  readonly #items: StringBuffer;
  readonly #offsets: Int32Array;
  readonly #validity: Validity;
  #row = 0;

  constructor(capacity: number) {
    this.#items = new StringBuffer(capacity);
    this.#offsets = new Int32Array(capacity + 1);
    this.#validity = new Validity(capacity);
  }

  push(items: readonly (string | null)[] | null): void {
    const row = this.#row++;
    if (items === null) this.#validity.setNull(row);
    else for (const item of items) this.#items.push(item);
    this.#offsets[row + 1] = this.#items.rows;
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
