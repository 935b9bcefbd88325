import { type JobFilters, keyTest } from './filters.ts';
import { IdIndex } from './id-index.ts';
import type { JobTable } from './job-table.ts';
import { type OrderColumn, orderKeys, sortedByKey } from './order.ts';
import type { Random } from './random.ts';
import { tieGroup } from './ties.ts';

/** Views kept until the next change; an export asks for the pages of one view again and again. */
const VIEWS_KEPT = 64;

/**
 * The slots of all existing jobs in the order of `created_at`, and every filtered or otherwise ordered view of them.
 * What a view needs beyond the list itself is made when it is first asked for.
 */
export class JobList {
  readonly #table: JobTable;
  readonly #order: number[];
  #index: IdIndex | undefined;
  #ranks: Uint32Array | undefined;
  readonly #views = new Map<string, readonly number[]>();

  /** Lists every job of a table that is filled in the order of creation. */
  constructor(table: JobTable) {
    this.#table = table;
    this.#order = Array.from({ length: table.length }, (_, slot) => slot);
  }

  /** All slots, oldest first. */
  get slots(): readonly number[] {
    return this.#order;
  }

  find(id: string): number | undefined {
    return this.#ids().find(id);
  }

  /** The slots that pass the filters, ascending by a column; ties stay in list order. */
  view(filters: JobFilters, column: OrderColumn): readonly number[] {
    const key = JSON.stringify([filters, column]);
    const kept = this.#views.get(key);
    if (kept) return kept;
    const matching = this.#matching(filters);
    const keys = orderKeys(this.#table, column);
    const view =
      column === 'created_at'
        ? matching
        : keys === undefined
          ? this.#byId(matching)
          : sortedByKey(matching, keys);
    if (this.#views.size >= VIEWS_KEPT) this.#views.clear();
    this.#views.set(key, view);
    return view;
  }

  /** Puts a job behind those created before it or at the same instant. */
  add(slot: number): void {
    const { created } = this.#table.columns;
    this.#order.splice(this.#firstAfter(created[slot]), 0, slot);
    this.#index?.add(slot);
    this.#changed();
  }

  /** Call before the job's `created_at` changes, or never again: it is how the job is found. */
  remove(slot: number): void {
    this.#order.splice(this.#positionOf(slot), 1);
    this.#index?.remove(slot);
    this.#changed();
  }

  /** Forgets what was derived from keys. To be called after any of them changed. */
  keysChanged(): void {
    this.#views.clear();
  }

  /** The job at a position and all that share its `created_at`, as positions from `start` up to, not with, `end`. */
  tiesAround(position: number): { start: number; end: number } {
    const { created } = this.#table.columns;
    return tieGroup(this.#order, position, (a, b) => created[a] === created[b]);
  }

  /** Puts the group of ties around a position in random order. */
  shuffleTies(position: number, random: Random): void {
    const { start, end } = this.tiesAround(position);
    const group = random.shuffle(this.#order.slice(start, end));
    for (const [i, slot] of group.entries()) this.#order[start + i] = slot;
    this.#changed();
  }

  #matching({ id, idStartsWith = '', ...keys }: JobFilters): readonly number[] {
    const test = keyTest(this.#table, keys);
    const candidates = this.#candidates(id, idStartsWith);
    return test === undefined ? candidates : candidates.filter(test);
  }

  #candidates(ids: readonly string[] | undefined, prefix: string): readonly number[] {
    if (ids !== undefined && ids.length > 0) {
      const wanted = new Set(ids.map((id) => id.toLowerCase()));
      const found = [...wanted].map((id) => (id.startsWith(prefix) ? this.find(id) : undefined));
      return this.#inListOrder(found.filter((slot) => slot !== undefined));
    }
    return prefix === '' ? this.#order : this.#inListOrder(this.#ids().startingWith(prefix));
  }

  #inListOrder(slots: readonly number[]): readonly number[] {
    const ranks = this.#rank();
    const positions = new Uint32Array(slots.length);
    for (let i = 0; i < slots.length; i++) positions[i] = ranks[slots[i]];
    const ordered: number[] = [];
    for (const position of positions.sort()) ordered.push(this.#order[position]);
    return ordered;
  }

  #byId(slots: readonly number[]): readonly number[] {
    if (slots.length === this.#order.length) return this.#ids().slots.slice();
    return new IdIndex(this.#table, slots).slots;
  }

  #ids(): IdIndex {
    this.#index ??= new IdIndex(this.#table, this.#order);
    return this.#index;
  }

  /** Position by slot. */
  #rank(): Uint32Array {
    if (this.#ranks === undefined) {
      const ranks = new Uint32Array(this.#table.length);
      for (let position = 0; position < this.#order.length; position++) {
        ranks[this.#order[position]] = position;
      }
      this.#ranks = ranks;
    }
    return this.#ranks;
  }

  #firstAfter(createdAt: number): number {
    const { created } = this.#table.columns;
    let low = 0;
    let high = this.#order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (created[this.#order[middle]] <= createdAt) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #positionOf(slot: number): number {
    const last = this.#firstAfter(this.#table.columns.created[slot]) - 1;
    return this.#order.lastIndexOf(slot, last);
  }

  #changed(): void {
    this.#ranks = undefined;
    this.#views.clear();
  }
}
