import type { RawJob } from '../json/raw-job.ts';

/** One request for a window of the list. */
export interface PageQuery {
  /** 0-based position of the first job asked for. */
  readonly offset: number;
  /** Jobs asked for at most, 1 to 100. */
  readonly limit: number;
  /** Default `created_at`. */
  readonly orderBy?: 'created_at' | 'id';
  /** Default `ASC`. */
  readonly direction?: 'ASC' | 'DESC';
  /** Only jobs whose id starts so. Replaces the filter of the same name, which it must extend. */
  readonly idStartsWith?: string;
  /** Only these jobs. Replaces the filter of the same name. */
  readonly ids?: readonly string[];
  /** A request that the export can do without: a refusal is an answer, not an error. */
  readonly auxiliary?: boolean;
}

/** A record of a page that is no JSON object, among others that are. */
export interface Damaged {
  /** Its place among the records of the page. */
  readonly at: number;
  readonly reason: string;
  /** The record alone, as it came. */
  readonly bytes: Uint8Array;
}

export interface Page {
  readonly kind: 'page';
  readonly rows: readonly RawJob[];
  readonly damaged: readonly Damaged[];
  /** Jobs the whole query matches, as of this answer. */
  readonly total: number;
  /** Size of the decoded body. */
  readonly bytes: number;
  /** Whether it has fewer records than its own total leaves room for, asked again too. */
  readonly short: boolean;
}

export type PageAnswer =
  | Page
  /** The decoded body would have been larger than a page may be: ask for fewer jobs. `head`: its first bytes. */
  | { readonly kind: 'too-large'; readonly limitBytes: number; readonly head: Uint8Array }
  /** A 200 whose JSON or UTF-8 stayed broken, and whose records cannot be told apart. */
  | { readonly kind: 'unreadable'; readonly reason: string; readonly bytes: Uint8Array }
  /** Only for auxiliary requests. */
  | { readonly kind: 'refused'; readonly what: string };

/** Fetches one page, retries included. */
export type FetchPage = (query: PageQuery, signal?: AbortSignal) => Promise<PageAnswer>;
