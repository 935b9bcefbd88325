import { unconvertMinMax } from 'hyparquet-writer/src/unconvert.js';
import type { PhysicalType } from './parquet-schema.ts';

/** A bound is cut to this many bytes: enough to prune by, and the footer stays small. */
const BOUND_BYTES = 64;

/** What the library cuts at whole characters, an upper bound upwards; where that cannot be, it leaves it as it is. */
const TEXT = { name: '', type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;

/** The bounds of a column chunk as PLAIN encoded values (a text without its length). */
export interface Bounds {
  readonly min: Buffer;
  /** Absent where every bound would have to be longer than what may be kept. */
  readonly max: Buffer | undefined;
  readonly minIsExact: boolean;
  readonly maxIsExact: boolean;
}

/** Negative where `a[from]` up to `a[to]` comes before `b[0]` up to `b[length]`, positive where it comes behind. */
type Compare = (a: DataView, from: number, to: number, b: DataView, length: number) => number;

/**
 * Keeps the least and the greatest of the values it is shown. A text is looked at as far as its first 65 bytes: what
 * they leave open, the cut bound does too.
 */
export class Range {
  readonly #type: PhysicalType;
  readonly #compare: Compare;
  readonly #min = new Kept();
  readonly #max = new Kept();
  #empty = true;
  #hasNaN = false;

  constructor(type: PhysicalType) {
    this.#type = type;
    this.#compare = COMPARE[type];
  }

  /** @param from where the value starts, PLAIN encoded (a text without its length), up to `to` */
  add(values: DataView, from: number, to: number): void {
    if (this.#type === 'DOUBLE' && Number.isNaN(values.getFloat64(from, true))) {
      this.#hasNaN = true;
      return;
    }
    const end = Math.min(to, from + BOUND_BYTES + 1);
    const { view: min, length: minLength } = this.#min;
    const { view: max, length: maxLength } = this.#max;
    if (this.#empty || this.#compare(values, from, end, min, minLength) < 0)
      this.#min.set(values, from, end);
    if (this.#empty || this.#compare(values, from, end, max, maxLength) > 0)
      this.#max.set(values, from, end);
    this.#empty = false;
  }

  /**
   * Nothing when there is no value, or a NaN: readers that hold it for the greatest of all would miss it. Zeros are
   * signed so that both lie inside, as parquet.thrift asks.
   */
  bounds(): Bounds | undefined {
    if (this.#empty || this.#hasNaN) return undefined;
    const min = this.#min.bytes();
    const max = this.#max.bytes();
    if (this.#type === 'DOUBLE') {
      if (min.readDoubleLE() === 0) min.writeDoubleLE(-0);
      if (max.readDoubleLE() === 0) max.writeDoubleLE(0);
    }
    const cut = (bound: Buffer, isMax: boolean): Buffer =>
      Buffer.from(unconvertMinMax(bound, TEXT, isMax, BOUND_BYTES) ?? bound);
    const high = cut(max, true);
    return {
      min: cut(min, false),
      max: high.length > BOUND_BYTES ? undefined : high,
      minIsExact: min.length <= BOUND_BYTES,
      maxIsExact: max.length <= BOUND_BYTES,
    };
  }
}

/** A copy of one value, or of its start. */
class Kept {
  length = 0;
  readonly view = new DataView(new ArrayBuffer(BOUND_BYTES + 1));

  set(values: DataView, from: number, to: number): void {
    this.length = to - from;
    for (let i = 0; i < this.length; i++) this.view.setUint8(i, values.getUint8(from + i));
  }

  bytes(): Buffer {
    return Buffer.from(new Uint8Array(this.view.buffer, 0, this.length));
  }
}

/** As parquet.thrift says of `ColumnOrder.TYPE_ORDER`. */
const COMPARE: Readonly<Record<PhysicalType, Compare>> = {
  BYTE_ARRAY(a, from, to, b, length) {
    const shorter = Math.min(to - from, length);
    for (let i = 0; i < shorter; i++) {
      const difference = a.getUint8(from + i) - b.getUint8(i);
      if (difference !== 0) return difference;
    }
    return to - from - length;
  },
  INT64(a, from, _to, b) {
    const high = a.getInt32(from + 4, true) - b.getInt32(4, true);
    return high === 0 ? a.getUint32(from, true) - b.getUint32(0, true) : high;
  },
  DOUBLE: (a, from, _to, b) => a.getFloat64(from, true) - b.getFloat64(0, true),
  BOOLEAN: (a, from, _to, b) => a.getUint8(from) - b.getUint8(0),
};
