/**
 * A small seeded generator (sfc32): the same seeds give the same numbers on every machine. Not for secrets.
 *
 * @see https://pracrand.sourceforge.net/RNG_engines.txt sfc
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** Different seed lists give unrelated streams: name a purpose with a second number. */
  constructor(...seeds: readonly number[]) {
    [this.#a, this.#b, this.#c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162];
    for (const seed of seeds) {
      this.#a ^= seed | 0;
      this.#b ^= Math.floor(seed / 0x1_0000_0000) | 0;
      for (let i = 0; i < 6; i++) this.uint32();
    }
    for (let i = 0; i < 6; i++) this.uint32();
  }

  /** Uniform in 0 .. 2^32-1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number in 0 .. end-1. */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  /** A whole number in first .. last, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)];
  }

  /** The index of a weight, chosen in proportion to it. */
  weighted(weights: readonly number[]): number {
    let left = this.unit() * weights.reduce((sum, weight) => sum + weight, 0);
    const index = weights.findIndex((weight) => {
      left -= weight;
      return left < 0;
    });
    return index < 0 ? weights.length - 1 : index;
  }

  /** Puts the values in random order, in place (Fisher-Yates). */
  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [values[i], values[j]] = [values[j], values[i]];
    }
    return values;
  }
}

/** A 32-bit hash of a text (FNV-1a over UTF-16 units), to seed a stream by name. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** Mixes two 32-bit numbers into one that looks random (the finalizer of MurmurHash3). Much cheaper than a stream. */
export function mixed(a: number, b: number): number {
  let hash = Math.imul(a ^ (b >>> 15) ^ 0x9e3779b9, 0x85ebca6b) ^ b;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
