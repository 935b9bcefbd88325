import type { Key, Segment } from './state.ts';

/**
 * What one answer holds without a gap: every job of its moment whose key lies strictly between `low` and `high`; null is
 * the open end of the list on that side.
 */
export interface Slice {
  readonly low: Key | null;
  readonly high: Key | null;
  /** The ids of its jobs. */
  readonly jobs: readonly string[];
  /** Positions, as of that answer: behind the jobs that are tied with its first, and of the first that is tied with its last. */
  readonly start: number;
  readonly end: number;
}

/** Keys from `from` to `to`, both included, that no answer has enclosed; null where an end of the list is open. */
export interface Gap {
  readonly from: Key | null;
  readonly to: Key | null;
  /** Positions, about, of its first job and behind its last. */
  readonly start: number;
  readonly end: number;
}

/**
 * The keys that are proven to be in hand: docs/completeness.md, "Enclosed". Answers join where they overlap strictly and
 * share a job. The segments are disjoint and in order.
 */
export class Coverage {
  segments: readonly Segment[];

  constructor(segments: readonly Segment[] = []) {
    this.segments = segments;
  }

  /** Whether every key lies inside an answer, and all of them hang together. */
  get isWhole(): boolean {
    const [only] = this.segments;
    return this.segments.length === 1 && only.low === null && only.high === null;
  }

  /** What is open between the segments, and before the first and behind the last. */
  gaps(): Gap[] {
    const gaps: Gap[] = [];
    let [from, at]: [Key | null, number] = [null, 0];
    for (const { low, high, start, end } of this.segments) {
      if (low !== null) gaps.push({ from, to: low, start: at, end: start });
      [from, at] = [high, end];
    }
    if (from !== null || this.segments.length === 0)
      gaps.push({ from, to: null, start: at, end: at });
    return gaps;
  }

  /** What is still open of a gap found before; undefined when nothing is. */
  rest(gap: Gap): Gap | undefined {
    return this.gaps().find(({ from, to }) => {
      const endsBehind = to === null || gap.from === null || to >= gap.from;
      const startsBefore = from === null || gap.to === null || from <= gap.to;
      return endsBehind && startsBefore;
    });
  }

  /** Takes the slice of one answer. One that shares no job with a neighbour stays apart from it. */
  add(slice: Slice): void {
    let { low, high, start, end } = slice;
    let [left, right] = [slice.jobs, slice.jobs];
    const jobs = new Set(slice.jobs);
    const apart: Segment[] = [];
    for (const segment of this.segments) {
      if (!isBelow(segment.low, slice.high) || !isBelow(slice.low, segment.high)) {
        apart.push(segment);
      } else if ([...segment.left, ...segment.right].some((id) => jobs.has(id))) {
        if (!isLater(segment.low, low)) ({ low, start, left } = segment);
        if (!isEarlier(segment.high, high)) ({ high, end, right } = segment);
      } else if (isLater(slice.low, segment.low)) {
        apart.push(segment);
        if (!isEarlier(segment.high, slice.high)) return;
        if (isEarlier(low, segment.high)) low = segment.high;
      } else if (isEarlier(slice.high, segment.high)) {
        apart.push(segment);
        if (isLater(high, segment.low)) high = segment.low;
      }
    }
    if (!isBelow(low, high)) return;
    const at = apart.findIndex((segment) => isLater(segment.low, low));
    const joined = { low, high, start, end, left, right };
    this.segments = apart.toSpliced(at < 0 ? apart.length : at, 0, joined);
  }

  /** Takes the whole list as covered: for a list that one answer in each direction held whole. */
  close(): void {
    this.segments = [{ low: null, high: null, start: 0, end: 0, left: [], right: [] }];
  }
}

/** Whether a lower end lies before an upper one. */
function isBelow(low: Key | null, high: Key | null): boolean {
  return low === null || high === null || low < high;
}

/** Whether a lower end lies behind another. */
function isLater(low: Key | null, other: Key | null): boolean {
  return low !== null && (other === null || low > other);
}

/** Whether an upper end lies before another. */
function isEarlier(high: Key | null, other: Key | null): boolean {
  return high !== null && (other === null || high < other);
}
