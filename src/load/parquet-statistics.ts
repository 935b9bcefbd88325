/** A bound is cut to this many bytes: enough to prune by, and the footer stays small. */
const BOUND_BYTES = 64;

/** The bounds of a column chunk as PLAIN encoded values (a text without its length). */
export interface Bounds {
  readonly min: Buffer;
  /** Absent where every bound would have to be longer than what may be kept. */
  readonly max: Buffer | undefined;
  readonly minIsExact: boolean;
  readonly maxIsExact: boolean;
}

/** How the values of a column are ordered: as parquet.thrift says of `ColumnOrder.TYPE_ORDER`. */
export type Order = 'bytes' | 'int64' | 'double' | 'boolean';

/** Negative where `a[from]` up to `a[to]` comes before `b[0]` up to `b[length]`, positive where it comes behind. */
type Compare = (a: DataView, from: number, to: number, b: DataView, length: number) => number;

/**
 * Keeps the least and the greatest of the values it is shown. A text is looked at as far as its first 65 bytes: what
 * they leave open, the cut bound does too.
 */
export class Range {
  readonly #order: Order;
  readonly #compare: Compare;
  readonly #min = new Kept();
  readonly #max = new Kept();
  #empty = true;
  #hasNaN = false;

  constructor(order: Order) {
    this.#order = order;
    this.#compare = COMPARE[order];
  }

  /** @param from where the value starts, PLAIN encoded (a text without its length), up to `to` */
  add(values: DataView, from: number, to: number): void {
    if (this.#order === 'double' && Number.isNaN(values.getFloat64(from, true))) {
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
    if (this.#order === 'double') {
      if (min.readDoubleLE() === 0) min.writeDoubleLE(-0);
      if (max.readDoubleLE() === 0) max.writeDoubleLE(0);
    }
    const minIsExact = min.length <= BOUND_BYTES;
    const maxIsExact = max.length <= BOUND_BYTES;
    return {
      min: minIsExact ? min : wholeCharacters(min),
      max: maxIsExact ? max : nextText(wholeCharacters(max)),
      minIsExact,
      maxIsExact,
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

/** As many whole characters of UTF-8 as a bound may have bytes. */
function wholeCharacters(text: Buffer): Buffer {
  let end = BOUND_BYTES;
  while (end > 0 && (text[end] & 0xc0) === 0x80) end--;
  return text.subarray(0, end);
}

/**
 * The shortest change that makes a text greater than all that start with it: its last character is replaced by the next
 * one there is, or, where there is none, left out and the one before it replaced.
 */
function nextText(text: Buffer): Buffer | undefined {
  const characters = Array.from(
    text.toString('utf8'),
    (character) => character.codePointAt(0) ?? 0,
  );
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    if (last === 0x10ffff) continue;
    const next = last === 0xd7ff ? 0xe000 : last + 1;
    return Buffer.from(String.fromCodePoint(...characters, next));
  }
  return undefined;
}

const COMPARE: Readonly<Record<Order, Compare>> = {
  bytes(a, from, to, b, length) {
    const shorter = Math.min(to - from, length);
    for (let i = 0; i < shorter; i++) {
      const difference = a.getUint8(from + i) - b.getUint8(i);
      if (difference !== 0) return difference;
    }
    return to - from - length;
  },
  int64(a, from, _to, b) {
    const high = a.getInt32(from + 4, true) - b.getInt32(4, true);
    return high === 0 ? a.getUint32(from, true) - b.getUint32(0, true) : high;
  },
  double: (a, from, _to, b) => a.getFloat64(from, true) - b.getFloat64(0, true),
  boolean: (a, from, _to, b) => a.getUint8(from) - b.getUint8(0),
};
