import type { RowChunk, RowPosition } from '../json/page.ts';
import type { RawJob } from '../json/raw-job.ts';
import { startNow } from '../platform/start-now.ts';
import type { Ledger, Newest } from './ledger.ts';
import { isOrdered, type Link, linkWindow } from './link.ts';
import {
  endsList,
  type ListReader,
  learnSize,
  type PageSizing,
  type ReadWindow,
  readStart,
  readWhole,
  readWindows,
} from './read-windows.ts';
import { createdAt, idOf, newerOf } from './row-key.ts';
import { type Window, windowAfter } from './windows.ts';

/** Requests one broken seam may cost on the spot; what they do not mend is left to reconciliation. */
const REPAIR_READS = 6;

/**
 * One pass over the whole list, from the frontier to its end, in the list's order. It ends with an answer that reaches
 * the end of the list as of that answer, so that jobs created meanwhile are waited for only once.
 *
 * Each window must start with the row the last one ended with. Where it does not, the rows between are read on the
 * spot. The last row of a window is held back until the next one shows it again: the newer version of it is handed out.
 */
export class Walk {
  readonly #reader: ListReader;
  readonly #ledger: Ledger;
  readonly #sizing: PageSizing;
  #frontier: RowPosition | null;
  /** The frontier's row while it has not been handed out. */
  #held: RawJob | null = null;

  constructor(reader: ListReader, ledger: Ledger, frontier: RowPosition | null = null) {
    this.#reader = reader;
    this.#ledger = ledger;
    this.#sizing = { pageSize: reader.pageSize, pageBytes: 0 };
    this.#frontier = frontier;
  }

  /** Starts at the first job: learns the total and, where one window is not all, the newest job. */
  async *fromStart(firstLimit = this.#reader.pageSize): AsyncGenerator<RowChunk> {
    const first = await readStart(this.#reader, firstLimit);
    if (first.limit < firstLimit) this.#sizing.pageSize = first.limit;
    learnSize(this.#sizing, [first]);
    this.#ledger.counts.firstTotal = first.page.total;
    if (endsList(first)) {
      yield* this.#join(first);
      yield* this.#release();
      return;
    }
    const chunks: RowChunk[] = [];
    for await (const chunk of this.#join(first)) chunks.push(chunk);
    // The next windows are under way before anybody takes the rows of the first.
    const newest = this.#newest();
    newest.catch(() => {});
    const following = startNow(this.#windows());
    try {
      yield* chunks;
      yield* this.#toEnd(newest, following);
    } finally {
      await following.return();
    }
  }

  /** Goes on behind the frontier of an interrupted walk. */
  async *resume(): AsyncGenerator<RowChunk> {
    yield* this.#toEnd(Promise.resolve(this.#ledger.newestAtStart), this.#windows());
  }

  /** The newest jobs there are; null when their time cannot be told, or when they are more than one window holds. */
  async #newest(): Promise<Newest | null> {
    const { pageSize } = this.#sizing;
    const offset = Math.max(0, this.#ledger.counts.firstTotal - pageSize);
    const windows = await readWhole(this.#reader, { offset, limit: pageSize });
    for (const { page } of windows) this.#ledger.noteTotal(page);
    const rows = windows.flatMap(({ page }) => page.rows);
    const times = rows.map(createdAt);
    const time = times.at(-1) ?? null;
    const isWhole = offset === 0 || times.some((at) => at !== null && time !== null && at < time);
    if (time === null || !isWhole) return null;
    const newest = rows.filter((_, at) => times[at] === time);
    return { time, ids: new Set(newest.map(idOf)) };
  }

  /** Those from the frontier to the end of the list. */
  #windows(): AsyncGenerator<ReadWindow, void> {
    const total = () => this.#ledger.counts.lastTotal;
    return readWindows(this.#reader, this.#sizing, this.#covered(), total);
  }

  async *#toEnd(
    newest: Promise<Newest | null>,
    following: AsyncGenerator<ReadWindow, void>,
  ): AsyncGenerator<RowChunk> {
    const known = newest.then((found) => {
      this.#ledger.newestAtStart = found;
    });
    known.catch(() => {});
    let windows = following;
    for (let reachedEnd = false; !reachedEnd; windows = this.#windows()) {
      for await (const window of windows) {
        await known;
        yield* this.#join(window);
      }
      await known;
      for (const window of await readWhole(this.#reader, this.#tail())) {
        yield* this.#join(window);
        reachedEnd = endsList(window);
      }
    }
    yield* this.#release();
  }

  /** The window that shows the frontier again and whatever now stands behind it. */
  #tail(): Window {
    const { pageSize } = this.#reader;
    const shrunkTo = this.#ledger.counts.lastTotal;
    const covered = Math.min(this.#covered(), Math.max(1, shrunkTo));
    return windowAfter(covered, Math.max(2, pageSize));
  }

  #covered(): number {
    return this.#frontier === null ? 0 : this.#frontier.offset + 1;
  }

  async *#join(window: ReadWindow): AsyncGenerator<RowChunk> {
    this.#ledger.noteTotal(window.page);
    const { rows } = window.page;
    if (rows.length === 0) return;
    if (this.#frontier === null) {
      yield* this.#accept(window, -1);
      return;
    }
    const link = linkWindow(this.#frontier.row, rows, endsList(window));
    this.#ledger.counts.seamsChecked++;
    if (link.kind === 'exact') yield* this.#acceptLinked(window, link);
    else yield* this.#repair(window, link);
  }

  /**
   * Mends a seam that does not match. While there is a gap: reads further and further back until a window links up,
   * then forward until the given window does.
   */
  async *#repair(window: ReadWindow, first: Link): AsyncGenerator<RowChunk> {
    const { counts } = this.#ledger;
    const step = Math.max(1, this.#sizing.pageSize - 1);
    let link = first;
    let back = step;
    let forward = false;
    for (let reads = 0; link.kind === 'gap' && reads < REPAIR_READS; reads++) {
      const offset = forward ? this.#covered() - 1 : Math.max(0, window.offset - back);
      for (const between of await readWhole(this.#reader, { offset, limit: step + 1 })) {
        this.#ledger.noteTotal(between.page);
        if (between.page.rows.length === 0 || this.#frontier === null) continue;
        const bridge = linkWindow(this.#frontier.row, between.page.rows, endsList(between));
        if (bridge.kind === 'gap') continue;
        forward = true;
        yield* this.#acceptLinked(between, bridge);
      }
      if (this.#frontier !== null)
        link = linkWindow(this.#frontier.row, window.page.rows, endsList(window));
      back *= 2;
    }
    if (link.kind === 'gap') counts.seamsBroken++;
    else counts.seamsRepaired++;
    yield* this.#acceptLinked(window, link);
  }

  async *#acceptLinked(window: ReadWindow, link: Link): AsyncGenerator<RowChunk> {
    const trusted = link.kind !== 'enclosed' || isOrdered(window.page.rows);
    const open = trusted ? link.open : { from: null, to: null };
    if (open) this.#ledger.open.push({ ...open, offset: window.offset });
    yield* this.#accept(window, link.at);
  }

  /** @param at where in the window the frontier stands, -1 if nowhere */
  async *#accept(window: ReadWindow, at: number): AsyncGenerator<RowChunk> {
    const { rows } = window.page;
    const last = rows.length - 1;
    const out: RawJob[] = [];
    if (at >= 0) this.#meetAgain(rows[at]);
    if (this.#held !== null && at !== last) out.push(this.#held);
    const fresh = this.#ledger.take(at < 0 ? rows : rows.toSpliced(at, 1));
    if (at !== last) this.#held = fresh.at(-1) === rows[last] ? (fresh.pop() ?? null) : null;
    for (const row of fresh) out.push(row);
    this.#frontier = { row: this.#held ?? rows[last], offset: window.offset + last };
    if (out.length > 0)
      yield { rows: out, lastOffset: window.offset + last - (this.#held ? 1 : 0) };
  }

  /** The frontier's row came again, as it should: keeps the newer version of it. */
  #meetAgain(row: RawJob): void {
    if (this.#held !== null) this.#held = newerOf(this.#held, row);
    else if (this.#frontier !== null) this.#ledger.meetAgain(this.#frontier.row, row);
  }

  /** Hands out the last row of all. */
  async *#release(): AsyncGenerator<RowChunk> {
    if (this.#held === null || this.#frontier === null) return;
    const chunk = { rows: [this.#held], lastOffset: this.#frontier.offset };
    this.#held = null;
    yield chunk;
  }
}
