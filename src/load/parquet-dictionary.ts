import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { appendRange, bitWidthOf, GrowingNumbers } from './parquet-encodings.ts';

/** Larger dictionaries are not worth their memory: the limit of parquet-mr and Arrow C++. */
const MOST_BYTES = 1024 * 1024;

const FIRST_SLOTS = 1024;

/** The distinct values of a column chunk, in the order they were met, as PLAIN encoded bytes. */
export class Dictionary {
  /** What the dictionary page holds. */
  readonly values = new ByteWriter();
  /** Where each value starts in it. */
  readonly #starts = new GrowingNumbers();
  readonly #hashes = new GrowingNumbers();
  /** Bytes in front of each value that hold its length: 4 for texts, else 0. */
  readonly prefix: number;
  /** Open addressing: 1 + the index of a value, 0 where there is none. */
  #slots = new Int32Array(FIRST_SLOTS);
  #last = 0;

  constructor(prefix: number) {
    this.prefix = prefix;
  }

  get size(): number {
    return this.#starts.length;
  }

  get bitWidth(): number {
    return Math.max(1, bitWidthOf(this.size - 1));
  }

  clear(): void {
    this.values.index = 0;
    this.#starts.length = 0;
    this.#hashes.length = 0;
    this.#slots.fill(0);
  }

  /** Where a value starts in `values`, its length included. */
  startOf(index: number): number {
    return this.#starts.values[index];
  }

  endOf(index: number): number {
    return index + 1 < this.size ? this.#starts.values[index + 1] : this.values.index;
  }

  /** The index of the value `source[from]` up to `source[to]`, which is added if it is new. */
  indexOf(source: DataView, from: number, to: number): number {
    if (this.#last < this.size && this.#is(this.#last, source, from, to)) return this.#last;
    const hash = hashOf(source, from, to);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let found = this.#slots[slot]; found > 0; found = this.#slots[slot]) {
      if (this.#hashes.values[found - 1] === hash && this.#is(found - 1, source, from, to)) {
        this.#last = found - 1;
        return this.#last;
      }
      slot = (slot + 1) & mask;
    }
    this.#last = this.size;
    this.#slots[slot] = this.#last + 1;
    this.#starts.push(this.values.index);
    this.#hashes.push(hash);
    if (this.prefix > 0) this.values.appendInt32(to - from);
    appendRange(this.values, source, from, to);
    if (this.size * 2 > this.#slots.length) this.#grow();
    return this.#last;
  }

  /**
   * Whether so many values take clearly less room as indices than as they are. Where they take about the same, readers
   * are quicker without, and what compresses the page does as well.
   */
  pays(count: number, plainBytes: number): boolean {
    const bytes = this.values.index;
    return bytes <= MOST_BYTES && bytes + (count * this.bitWidth) / 8 < plainBytes * 0.7;
  }

  #is(index: number, source: DataView, from: number, to: number): boolean {
    let at = this.startOf(index) + this.prefix;
    if (this.endOf(index) - at !== to - from) return false;
    const { view } = this.values;
    let i = from;
    for (; i + 4 <= to; i += 4, at += 4)
      if (view.getInt32(at, true) !== source.getInt32(i, true)) return false;
    for (; i < to; i++, at++) if (view.getUint8(at) !== source.getUint8(i)) return false;
    return true;
  }

  #grow(): void {
    this.#slots = new Int32Array(this.#slots.length * 4);
    const mask = this.#slots.length - 1;
    for (let index = 0; index < this.size; index++) {
      let slot = this.#hashes.values[index] & mask;
      while (this.#slots[slot] > 0) slot = (slot + 1) & mask;
      this.#slots[slot] = index + 1;
    }
  }
}

/** FNV-1a over words, its bits mixed at the end as MurmurHash3 does. */
function hashOf(source: DataView, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    hash = Math.imul(hash ^ source.getInt32(i, true), 0x01000193);
    hash ^= hash >>> 15;
  }
  for (; i < to; i++) hash = Math.imul(hash ^ source.getUint8(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
