import type { FetchPage, Page, PageQuery } from '../../src/extract/page.ts';
import { formatTimestamp } from '../../src/jobs/timestamp.ts';
import type { RawJob } from '../../src/json/raw-job.ts';
import { rawJob } from './raw-jobs.ts';

interface Entry {
  readonly id: string;
  created: number;
  updated: number;
}

const MICROS_2024 = 1_704_067_200_000_000;

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

/** A list of jobs ordered by created_at that changes under whoever reads it; every page is an atomic answer. */
export class ShiftingList {
  readonly entries: Entry[] = [];
  readonly deleted = new Set<string>();
  readonly throughout = new Set<string>();
  requests = 0;
  ignoresPrefix = false;
  readonly random: () => number;
  #clock = 0;

  /** @param tieLength jobs that share one created_at, on average */
  constructor(length: number, tieLength: number, seed: number) {
    this.random = seededRandom(seed);
    while (this.entries.length < length) {
      if (this.random() < 1 / tieLength) this.#clock++;
      this.entries.push({ id: this.#newId(), created: this.#clock, updated: this.#clock });
    }
    for (const { id } of this.entries) this.throughout.add(id);
  }

  #newId(): string {
    const hex = Array.from({ length: 4 }, () =>
      Math.floor(this.random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('');
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(12, 16),
      hex.slice(16, 20),
      hex.slice(20),
    ].join('-');
  }

  /** Adds a job: behind the newest, or with the creation time of a job already there. */
  insert(backdated: boolean): void {
    const { entries } = this;
    if (!backdated || entries.length === 0) {
      if (this.random() < 0.5 || entries.length === 0) this.#clock++;
      entries.push({ id: this.#newId(), created: this.#clock, updated: this.#clock });
      return;
    }
    const at = Math.floor(this.random() * entries.length);
    const { created } = entries[at];
    entries.splice(at, 0, { id: this.#newId(), created, updated: this.#clock });
  }

  delete(at = Math.floor(this.random() * this.entries.length)): void {
    for (const { id } of this.entries.splice(at, 1)) {
      this.deleted.add(id);
      this.throughout.delete(id);
    }
  }

  update(): void {
    const entry = this.entries[Math.floor(this.random() * this.entries.length)];
    if (entry) entry.updated = ++this.#clock;
  }

  /** Puts the jobs of every tie into another order. */
  shuffleTies(): void {
    for (let start = 0; start < this.entries.length; ) {
      let end = start;
      while (end < this.entries.length && this.entries[end].created === this.entries[start].created)
        end++;
      for (let at = end - 1; at > start; at--) {
        const other = start + Math.floor(this.random() * (at - start + 1));
        [this.entries[at], this.entries[other]] = [this.entries[other], this.entries[at]];
      }
      start = end;
    }
  }

  page({ offset, limit, idStartsWith = '' }: PageQuery): Page {
    this.requests++;
    const prefix = this.ignoresPrefix ? '' : idStartsWith;
    const matching =
      prefix === '' ? this.entries : this.entries.filter(({ id }) => id.startsWith(prefix));
    const rows = matching.slice(offset, offset + limit).map(asJob);
    const bytes = 100 * rows.length;
    return { kind: 'page', rows, damaged: [], total: matching.length, bytes, short: false };
  }

  /** Reads pages in a random order, as a network does, with a change between any two answers. */
  fetcher(change: () => void): FetchPage {
    return async (query) => {
      for (let hops = Math.floor(this.random() * 4); hops > 0; hops--) await Promise.resolve();
      const page = this.page(query);
      change();
      for (let hops = Math.floor(this.random() * 4); hops > 0; hops--) await Promise.resolve();
      return page;
    };
  }
}

/** Swaps two tied jobs across a seam between the two answers that show it: one is lost, one comes twice. */
export function swapAcrossSeams(list: ShiftingList, seams: readonly number[]): FetchPage {
  const pending = new Set(seams);
  return async (query: PageQuery) => {
    if (query.idStartsWith === undefined && pending.delete(query.offset)) {
      const [left, right] = [query.offset - 1, query.offset + 1];
      [list.entries[left], list.entries[right]] = [list.entries[right], list.entries[left]];
    }
    return list.page(query);
  };
}

function asJob({ id, created, updated }: Entry): RawJob {
  return rawJob({ id, created_at: instant(created), updated_at: instant(updated) });
}

function instant(seconds: number): string {
  return formatTimestamp(BigInt(MICROS_2024) + BigInt(seconds) * 1_000_000n);
}
