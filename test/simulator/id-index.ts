import type { JobTable } from './job-table.ts';

/** Bits a double holds exactly; more than that of an id does not fit beside a slot number. */
const DOUBLE_BITS = 53;

/** The slots of all listed jobs in order of their ids: answers "which ids start so" by two binary searches. */
export class IdIndex {
  readonly #table: JobTable;
  readonly #slots: number[];

  constructor(table: JobTable, slots: readonly number[]) {
    this.#table = table;
    this.#slots = sortedById(table, slots);
  }

  /** All slots, by id. */
  get slots(): readonly number[] {
    return this.#slots;
  }

  /** @returns the slot of the job with that id, if it is listed */
  find(id: string): number | undefined {
    const slot = this.#slots[this.#firstNotBefore(id)];
    return slot !== undefined && this.#table.idText(slot) === id ? slot : undefined;
  }

  /** The slots whose ids start with a text, by id. The empty text gives all. */
  startingWith(prefix: string): readonly number[] {
    const first = this.#firstNotBefore(prefix);
    // U+FFFF sorts behind every character of an id.
    return this.#slots.slice(first, this.#firstNotBefore(`${prefix}\uffff`));
  }

  add(slot: number): void {
    this.#slots.splice(this.#firstNotBefore(this.#table.idText(slot)), 0, slot);
  }

  remove(slot: number): void {
    this.#slots.splice(this.#firstNotBefore(this.#table.idText(slot)), 1);
  }

  #firstNotBefore(text: string): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#table.idText(this.#slots[middle]) < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * Sorts by as much of the id as fits into a double beside the position, natively, and then sets the few pairs right
 * that agree in those bits: a comparator over 1,000,000 ids would take seconds.
 */
function sortedById(table: JobTable, slots: readonly number[]): number[] {
  const positionBits = Math.max(1, Math.ceil(Math.log2(slots.length + 1)));
  const idBits = Math.min(32, DOUBLE_BITS - positionBits);
  const { id } = table.columns;
  const scale = 2 ** positionBits;
  const keys = new Float64Array(slots.length);
  for (let position = 0; position < keys.length; position++) {
    keys[position] = (id[slots[position] * 4] >>> (32 - idBits)) * scale + position;
  }
  keys.sort();
  const sorted: number[] = [];
  for (const key of keys) sorted.push(slots[key % scale]);
  for (let i = 1; i < sorted.length; i++) {
    for (let j = i; j > 0 && isBefore(id, sorted[j], sorted[j - 1]); j--) {
      [sorted[j - 1], sorted[j]] = [sorted[j], sorted[j - 1]];
    }
  }
  return sorted;
}

function isBefore(id: Uint32Array, slot: number, other: number): boolean {
  for (let word = 0; word < 4; word++) {
    const difference = id[slot * 4 + word] - id[other * 4 + word];
    if (difference !== 0) return difference < 0;
  }
  return false;
}
