import { Bool, type Data, Float64, Int64, makeData, TimestampMicrosecond } from 'apache-arrow';
import { type ColumnBuffer, Validity } from './column-buffer.ts';

const TWO_TO_32 = 4_294_967_296;

/** 64-bit integers. */
export class Int64Buffer implements ColumnBuffer {
  private length = 0;
  private readonly validity = new Validity();
  private readonly values: BigInt64Array;
  /** The same values as low and high halves: a number is written without becoming a bigint. */
  readonly #halves: Int32Array;

  constructor(capacity: number) {
    this.values = new BigInt64Array(capacity);
    this.#halves = new Int32Array(this.values.buffer);
  }

  /** @param value a bigint that fits 64 bits, or a number that is a safe integer */
  push(value: bigint | number | null): void {
    const row = this.length++;
    if (value === null) this.validity.setNull(row);
    if (typeof value === 'bigint') this.values[row] = value;
    else {
      this.#halves[2 * row] = value ?? 0;
      this.#halves[2 * row + 1] = Math.floor((value ?? 0) / TWO_TO_32);
    }
  }

  finish(): Data {
    return makeData({ type: new Int64(), ...this.takeRows() });
  }

  protected takeRows(): {
    length: number;
    nullCount: number;
    nullBitmap?: Uint8Array;
    data: BigInt64Array;
  } {
    const { length } = this;
    this.length = 0;
    return { length, ...this.validity.finish(length), data: this.values.subarray(0, length) };
  }
}

/** Microseconds since the epoch, UTC. */
export class TimestampBuffer extends Int64Buffer {
  override finish(): Data {
    return makeData({ type: new TimestampMicrosecond('UTC'), ...this.takeRows() });
  }
}

export class Float64Buffer implements ColumnBuffer {
  readonly #values: Float64Array;
  readonly #validity = new Validity();
  #row = 0;

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity);
  }

  push(value: number | null): void {
    const row = this.#row++;
    if (value === null) this.#validity.setNull(row);
    this.#values[row] = value ?? 0;
  }

  finish(): Data<Float64> {
    const length = this.#row;
    const data = this.#values.subarray(0, length);
    this.#row = 0;
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
    if ((row & 7) === 0) this.#bits[row >> 3] = 0;
    if (value) this.#bits[row >> 3] |= 1 << (row & 7);
  }

  finish(): Data<Bool> {
    const length = this.#row;
    const data = this.#bits.subarray(0, Math.ceil(length / 8));
    this.#row = 0;
    return makeData({ type: new Bool(), length, nullCount: 0, data });
  }
}
