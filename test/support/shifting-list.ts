import type { FetchPage, PageAnswer, PageQuery } from '../../src/extract/page.ts';
import type { RawJob } from '../../src/json/raw-job.ts';
import { rawJob } from './raw-jobs.ts';

/** A job of the list: created in that second of an epoch of its own. */
export interface Entry {
  readonly id: string;
  readonly created: number;
  updated: number;
}

/** A small generator of uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export interface ListOptions {
  readonly length: number;
  /** Jobs that share one creation time. Default 1. */
  readonly tied?: number;
  readonly seed?: number;
  /** Whether tied jobs come in another order in each answer. */
  readonly shuffles?: boolean;
  /** Auxiliary requests that are refused. */
  readonly refuses?: readonly ('id' | 'DESC' | 'prefix')[];
  /** Called after each answer, with how many there were. */
  readonly afterAnswer?: (list: ShiftingList) => void;
}

/** A list in the server's order, each answer one moment of it, answers in the random order of a network. */
export class ShiftingList {
  readonly entries: Entry[] = [];
  /** Jobs that were there all the time. */
  readonly throughout = new Set<string>();
  requests = 0;
  readonly random: () => number;
  readonly #options: ListOptions;

  constructor(options: ListOptions) {
    const { length, tied = 1, seed = 1 } = options;
    this.#options = options;
    this.random = seededRandom(seed);
    for (let at = 0; at < length; at++) this.entries.push(this.newEntry(Math.floor(at / tied)));
    for (const { id } of this.entries) this.throughout.add(id);
  }

  newEntry(created: number): Entry {
    let id = '';
    for (let digits = 0; digits < 32; digits++) {
      if ([8, 12, 16, 20].includes(digits)) id += '-';
      id += '0123456789abcdef'.charAt(Math.floor(this.random() * 16));
    }
    return { id, created, updated: created };
  }

  insert(at: number, created = this.entries[at]?.created ?? 0): void {
    this.entries.splice(at, 0, this.newEntry(created));
  }

  delete(at: number): void {
    for (const { id } of this.entries.splice(at, 1)) this.throughout.delete(id);
  }

  readonly fetchPage: FetchPage = async (query) => {
    await this.#hops();
    this.requests++;
    const answer = this.answer(query);
    this.#options.afterAnswer?.(this);
    await this.#hops();
    return answer;
  };

  answer(query: PageQuery): PageAnswer {
    const { offset, limit, orderBy, direction, idStartsWith, ids } = query;
    const { refuses = [], shuffles } = this.#options;
    const asked = [orderBy, direction, idStartsWith === undefined ? undefined : 'prefix'];
    const refused = refuses.find((kind) => asked.includes(kind));
    if (refused !== undefined) return { kind: 'refused', what: `${refused} is refused` };
    let list = idStartsWith
      ? this.entries.filter(({ id }) => id.startsWith(idStartsWith))
      : this.entries;
    if (ids) list = list.filter(({ id }) => ids.includes(id));
    const total = list.length;
    const from = direction === 'DESC' ? Math.max(0, total - offset - limit) : offset;
    const to = direction === 'DESC' ? Math.max(0, total - offset) : offset + limit;
    const keys = shuffles ? list.map(() => this.random()) : undefined;
    if (orderBy === 'id') list = list.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const window = orderBy !== 'id' && keys ? shuffled(list, keys, from, to) : list.slice(from, to);
    const rows = (direction === 'DESC' ? window.reverse() : window).map(asJob);
    return {
      kind: 'page',
      rows,
      damaged: [],
      total,
      bytes: 100 * rows.length,
      short: false,
    };
  }

  async #hops(): Promise<void> {
    for (let hops = Math.floor(this.random() * 4); hops > 0; hops--) await Promise.resolve();
  }
}

/** Entries `from` to `to` of a list by creation time, those that share one by their keys: no other needs to be sorted. */
function shuffled(
  list: readonly Entry[],
  keys: readonly number[],
  from: number,
  to: number,
): Entry[] {
  let [first, end] = [Math.min(from, list.length), Math.min(to, list.length)];
  while (first > 0 && list[first - 1].created === list[first]?.created) first--;
  while (end > first && end < list.length && list[end].created === list[end - 1].created) end++;
  return list
    .slice(first, end)
    .map((entry, at) => ({ entry, key: keys[first + at] }))
    .sort((a, b) => a.entry.created - b.entry.created || a.key - b.key)
    .slice(from - first, to - first)
    .map(({ entry }) => entry);
}

function asJob({ id, created, updated }: Entry): RawJob {
  const at = (seconds: number) => new Date(1.7e12 + seconds * 1000).toISOString();
  return rawJob({ id, created_at: at(created), updated_at: at(updated) });
}
