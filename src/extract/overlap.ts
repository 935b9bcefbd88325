import type { Key } from './coverage.ts';

/** Requests that a boundary costs which the overlap left open. */
const COST_OF_A_GAP = 1.1;
/** What older pages count for, each time another is learnt from. */
const MEMORY = 0.97;
const MOST_ROWS = 100;

/**
 * How many rows neighbouring windows share. The second must begin strictly before the last row of the first, so it takes
 * one row more than jobs are tied there, and as many as leave the list in between. More rows shared are more windows;
 * fewer leave more boundaries open, each to be enclosed by a request of its own.
 */
export class Overlap {
  /** At index n: the share of places in the pages seen where a boundary would need n rows. */
  readonly #needs = new Float64Array(MOST_ROWS + 2);
  #shift = 0;

  /**
   * Learns from a page of the walk.
   *
   * @param keys in order
   * @param shift rows by which the list moved left under the window, as far as can be seen
   */
  learn(keys: readonly Key[], shift: number): void {
    const needs = this.#needs;
    for (let rows = 0; rows < needs.length; rows++) needs[rows] *= MEMORY;
    let tied = 0;
    for (const [at, key] of keys.entries()) {
      tied = at > 0 && keys[at - 1] === key ? tied + 1 : 1;
      needs[Math.min(tied + 1, MOST_ROWS + 1)] += 1 / keys.length;
    }
    this.#shift = Math.max(shift, this.#shift * MEMORY);
  }

  /** Rows to share, of windows of that many. */
  rows(pageSize: number): number {
    let open = this.#needs.reduce((sum, share) => sum + share, 0);
    const all = open;
    let best = Math.min(2, pageSize - 1);
    let least = Number.POSITIVE_INFINITY;
    const shift = Math.ceil(this.#shift);
    for (let rows = 2; rows <= pageSize / 2; rows++) {
      if (rows >= shift) open -= this.#needs[rows - shift] ?? 0;
      const cost = rows / (pageSize - rows) + (all > 0 ? (COST_OF_A_GAP * open) / all : 0);
      if (cost < least) [best, least] = [rows, cost];
    }
    return best;
  }
}
