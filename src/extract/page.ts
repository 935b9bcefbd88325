import type { RawJob } from '../json/raw-job.ts';

/** One request for a window of the list; without `orderBy` ordered by `created_at ASC`. */
export interface PageQuery {
  /** 0-based position of the first job asked for. */
  readonly offset: number;
  /** Jobs asked for at most, 1 to 100. */
  readonly limit: number;
  readonly orderBy?: 'created_at' | 'id';
  readonly direction?: 'ASC' | 'DESC';
  /** Only jobs whose id starts so. Replaces the run's filter of the same name, which it must extend. */
  readonly idStartsWith?: string;
  /** Only these jobs. Replaces the run's filter of the same name. */
  readonly ids?: readonly string[];
  /** The run can do without the answer: a refusal is answered, not thrown, and costs few attempts. */
  readonly auxiliary?: boolean;
}

/** A job that came, but cannot be read. */
export interface Damaged {
  /** Index among the jobs of its page, the readable ones counted too. */
  readonly at: number;
  /** Why, for people; no part of the job. */
  readonly reason: string;
  /** Of the job alone, as sent. */
  readonly bytes: Uint8Array;
}

/** What the API said to a page query; everything that breaks its contract is thrown instead. */
export type PageAnswer =
  | {
      readonly kind: 'page';
      /** In the order sent, the damaged ones left out. */
      readonly rows: readonly RawJob[];
      readonly damaged: readonly Damaged[];
      /** Jobs the whole query matches, as this answer says. */
      readonly total: number;
      /** Size of the decoded body. */
      readonly bytes: number;
      /** It stayed at fewer jobs than its own total leaves room for: no sign of the end. */
      readonly short: boolean;
    }
  /** The decoded body would have been larger than a page may be: ask for fewer jobs. `head`: what it starts with. */
  | { readonly kind: 'too-large'; readonly limitBytes: number; readonly head: Uint8Array }
  /** The body stayed broken, and its jobs cannot be told apart: ask for fewer. */
  | { readonly kind: 'unreadable'; readonly reason: string; readonly bytes: Uint8Array }
  /** To auxiliary queries only. */
  | { readonly kind: 'refused'; readonly what: string };

export type Page = Extract<PageAnswer, { kind: 'page' }>;

/** Fetches one page, retries included. @throws ExportError; the signal's reason */
export type FetchPage = (query: PageQuery, signal?: AbortSignal) => Promise<PageAnswer>;
