import { Data, DataType, makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { SLACK_BYTES } from '../json/bytes.ts';
import { appendPacked, GrowingBytes, GrowingNumbers } from './parquet-encodings.ts';

const NO_BITS = new Uint8Array(0);
const NO_VALUE = new DataView(new ArrayBuffer(8));

/** One column of a record batch as it grows, value by value. Its memory is used again for the next batch. */
export class ColumnBuilder {
  /** Of a list: its elements, to be added before the list they are of is ended. */
  readonly elements: ColumnBuilder | undefined;
  readonly #type: DataType;
  readonly #isText: boolean;
  /** 1 for a value, 0 for a null. */
  readonly #valid = new GrowingNumbers();
  /** Where each text or list ends. */
  readonly #ends = new GrowingNumbers();
  /** Texts one behind the other, or numbers of 64 bits. */
  readonly #values = new GrowingBytes();
  readonly #bits = new GrowingNumbers();
  #nulls = 0;

  constructor(type: DataType) {
    this.#type = type;
    this.#isText = DataType.isUtf8(type);
    this.elements = DataType.isList(type) ? new ColumnBuilder(type.valueType) : undefined;
  }

  /** Values so far, nulls included. */
  get length(): number {
    return this.#valid.length;
  }

  /** Adds `source[from]` up to `source[to]`: a text, or a number of 64 bits, little-endian. */
  add(source: DataView, from: number, to: number): void {
    this.#values.appendRange(source, from, to);
    if (this.#isText) this.#ends.push(this.#values.length);
    this.#valid.push(1);
  }

  /** Adds a boolean. */
  addBit(bit: number): void {
    this.#bits.push(bit);
    this.#valid.push(1);
  }

  /** Adds a list of the elements that were added since the last one. */
  endList(): void {
    this.#ends.push(this.elements?.length ?? 0);
    this.#valid.push(1);
  }

  addNull(): void {
    this.#valid.push(0);
    this.#nulls++;
    if (this.elements !== undefined) this.#ends.push(this.elements.length);
    else if (this.#isText) this.#ends.push(this.#values.length);
    else if (DataType.isBool(this.#type)) this.#bits.push(0);
    else this.#values.appendRange(NO_VALUE, 0, 8);
  }

  /** What was added, in buffers of its own and as long as it needs; the next batch can begin. */
  take(): Data {
    const type = this.#type;
    const { length } = this;
    const nullCount = this.#nulls;
    const nullBitmap = nullCount === 0 ? NO_BITS : packed(this.#valid);
    const valueOffsets = new Int32Array(this.#ends.length + 1);
    valueOffsets.set(this.#ends.filled(), 1);
    const size = this.#values.length;
    const copy = new Uint8Array(size + (this.#isText ? SLACK_BYTES : 0));
    copy.set(this.#values.filled());
    const bits = packed(this.#bits);
    const child = this.elements?.take();
    this.#nulls = 0;
    for (const grown of [this.#valid, this.#ends, this.#values, this.#bits]) grown.length = 0;
    if (DataType.isList(type) && child !== undefined)
      return makeData({ type, length, nullCount, nullBitmap, valueOffsets, child });
    if (this.#isText) {
      const text = copy.subarray(0, size);
      return new Data(type, 0, length, nullCount, [valueOffsets, text, nullBitmap]);
    }
    if (DataType.isBool(type))
      return new Data(type, 0, length, nullCount, [undefined, bits, nullBitmap]);
    const numbers = DataType.isFloat(type)
      ? new Float64Array(copy.buffer)
      : new BigInt64Array(copy.buffer);
    return new Data(type, 0, length, nullCount, [undefined, numbers, nullBitmap]);
  }
}

/** As bits, least significant first. */
function packed(flags: GrowingNumbers): Uint8Array {
  const bits = new GrowingBytes();
  appendPacked(bits, flags.filled(), 1);
  return bits.bytes.slice(0, bits.length);
}

/** The columns as one record batch. */
export function batchOf(schema: Schema, children: readonly Data[]): RecordBatch {
  const type = new Struct(schema.fields);
  const length = children[0].length;
  return new RecordBatch(schema, makeData({ type, length, nullCount: 0, children: [...children] }));
}
