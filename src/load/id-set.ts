const FIRST_SLOTS = 1 << 12;

/**
 * Ids by 53-bit hashes, 16 to 32 bytes an id: tells cheaply that an id is new. Of a million ids two have the same hash
 * once in 20,000 runs; that costs a second look, not a row.
 */
export class IdSet {
  #slots = new Float64Array(FIRST_SLOTS);
  #size = 0;

  /** @param id UTF-8 @returns false when it was there, or seems so */
  add(id: Uint8Array): boolean {
    if (this.#size * 2 >= this.#slots.length) this.#grow();
    if (!place(this.#slots, hashOf(id))) return false;
    this.#size++;
    return true;
  }

  #grow(): void {
    const slots = new Float64Array(this.#slots.length * 2);
    for (const hash of this.#slots) if (hash !== 0) place(slots, hash);
    this.#slots = slots;
  }
}

function place(slots: Float64Array, hash: number): boolean {
  const mask = slots.length - 1;
  for (let at = hash % slots.length; ; at = (at + 1) & mask) {
    if (slots[at] === hash) return false;
    if (slots[at] !== 0) continue;
    slots[at] = hash;
    return true;
  }
}

/** Two multiplicative hashes side by side; never 0, which is an empty slot. */
export function hashOf(id: Uint8Array): number {
  let [high, low] = [0x811c9dc5, id.length];
  for (let i = 0; i < id.length; i++) {
    high = Math.imul(high ^ id[i], 0x01000193);
    low = Math.imul(low ^ id[i], 0x85ebca6b) ^ (low >>> 13);
  }
  return ((high >>> 0) & 0x1fffff) * 4_294_967_296 + ((low ^ (low >>> 16)) >>> 0) || 1;
}
