/** A wrong option or a wrong call of the simulator. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
}

export function usageError(problem: string): SimulatorError {
  return new SimulatorError(`simulator: ${problem}`);
}

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

/** The 128 bits of a UUID, most significant word first. Word order is text order. */
export type UuidWords = readonly [number, number, number, number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** True for the canonical 36-character form, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A random (version 4) UUID. */
export function randomUuid(random: Random): UuidWords {
  return [
    random.uint32(),
    ((random.uint32() & 0xffff0fff) | 0x4000) >>> 0,
    ((random.uint32() & 0x3fffffff) | 0x80000000) >>> 0,
    random.uint32(),
  ];
}

/** The canonical lower-case text of four words. */
export function uuidText(a: number, b: number, c: number, d: number): string {
  return `${hexWord(a)}-${hex(b >>> 16)}-${hex(b)}-${hex(c >>> 16)}-${hex(c)}${hexWord(d)}`;
}

/** The eight hex digits of a 32-bit word. */
export function hexWord(word: number): string {
  return hex(word >>> 16) + hex(word);
}

function hex(sixteenBits: number): string {
  return HEX[(sixteenBits >>> 8) & 0xff] + HEX[sixteenBits & 0xff];
}

/** @returns the words of a UUID's text, or undefined when it is none. */
export function uuidWords(text: string): UuidWords | undefined {
  if (!isUuid(text)) return undefined;
  const digits = text.replaceAll('-', '');
  const word = (index: number): number =>
    Number.parseInt(digits.slice(index * 8, index * 8 + 8), 16);
  return [word(0), word(1), word(2), word(3)];
}

const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})\d*)?)?(?:Z|([+-])(\d\d):(\d\d))?$/;

/** Reads an ISO 8601 date-time, naive ones as UTC. @returns microseconds since the epoch; undefined when it is none */
export function microsOf(text: string): number | undefined {
  const [, year, month, day, hour, minute, second = '0', fraction = '', sign, ...offset] =
    DATE_TIME.exec(text) ?? [];
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  const millis = Date.UTC(y, mo - 1, d, h, mi, s);
  if (Number.isNaN(millis)) return undefined;
  const date = new Date(millis);
  if (date.getUTCDate() !== d || date.getUTCMonth() !== mo - 1 || h > 23 || mi > 59 || s > 59) {
    return undefined;
  }
  const east = sign === undefined ? 0 : Number(offset[0]) * 60 + Number(offset[1]);
  const minutesEast = sign === '-' ? -east : east;
  return (millis - minutesEast * 60_000) * 1000 + Number(fraction.padEnd(6, '0'));
}

const MICROS_PER_DAY = 86_400_000_000;
const TWO = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
const THREE = Array.from({ length: 1000 }, (_, n) => String(n).padStart(3, '0'));
const days = new Map<number, string>();

/**
 * Date and time to the second, UTC, without a zone: `2021-11-10T15:24:38`. Faster than `Date.toISOString`, which is
 * why it is here: a page of 100 jobs holds 400 of them.
 *
 * @param micros microseconds since the epoch, a whole number below 2^53
 */
export function isoSeconds(micros: number): string {
  const day = Math.floor(micros / MICROS_PER_DAY);
  const second = Math.floor((micros - day * MICROS_PER_DAY) / 1_000_000);
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  return `${dayText(day)}T${TWO[hour]}:${TWO[minute - hour * 60]}:${TWO[second - minute * 60]}`;
}

/** The six fraction digits of an instant. */
export function microDigits(micros: number): string {
  const fraction = micros - Math.floor(micros / 1_000_000) * 1_000_000;
  const millis = Math.floor(fraction / 1000);
  return THREE[millis] + THREE[fraction - millis * 1000];
}

/** The shape the simulator writes unless an oddity says otherwise: `2023-03-24T09:06:52.107659+00:00`. */
export function isoText(micros: number): string {
  return `${isoSeconds(micros)}.${microDigits(micros)}+00:00`;
}

function dayText(day: number): string {
  let text = days.get(day);
  if (text === undefined) {
    text = new Date(day * 86_400_000).toISOString().slice(0, 10);
    days.set(day, text);
  }
  return text;
}
