import type { RawJob } from './raw-job.ts';

/** One request for a window of the list, ordered by `created_at ASC`. */
export interface PageQuery {
  /** 0-based position of the first job asked for. */
  readonly offset: number;
  /** Jobs asked for at most, 1 to 100. */
  readonly limit: number;
  /** Only jobs whose id starts so. Replaces the filter of the same name, which it must extend. */
  readonly idStartsWith?: string;
}

/** A whole, validated answer. `rows` is empty only beyond the end of the list. */
export interface Page {
  readonly kind: 'page';
  readonly rows: readonly RawJob[];
  /** Jobs the whole query matches, as of this answer. */
  readonly total: number;
  /** Size of the decoded body. */
  readonly bytes: number;
}

/** The decoded body would have been larger than a page may be: ask for fewer jobs. */
export interface PageTooLarge {
  readonly kind: 'too-large';
  readonly limitBytes: number;
}

/** Fetches one page, retries included; the stages above see only answers that kept the API's contract. */
export type FetchPage = (query: PageQuery, signal?: AbortSignal) => Promise<Page | PageTooLarge>;

/** Rows on their way from the walk to the table, each job once. */
export interface RowChunk {
  readonly rows: readonly RawJob[];
  /** About where the list has the last of them, 0-based; null for rows found apart from the walk through it. */
  readonly lastOffset: number | null;
}

/** A row and about where the list has it. */
export interface RowPosition {
  readonly row: RawJob;
  readonly offset: number;
}
