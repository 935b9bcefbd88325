import type { Coverage } from './coverage.ts';
import type { Answer, List } from './list.ts';
import type { PageQuery } from './page.ts';
import type { Key } from './state.ts';

/** Windows of a lane: few enough that rows come about in order, and enough that its last, half in vain, counts little. */
const LANE_WINDOWS = 10;
/** Rows, and bytes of pages, that lanes may have read side by side, about: they come interleaved, and wait to be in order. */
const ROWS_BESIDE = 40_000;
const BYTES_BESIDE = 32 * 1024 * 1024;
/** The share of its windows that a lane may read in vain, about. */
const WASTE = 0.15;
/** What is remembered of what older windows have shown, each time another is learnt from. */
const MEMORY = 0.95;

/** A stretch of the list, read window by window: where each begins is told by what the last one showed. */
export interface Lane {
  /** Position at which its next window begins. */
  offset: number;
  isDone: boolean;
  /** Position behind it: another begins there. */
  readonly end: number;
  /** Position behind its last window. */
  readTo: number;
  /** Key of its last row. */
  high: Key | null;
  /** Key of the first row that its next window will show again. */
  shown: Key | null;
}

interface LaneRead {
  readonly lane: Lane;
  readonly answers: readonly Answer[];
}

/** Plans which stretches of the list a walk reads side by side, and where the next window of each begins. */
export class Lanes {
  readonly #list: List;
  readonly #coverage: Coverage;
  /** Position behind the stretches that were begun; those that are not done; and the one that reached the furthest. */
  #frontier: number;
  readonly #open = new Set<Lane>();
  #furthest: Lane | undefined;
  /** Rows at the end of a window that its next shows again for their ties, on average, and how far single ones are from that. */
  #tied = 1;
  #spread = 0;
  /** Rows that the list moved left between two windows of a lane, at most. */
  #shift = 0;

  /**
   * @param coverage what is in hand, as it grows
   * @param covered position up to which windows were read before an interruption
   */
  constructor(list: List, coverage: Coverage, covered: number) {
    this.#list = list;
    this.#coverage = coverage;
    this.#frontier = covered;
  }

  /** Position up to which all windows were read. */
  get covered(): number {
    return Math.min(this.#frontier, ...[...this.#open].map(({ offset }) => offset));
  }

  /** Goes on behind what was read: lanes that were left end where the first of them did. */
  restart(): void {
    this.#frontier = Math.max(0, this.covered - 1);
    this.#open.clear();
  }

  /**
   * Reads lanes side by side, one window of each at a time, and hands out answers as they come. Whoever takes one says
   * where the lane goes on, or that it is done.
   *
   * @param open the next lane; undefined while there is none
   */
  async *read(
    open: () => Lane | undefined,
    queryOf: (lane: Lane) => PageQuery,
  ): AsyncGenerator<LaneRead, void> {
    const list = this.#list;
    const stop = new AbortController();
    const signal = AbortSignal.any([list.reader.signal, stop.signal]);
    const reading = new Map<Lane, Promise<LaneRead>>();
    const readOf = async (lane: Lane) => {
      return { lane, answers: await list.read(queryOf(lane), signal) };
    };
    try {
      for (;;) {
        while (reading.size < list.atOnce) {
          const waiting = [...this.#open].filter((lane) => !reading.has(lane));
          // The first lane first, so that rows come about in the order of the list.
          const lane = waiting.sort((a, b) => a.offset - b.offset).at(0) ?? open();
          if (lane === undefined) break;
          reading.set(lane, readOf(lane));
        }
        if (reading.size === 0) return;
        const next = await Promise.race(reading.values());
        reading.delete(next.lane);
        yield next;
      }
    } finally {
      stop.abort(new Error('the walk ended'));
      await Promise.allSettled(reading.values());
    }
  }

  /** Begins a stretch that ends where the next will begin. */
  begin(offset: number): Lane {
    const end = this.#frontier;
    const lane = { offset, end, readTo: offset, high: null, shown: null, isDone: false };
    this.#open.add(lane);
    return lane;
  }

  /**
   * The next stretch: behind what is in hand already, up to what is; undefined when none is left.
   *
   * @param end position behind the last row that is wanted
   * @param proves whether the walk may still prove something
   */
  open(end: number, proves: boolean): Lane | undefined {
    const read = this.#coverage.segments.filter(({ high }) => high !== null);
    for (const { start, end: readTo } of read)
      if (start <= this.#frontier + 1) this.#frontier = Math.max(this.#frontier, readTo - 1);
    const offset = this.#frontier;
    if (offset >= end) return undefined;
    const known = read.find(({ start }) => start > offset + 1);
    const rest = Math.min(end, known ? known.start - 1 : end) - offset;
    const advance = this.#advance;
    const isSmall = rest < advance / 2;
    // The lane before it may reach that far.
    if (isSmall && [...this.#open].some((lane) => lane.end === offset)) return undefined;
    // What proves nothing is read in order, so that little is read twice after an interruption.
    const rows = proves ? this.#rowsOf((end - offset) / advance) : this.#list.pageSize - 1;
    this.#frontier = offset + (rest < rows + advance / 2 ? rest : rows);
    return this.begin(offset);
  }

  /** Goes on behind the lane that reached the furthest. @returns position behind its last window */
  reopen(): number {
    this.#frontier = this.#furthest?.offset ?? this.#frontier;
    return this.#furthest?.readTo ?? this.#frontier;
  }

  /**
   * Says where a lane goes on behind the window that came, or that it is done.
   *
   * @param keys of its rows, in order; none when they prove nothing
   * @returns whether no lane has reached further
   */
  advance(lane: Lane, answers: readonly Answer[], keys: readonly Key[]): boolean {
    const { offset, readTo, high: last } = lane;
    const { query } = answers[answers.length - 1];
    lane.readTo = query.offset + query.limit;
    const isFurthest = lane.readTo >= (this.#furthest?.readTo ?? 0);
    if (isFurthest) this.#furthest = lane;
    const high = keys.at(-1);
    if (high === undefined) {
      lane.offset = Math.max(offset + 1, lane.readTo - 1);
      lane.isDone = lane.offset >= lane.end;
      return isFurthest;
    }
    if (last !== null) {
      const behind = keys.findIndex((key) => key > last);
      const moved = readTo - offset - (behind < 0 ? keys.length : behind);
      this.#shift = Math.max(moved, this.#shift * MEMORY);
    }
    const damaged = answers.flatMap((answer) => (answer.kind === 'page' ? answer.damaged : []));
    // The next window begins strictly before the last row of this one.
    const tied = lane.readTo - (keys.length - keys.indexOf(high)) - damaged.length;
    const least = tied - 1 > offset ? tied - 1 : Math.max(offset + 1, lane.readTo - 1);
    const next = least - Math.ceil(this.#shift);
    lane.offset = next > offset ? next : least;
    lane.high = high;
    lane.shown = keys[lane.offset - offset] ?? null;
    const segment = this.#coverage.segments.find(
      (one) => (one.low === null || one.low < high) && (one.high === null || one.high >= high),
    );
    lane.isDone = tied > lane.end || (segment !== undefined && segment.high !== high);
    return isFurthest;
  }

  /** Learns from a page how many jobs are tied at its end, wherever that is. */
  learn(keys: readonly Key[], windows: number): void {
    const tied: number[] = [];
    for (const [at, key] of keys.entries())
      tied.push(at > 0 && keys[at - 1] === key ? tied[at - 1] + 1 : 1);
    const mean = tied.reduce((sum, rows) => sum + rows, 0) / tied.length;
    const spread = tied.reduce((sum, rows) => sum + Math.abs(rows - mean), 0) / tied.length;
    const weight = windows < 2 ? 1 : 1 - MEMORY;
    this.#tied += weight * (mean - this.#tied);
    this.#spread += weight * (spread - this.#spread);
  }

  /** Forgets a lane that is done. */
  leave(lane: Lane): void {
    this.#open.delete(lane);
    if (lane.end === this.#frontier) this.#frontier = Math.max(this.#frontier, lane.offset);
  }

  /** Key of the first row that the lane which ends at a key will show again. */
  shownBehind(key: Key | null): Key | null {
    const lane = [...this.#open].find(({ high }) => high !== null && high === key);
    return lane?.shown ?? null;
  }

  /** Rows that a window brings beyond those it shares with the next, about. */
  get #advance(): number {
    const { pageSize } = this.#list;
    return Math.max(1, pageSize / 10, pageSize - 1 - this.#tied - this.#shift);
  }

  /** Rows of a lane where so many windows are left, so that its last one is seldom read for a few rows. */
  #rowsOf(windows: number): number {
    const { atOnce, pageBytes, reader } = this.#list;
    const advance = this.#advance;
    const reserve = 2 * this.#spread;
    const least = Math.ceil(Math.min(0.5, reserve / advance) / WASTE);
    const room = Math.min(ROWS_BESIDE / advance, BYTES_BESIDE / pageBytes) / atOnce;
    const most = Math.max(1, Math.min(LANE_WINDOWS, Math.floor(room)));
    const count = Math.min(most, Math.max(least, Math.ceil(windows / reader.readAhead.windows)));
    const left = reserve * Math.sqrt(count);
    return Math.max(1, Math.floor(count * advance - (left < advance / 2 ? left : 0)));
  }
}
