const WORDS = 4;
const CHUNK_IDS = 1 << 12;
const FIRST_SLOTS = 1 << 10;
const MAX_LOAD = 0.7;
/** Hex digits of a prefix that the sorted keys can tell apart: 12 digits are 48 bits, exact in a double. */
const KEY_DIGITS = 12;
const UUID_LENGTH = 36;

/**
 * Numbers job ids in the order in which they come. A UUID takes 16 bytes and a hash slot, not a string: a million of
 * them take about 24 MB. An id of any other shape is kept as it is, and has a negative number. The index also counts
 * the ids under a prefix, by binary search.
 */
export class IdIndex {
  readonly #chunks: Uint32Array[] = [];
  readonly #others = new Map<string, number>();
  readonly #packed = new Uint32Array(WORDS);
  #slots = new Int32Array(FIRST_SLOTS).fill(-1);
  #count = 0;
  #sortedKeys = new Float64Array(0);

  get size(): number {
    return this.#count + this.#others.size;
  }

  /** Bytes held by the packed ids and their slots. */
  get byteLength(): number {
    return (
      this.#chunks.length * CHUNK_IDS * WORDS * 4 +
      this.#slots.byteLength +
      this.#sortedKeys.byteLength
    );
  }

  /** The number of an id: 0, 1, ... for UUIDs, -1, -2, ... for others. `size` grows when it is new. */
  intern(id: string): number {
    if (packText(id, this.#packed)) return this.#internPacked();
    const number = this.#others.get(id) ?? -1 - this.#others.size;
    this.#others.set(id, number);
    return number;
  }

  /** The same from the text an id came in, without making a string of it; undefined when it is no UUID. */
  internBytes(bytes: Uint8Array, start: number, end: number): number | undefined {
    const isUuid = end - start === UUID_LENGTH && packUuid(bytes, start, this.#packed);
    return isUuid ? this.#internPacked() : undefined;
  }

  #internPacked(): number {
    const slot = this.#findSlot();
    if (this.#slots[slot] !== -1) return this.#slots[slot];
    const index = this.#count++;
    if (index % CHUNK_IDS === 0) this.#chunks.push(new Uint32Array(CHUNK_IDS * WORDS));
    const chunk = this.#chunkOf(index);
    const at = placeOf(index);
    for (let word = 0; word < WORDS; word++) chunk[at + word] = this.#packed[word];
    this.#slots[slot] = index;
    if (this.#count > this.#slots.length * MAX_LOAD) this.#grow();
    return index;
  }

  has(id: string): boolean {
    if (!packText(id, this.#packed)) return this.#others.has(id);
    return this.#slots[this.#findSlot()] !== -1;
  }

  /** Ids that start with the given text, e.g. `0a` or `12345678-9`. */
  countPrefix(prefix: string): number {
    const digits = prefixDigits(prefix);
    if (digits !== undefined && digits.length > KEY_DIGITS)
      return this.idsWithPrefix(prefix).length;
    let count = 0;
    for (const id of this.#others.keys()) if (id.startsWith(prefix)) count++;
    if (digits === undefined) return count;
    this.#sortKeys();
    const width = 16 ** (KEY_DIGITS - digits.length);
    const first = (digits === '' ? 0 : Number.parseInt(digits, 16)) * width;
    count += lowerBound(this.#sortedKeys, first + width) - lowerBound(this.#sortedKeys, first);
    for (let index = this.#sortedKeys.length; index < this.#count; index++) {
      const key = this.#keyOf(index);
      if (key >= first && key < first + width) count++;
    }
    return count;
  }

  /** The ids that start with the given text. Reads all of them: for leaves, not for counting. */
  idsWithPrefix(prefix: string): string[] {
    const ids = [...this.#others.keys()].filter((id) => id.startsWith(prefix));
    const digits = prefixDigits(prefix)?.slice(0, KEY_DIGITS);
    if (digits === undefined) return ids;
    const width = 16 ** (KEY_DIGITS - digits.length);
    const first = (digits === '' ? 0 : Number.parseInt(digits, 16)) * width;
    for (let index = 0; index < this.#count; index++) {
      const key = this.#keyOf(index);
      if (key < first || key >= first + width) continue;
      const id = this.#unpack(index);
      if (id.startsWith(prefix)) ids.push(id);
    }
    return ids;
  }

  #chunkOf(index: number): Uint32Array {
    return this.#chunks[Math.floor(index / CHUNK_IDS)];
  }

  /** The slot that holds the packed id, or the empty one where it belongs. */
  #findSlot(): number {
    const packed = this.#packed;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashAt(packed, 0) & mask;
    for (let index = slots[slot]; index !== -1; index = slots[slot]) {
      if (isSame(this.#chunkOf(index), placeOf(index), packed)) break;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1);
    const mask = slots.length - 1;
    for (let index = 0; index < this.#count; index++) {
      let slot = hashAt(this.#chunkOf(index), placeOf(index)) & mask;
      while (slots[slot] !== -1) slot = (slot + 1) & mask;
      slots[slot] = index;
    }
    this.#slots = slots;
  }

  #keyOf(index: number): number {
    const at = placeOf(index);
    const chunk = this.#chunkOf(index);
    return chunk[at] * 0x10000 + (chunk[at + 1] >>> 16);
  }

  /** Sorting again pays only once the ids added since are many; the few are scanned. */
  #sortKeys(): void {
    const added = this.#count - this.#sortedKeys.length;
    if (added === 0 || (this.#sortedKeys.length > 0 && added < 10_000)) return;
    const keys = new Float64Array(this.#count);
    for (let index = 0; index < this.#count; index++) keys[index] = this.#keyOf(index);
    this.#sortedKeys = keys.sort();
  }

  #unpack(index: number): string {
    const at = placeOf(index);
    const words = this.#chunkOf(index).subarray(at, at + WORDS);
    return dashed(Array.from(words, (word) => word.toString(16).padStart(8, '0')).join(''));
  }
}

/** Where the words of an id start in its chunk. */
function placeOf(index: number): number {
  return (index % CHUNK_IDS) * WORDS;
}

function hashAt(words: Uint32Array, at: number): number {
  const ends = Math.imul(words[at] ^ Math.imul(words[at + 2], 0x85ebca6b), 0x9e3779b1);
  return ends ^ words[at + 1] ^ Math.imul(words[at + 3], 0xc2b2ae35);
}

function isSame(words: Uint32Array, at: number, packed: Uint32Array): boolean {
  for (let word = 0; word < WORDS; word++) if (words[at + word] !== packed[word]) return false;
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

function lowerBound(sorted: Float64Array, key: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What each byte is as a lower-case hex digit, 255 where it is none. */
const HEX = new Uint8Array(256).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) HEX[digit.charCodeAt(0)] = value;
const DASH = 0x2d;

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
