import { firstWhere } from '../platform/ranges.ts';

const WORDS = 4;
const CHUNK_IDS = 1 << 12;
const FIRST_SLOTS = 1 << 10;
const MAX_LOAD = 0.7;
/** Hex digits of a prefix that the sorted keys can tell apart: 12 digits are 48 bits, exact in a double. */
export const KEY_DIGITS = 12;
const UUID_LENGTH = 36;

/** Hex digits of ids that are UUIDs. */
export const DIGITS = [...'0123456789abcdef'];
const DIGIT_BYTES = Buffer.from(DIGITS.join(''));

/** Ids in memory that another thread can read too. */
export interface IdMemory {
  readonly length: number;
  /** Four words an id, of as many ids in each chunk; zeros where it is among `others`. */
  readonly chunks: readonly Uint32Array[];
  /** Those that are no lower-case UUIDs, by their places. */
  readonly others: ReadonlyMap<number, string>;
}

/**
 * The keys of every row of a snapshot that a run goes on from, in file order: by `created_at`, then by the UTF-8 bytes
 * of `id`. Its arrays are views of shared memory, so that another thread takes them without a copy.
 */
export interface BaseIndex {
  readonly rows: number;
  /** Microseconds since the epoch. */
  readonly created: BigInt64Array;
  /** 1 where the status was final. */
  readonly isFinal: Uint8Array;
  readonly ids: IdMemory;
}

/** Ids one behind the other. A UUID takes 16 bytes; one of any other shape is kept as it is. */
export class IdList {
  length = 0;
  readonly others: Map<number, string>;
  readonly #chunks: Uint32Array[];
  readonly #packed = new Uint32Array(WORDS);

  /** @param memory that the list begins with; it stays as it is */
  constructor(memory: IdMemory = { length: 0, chunks: [], others: new Map() }) {
    this.length = memory.length;
    this.others = new Map(memory.others);
    this.#chunks = [...memory.chunks];
    const isLastFull = memory.length % CHUNK_IDS === 0;
    if (!isLastFull) this.#chunks.push(copyOf(this.#chunks.pop()));
  }

  get memory(): IdMemory {
    return { length: this.length, chunks: this.#chunks, others: this.others };
  }

  get byteLength(): number {
    return this.#chunks.length * CHUNK_IDS * WORDS * 4;
  }

  /** @param id UTF-8 */
  push(id: Uint8Array): void {
    if (id.length === UUID_LENGTH && packUuid(id, 0, this.#packed)) this.pushPacked(this.#packed);
    else this.pushOther(Buffer.from(id).toString('utf8'));
  }

  pushOther(id: string): void {
    this.others.set(this.length, id);
    this.pushPacked(NONE);
  }

  pushPacked(packed: Uint32Array): void {
    const index = this.length++;
    if (index % CHUNK_IDS === 0) this.#chunks.push(emptyChunk());
    const chunk = this.chunkOf(index);
    const at = placeOf(index);
    for (let word = 0; word < WORDS; word++) chunk[at + word] = packed[word];
  }

  /** The chunk that has an id's words, from `placeOf(index)` on. */
  chunkOf(index: number): Uint32Array {
    return this.#chunks[Math.floor(index / CHUNK_IDS)];
  }

  /** Tells of an id whether it is a UUID that starts with these hex digits, 12 at most. */
  under(digits: string): (index: number) => boolean {
    const [first, behind] = keysUnder(digits);
    return (index) => {
      const key = this.keyOf(index);
      return key >= first && key < behind && !this.others.has(index);
    };
  }

  /** The first 12 digits of a UUID as a number. */
  keyOf(index: number): number {
    const at = placeOf(index);
    const chunk = this.chunkOf(index);
    return chunk[at] * 0x10000 + (chunk[at + 1] >>> 16);
  }

  textAt(index: number): string {
    const other = this.others.get(index);
    if (other !== undefined) return other;
    return Buffer.from(this.bytesAt(index)).toString('latin1');
  }

  /** UTF-8. */
  bytesAt(index: number): Uint8Array {
    const other = this.others.get(index);
    if (other !== undefined) return Buffer.from(other);
    const bytes = new Uint8Array(UUID_LENGTH).fill(DASH);
    const chunk = this.chunkOf(index);
    const place = placeOf(index);
    for (let digit = 0; digit < DIGIT_PLACES.length; digit++) {
      const value = (chunk[place + (digit >> 3)] >>> (28 - 4 * (digit & 7))) & 15;
      bytes[DIGIT_PLACES[digit]] = DIGIT_BYTES[value];
    }
    return bytes;
  }
}

/**
 * Numbers job ids in the order in which they come. A UUID takes 16 bytes and a hash slot, not a string: a million of
 * them take about 24 MB. The index also counts the ids under a prefix, by binary search.
 */
export class IdIndex {
  readonly #ids: IdList;
  readonly #others: Map<string, number>;
  readonly #packed = new Uint32Array(WORDS);
  /** Numbers by the hashes of their UUIDs; -1 is an empty slot. */
  #slots: Int32Array;
  /** Keys of the UUIDs among the first ids. */
  #sortedKeys = new Float64Array(0);
  #sorted = 0;

  /** @param known ids that have the first numbers: each that of its place */
  constructor(known?: IdMemory) {
    this.#ids = new IdList(known);
    this.#others = new Map(Array.from(this.#ids.others, ([number, id]) => [id, number]));
    const slots = Math.max(FIRST_SLOTS, this.size / MAX_LOAD + 1);
    this.#slots = this.#slotted(2 ** Math.ceil(Math.log2(slots)));
  }

  get size(): number {
    return this.#ids.length;
  }

  /** Bytes held by the packed ids and their slots. */
  get byteLength(): number {
    return this.#ids.byteLength + this.#slots.byteLength + this.#sortedKeys.byteLength;
  }

  /** Whether the id of a number is no lower-case UUID. */
  isOther(number: number): boolean {
    return this.#ids.others.has(number);
  }

  /** The number of an id: 0, 1, ... `size` grows when it is new. */
  intern(id: string): number {
    if (packText(id, this.#packed)) return this.#internPacked();
    const number = this.#others.get(id) ?? this.size;
    if (number === this.size) {
      this.#ids.pushOther(id);
      this.#others.set(id, number);
    }
    return number;
  }

  /** The same from the UTF-8 an id came in, without making a string of it where it is a UUID. */
  internBytes(bytes: Uint8Array, start = 0, end = bytes.length): number {
    const isUuid = end - start === UUID_LENGTH && packUuid(bytes, start, this.#packed);
    if (isUuid) return this.#internPacked();
    return this.intern(Buffer.from(bytes.subarray(start, end)).toString('utf8'));
  }

  #internPacked(): number {
    const slot = this.#findSlot(this.#packed, 0);
    if (this.#slots[slot] !== -1) return this.#slots[slot];
    const number = this.size;
    this.#ids.pushPacked(this.#packed);
    this.#slots[slot] = number;
    const { length } = this.#slots;
    if (this.size - this.#others.size > length * MAX_LOAD) this.#slots = this.#slotted(length * 2);
    return number;
  }

  has(id: string): boolean {
    if (!packText(id, this.#packed)) return this.#others.has(id);
    return this.#slots[this.#findSlot(this.#packed, 0)] !== -1;
  }

  /** Whether an id of a list is there. */
  hasOf(list: IdList, index: number): boolean {
    const other = list.others.get(index);
    if (other !== undefined) return this.#others.has(other);
    return this.#slots[this.#findSlot(list.chunkOf(index), placeOf(index))] !== -1;
  }

  /** Ids that start with the given text, e.g. `0a` or `12345678-9`. */
  countPrefix(prefix: string): number {
    if (prefix === '') return this.size;
    const digits = prefixDigits(prefix);
    if (digits !== undefined && digits.length > KEY_DIGITS)
      return this.idsWithPrefix(prefix).length;
    let count = 0;
    for (const id of this.#others.keys()) if (id.startsWith(prefix)) count++;
    if (digits === undefined) return count;
    this.#sortKeys();
    const [first, behind] = keysUnder(digits);
    const keys = this.#sortedKeys;
    const rankOf = (key: number) => firstWhere(0, keys.length, (at) => keys[at] >= key);
    count += rankOf(behind) - rankOf(first);
    const isUnder = this.#ids.under(digits);
    for (let number = this.#sorted; number < this.size; number++) if (isUnder(number)) count++;
    return count;
  }

  /** The ids that start with the given text. Reads all of them: for leaves, not for counting. */
  idsWithPrefix(prefix: string): string[] {
    const ids = [...this.#others.keys()].filter((id) => id.startsWith(prefix));
    const digits = prefixDigits(prefix)?.slice(0, KEY_DIGITS);
    if (digits === undefined) return ids;
    const isUnder = this.#ids.under(digits);
    for (let number = 0; number < this.size; number++) {
      if (!isUnder(number)) continue;
      const id = this.#ids.textAt(number);
      if (id.startsWith(prefix)) ids.push(id);
    }
    return ids;
  }

  /** The slot that holds packed words, or the empty one where they belong. */
  #findSlot(words: Uint32Array, at: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashAt(words, at) & mask;
    for (let number = slots[slot]; number !== -1; number = slots[slot]) {
      if (isSame(this.#ids.chunkOf(number), placeOf(number), words, at)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  /** So many slots, with all UUIDs in place. */
  #slotted(length: number): Int32Array {
    const slots = new Int32Array(length).fill(-1);
    const mask = length - 1;
    const hasOthers = this.#others.size > 0;
    for (let number = 0; number < this.size; number++) {
      if (hasOthers && this.isOther(number)) continue;
      let slot = hashAt(this.#ids.chunkOf(number), placeOf(number)) & mask;
      while (slots[slot] !== -1) slot = (slot + 1) & mask;
      slots[slot] = number;
    }
    return slots;
  }

  /** Sorting again pays only once the ids added since are many; the few are scanned. */
  #sortKeys(): void {
    const added = this.size - this.#sorted;
    if (added === 0 || (this.#sorted > 0 && added < 10_000)) return;
    const keys = new Float64Array(this.size - this.#others.size);
    let count = 0;
    for (let number = 0; number < this.size; number++)
      if (!this.isOther(number)) keys[count++] = this.#ids.keyOf(number);
    this.#sortedKeys = keys.sort();
    this.#sorted = this.size;
  }
}

/** The first key under a prefix, and the first behind it. */
function keysUnder(digits: string): [number, number] {
  const width = 16 ** (KEY_DIGITS - digits.length);
  const first = (digits === '' ? 0 : Number.parseInt(digits, 16)) * width;
  return [first, first + width];
}

/** Where the words of an id start in its chunk. */
function placeOf(index: number): number {
  return (index % CHUNK_IDS) * WORDS;
}

function emptyChunk(): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(CHUNK_IDS * WORDS * 4));
}

function copyOf(chunk: Uint32Array | undefined): Uint32Array {
  const copy = emptyChunk();
  if (chunk !== undefined) copy.set(chunk);
  return copy;
}

function hashAt(words: Uint32Array, at: number): number {
  const ends = Math.imul(words[at] ^ Math.imul(words[at + 2], 0x85ebca6b), 0x9e3779b1);
  return ends ^ words[at + 1] ^ Math.imul(words[at + 3], 0xc2b2ae35);
}

function isSame(a: Uint32Array, at: number, b: Uint32Array, from: number): boolean {
  for (let word = 0; word < WORDS; word++) if (a[at + word] !== b[from + word]) return false;
  return true;
}

/** Writes hex digits (all 32 or the first few) the way a UUID's text starts: `123456789a` is `12345678-9a`. */
export function dashed(digits: string): string {
  const groups = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
  ];
  return [...groups, digits.slice(20)].filter((group) => group !== '').join('-');
}

/** The hex digits of a text with which a UUID may start, undefined when none does: `12345678-9` is `123456789`. */
export function prefixDigits(prefix: string): string | undefined {
  const digits = prefix.replaceAll('-', '');
  const isPrefix = /^[0-9a-f]{0,32}$/.test(digits) && dashed(`${digits}0`).startsWith(prefix);
  return isPrefix ? digits : undefined;
}

/** What each byte is as a lower-case hex digit, 255 where it is none. */
const HEX = new Uint8Array(256).fill(255);
for (const [value, byte] of DIGIT_BYTES.entries()) HEX[byte] = value;
const DASH = 0x2d;
/** Where the digits of a UUID stand in its text. */
const DIGIT_PLACES = [...dashed('0'.repeat(32))].flatMap((char, at) => (char === '-' ? [] : [at]));
const NONE = new Uint32Array(WORDS);

const scratch = Buffer.alloc(UUID_LENGTH);

/** The same for a string. One of as many characters as bytes is ASCII. */
function packText(id: string, words: Uint32Array): boolean {
  const isAscii = id.length === UUID_LENGTH && scratch.write(id) === UUID_LENGTH;
  return isAscii && packUuid(scratch, 0, words);
}

/** Packs a lower-case UUID into four words; false for any other text. */
function packUuid(bytes: Uint8Array, start: number, words: Uint32Array): boolean {
  let word = 0;
  let digits = 0;
  for (let at = 0; at < UUID_LENGTH; at++) {
    const byte = bytes[start + at];
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (byte !== DASH) return false;
      continue;
    }
    const digit = HEX[byte];
    if (digit > 15) return false;
    word = (word << 4) | digit;
    if (++digits % 8 === 0) words[digits / 8 - 1] = word;
  }
  return true;
}
