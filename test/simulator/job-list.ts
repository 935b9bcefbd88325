import type { Dictionary, JobTable } from './job-table.ts';
import { microsOf, type Random } from './values.ts';

/**
 * Columns the list can be ordered by. `created_at` is the default and `creation_order` is known to work on the
 * platform; others are answered here so that an export that leans on them can be tried.
 */
export const ORDER_COLUMNS = [
  'created_at',
  'creation_order',
  'id',
  'updated_at',
  'start_timestamp',
  'end_timestamp',
  'runs',
] as const;
export type OrderColumn = (typeof ORDER_COLUMNS)[number];

export const DIRECTIONS = ['ASC', 'DESC'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** The numbers to order by; undefined for `id`, which is no number. NaN (null) sorts last, as in PostgreSQL. */
export function orderKeys(table: JobTable, column: OrderColumn): Float64Array | undefined {
  const { created, updated, started, ended, runs, creationOrder } = table.columns;
  switch (column) {
    case 'created_at':
      return created;
    case 'creation_order':
      return creationOrder;
    case 'updated_at':
      return updated;
    case 'start_timestamp':
      return started;
    case 'end_timestamp':
      return ended;
    case 'runs':
      return runs;
    case 'id':
      return undefined;
  }
}

/** Sorts slots by a column, ascending; equal keys keep the order they have. */
export function sortedByKey(slots: readonly number[], keys: Float64Array): number[] {
  return slots.toSorted((a, b) => {
    if (keys[a] === keys[b]) return 0;
    if (Number.isNaN(keys[b])) return Number.isNaN(keys[a]) ? 0 : -1;
    return Number.isNaN(keys[a]) || keys[a] > keys[b] ? 1 : -1;
  });
}

/** Where the run of equal keys around a position starts and ends (behind its last). */
export function tieGroup(
  list: readonly number[],
  position: number,
  isTied: (a: number, b: number) => boolean,
): { start: number; end: number } {
  let start = position;
  let end = position + 1;
  while (start > 0 && isTied(list[start - 1], list[position])) start -= 1;
  while (end < list.length && isTied(list[end], list[position])) end += 1;
  return { start, end };
}

/**
 * A window of an ordered list whose ties have no promised order: every group of equal keys that the window touches is
 * put in random order first, as a database may do from one query to the next.
 */
export function shuffledWindow(
  list: readonly number[],
  offset: number,
  limit: number,
  isTied: (a: number, b: number) => boolean,
  random: Random,
): number[] {
  const end = Math.min(list.length, offset + limit);
  const window: number[] = [];
  for (let position = offset; position < end; ) {
    const group = tieGroup(list, position, isTied);
    const shuffled = random.shuffle(list.slice(group.start, group.end));
    const taken = shuffled.slice(position - group.start, end - group.start);
    for (const slot of taken) window.push(slot);
    position = group.end;
  }
  return window;
}

/** The API's filters; one that is undefined, or an empty list, filters nothing. */
export interface JobFilters {
  readonly id?: readonly string[] | undefined;
  readonly idStartsWith?: string | undefined;
  readonly batchId?: readonly string[] | undefined;
  readonly projectId?: readonly string[] | undefined;
  readonly userId?: readonly string[] | undefined;
  readonly status?: readonly string[] | undefined;
  readonly minRuns?: number | undefined;
  readonly maxRuns?: number | undefined;
  readonly errors?: boolean | undefined;
  readonly origin?: readonly string[] | undefined;
  /** ISO 8601 date-times. */
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
}

/** Filters without those on the id, which the id index answers. */
export type KeyFilters = Omit<JobFilters, 'id' | 'idStartsWith'>;

type Test = (slot: number) => boolean;

/**
 * One test for all filters, joined with AND; the values of a list are joined with OR. As in the reference,
 * `startDate` is the earliest start of the execution and `endDate` its latest end, both included; a job without the
 * value a filter looks at does not pass it.
 *
 * @returns undefined when no filter is set
 */
export function keyTest(table: JobTable, filters: KeyFilters): Test | undefined {
  const { minRuns, maxRuns, errors, startDate, endDate } = filters;
  const { batch, project, user, status, origin, runs, failed, started, ended } = table.columns;
  const tests = [
    oneOf(table.batches, batch, filters.batchId),
    oneOf(table.projects, project, filters.projectId),
    oneOf(table.users, user, filters.userId),
    oneOf(table.statuses, status, filters.status),
    oneOf(table.origins, origin, filters.origin),
    atLeast(runs, minRuns),
    atMost(runs, maxRuns),
    errors === undefined ? undefined : (slot: number) => failed[slot] === (errors ? 1 : 0),
    atLeast(started, boundOf(startDate)),
    atMost(ended, boundOf(endDate)),
  ].filter((test) => test !== undefined);
  return tests.length === 0 ? undefined : (slot) => tests.every((test) => test(slot));
}

type NumberColumn = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function oneOf(
  dictionary: Dictionary,
  column: NumberColumn,
  values: readonly string[] | undefined,
): Test | undefined {
  if (values === undefined || values.length === 0) return undefined;
  const codes = new Set(values.map((value) => dictionary.find(value)));
  return (slot) => codes.has(column[slot]);
}

/** A date that cannot be read lets no job pass. */
function boundOf(date: string | undefined): number | undefined {
  return date === undefined ? undefined : (microsOf(date) ?? Number.NaN);
}

function atLeast(column: NumberColumn, bound: number | undefined): Test | undefined {
  return bound === undefined ? undefined : (slot) => column[slot] >= bound;
}

function atMost(column: NumberColumn, bound: number | undefined): Test | undefined {
  return bound === undefined ? undefined : (slot) => column[slot] <= bound;
}

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
