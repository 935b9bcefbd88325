import { hashText, Random, usageError } from './values.ts';

/** Refusals by status. Bare `429` and `503` carry no Retry-After. */
export const STATUS_FAULTS = [
  '400',
  '401',
  '403',
  '404',
  '408',
  '422',
  '425',
  '429',
  '429-seconds',
  '429-date',
  '429-garbage',
  '500',
  '502',
  '503',
  '503-seconds',
  '504',
] as const;
export type StatusFault = (typeof STATUS_FAULTS)[number];

/** Instead of an answer: reset, no answer, listener closed for a while, sent elsewhere. */
export const CONNECTION_FAULTS = ['reset', 'hang', 'refused', 'redirect'] as const;
export type ConnectionFault = (typeof CONNECTION_FAULTS)[number];

/**
 * A good body, badly sent: `truncated` stops before its Content-Length, `chunked-cut` without the last chunk,
 * `unframed-cut` has neither length nor chunks and just ends early; `short-length` announces less than it sends and
 * `long-length` more; `oversize` streams more bytes than any page may have.
 */
export const FRAMING_FAULTS = [
  'reset-mid-body',
  'hang-mid-body',
  'truncated',
  'chunked-cut',
  'unframed-cut',
  'short-length',
  'long-length',
  'oversize',
] as const;
export type FramingFault = (typeof FRAMING_FAULTS)[number];

/** Well framed answers with status 200 whose bytes are wrong. */
export const BODY_FAULTS = [
  'html',
  'invalid-json',
  'empty-json',
  'empty-body',
  'truncated-gzip',
  'corrupt-gzip',
  'invalid-utf8',
] as const;
export type BodyFault = (typeof BODY_FAULTS)[number];

/**
 * Readable pages that say something wrong or unusual. `odd-pagination` is start 4, end 6 for one row, as seen on the
 * platform; `no-pagination` leaves Content-Range to tell, `no-range` leaves neither; `duplicate-job` repeats the first
 * job in the place of the last but one with other content and a later `updated_at`.
 */
export const PAGE_FAULTS = [
  'short-page',
  'empty-page',
  'long-page',
  'total-fraction',
  'total-text',
  'total-negative',
  'no-pagination',
  'no-range',
  'odd-pagination',
  'numeric-code',
  'duplicate-job',
] as const;
export type PageFault = (typeof PAGE_FAULTS)[number];

/** Every fault of a page request. Token requests know those of status, connection, framing and body. */
export const FAULT_KINDS = [
  ...STATUS_FAULTS,
  ...CONNECTION_FAULTS,
  ...FRAMING_FAULTS,
  ...BODY_FAULTS,
  ...PAGE_FAULTS,
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export function isPageFault(kind: FaultKind): kind is PageFault {
  return PAGE_FAULTS.some((fault) => fault === kind);
}

export function isStatusFault(kind: FaultKind): kind is StatusFault {
  return STATUS_FAULTS.some((fault) => fault === kind);
}

export function isConnectionFault(kind: FaultKind): kind is ConnectionFault {
  return CONNECTION_FAULTS.some((fault) => fault === kind);
}

export function isBodyFault(kind: FaultKind): kind is BodyFault {
  return BODY_FAULTS.some((fault) => fault === kind);
}

export interface FaultRate {
  readonly kind: FaultKind;
  /** Share of the requests, 0 to 1. */
  readonly rate: number;
}

/** What a rule may look at. */
export interface FaultRequest {
  /** Path and query as asked. */
  readonly url: string;
  /** 0 for a token request, as is `limit`. */
  readonly offset: number;
  readonly limit: number;
  /** 1 for the first request of this very URL since faults were last set, 2 for the second, ... */
  readonly attempt: number;
}

export type FaultRule = (request: FaultRequest) => FaultKind | undefined;

/** Decides which requests go wrong, and how. What is scripted comes before the rule, the rule before the rates. */
export class FaultPlan {
  readonly #seed: number;
  readonly #scripted: FaultKind[] = [];
  readonly #attempts = new Map<string, number>();
  #rule: FaultRule | undefined;
  #rates: readonly FaultRate[] = [];

  constructor(seed: number, rates: readonly FaultRate[] = []) {
    this.#seed = seed;
    this.set(rates);
  }

  /**
   * Replaces the rates. Whether a request fails depends on seed, URL and attempt only, so that concurrency does not
   * change which pages are hit.
   *
   * @throws SimulatorError when a rate is no share or they add up to more than 1
   */
  set(rates: readonly FaultRate[]): void {
    const sum = rates.reduce((total, { rate }) => total + rate, 0);
    if (rates.some(({ rate }) => !(rate >= 0)) || sum > 1) {
      throw usageError(`fault rates must be 0 or more and add up to 1 at most, got ${sum}`);
    }
    this.#rates = rates;
    this.#attempts.clear();
  }

  /** Lets the next `times` requests fail so, behind those already scripted. */
  next(kind: FaultKind, times = 1): void {
    for (let i = 0; i < times; i++) this.#scripted.push(kind);
  }

  /** Lets a function decide; undefined takes the rule away. */
  when(rule: FaultRule | undefined): void {
    this.#rule = rule;
    this.#attempts.clear();
  }

  /** No more faults of any origin. */
  clear(): void {
    this.#scripted.length = 0;
    this.when(undefined);
    this.set([]);
  }

  /** The fault of one request, if any. To be asked once a request. */
  choose(url: string, offset: number, limit: number): FaultKind | undefined {
    const scripted = this.#scripted.shift();
    if (scripted !== undefined) return scripted;
    if (this.#rule === undefined && this.#rates.length === 0) return undefined;
    const attempt = (this.#attempts.get(url) ?? 0) + 1;
    this.#attempts.set(url, attempt);
    return this.#rule?.({ url, offset, limit, attempt }) ?? this.#byRate(url, attempt);
  }

  #byRate(url: string, attempt: number): FaultKind | undefined {
    if (this.#rates.length === 0) return undefined;
    let left = new Random(this.#seed, hashText(url), attempt).unit();
    return this.#rates.find(({ rate }) => {
      left -= rate;
      return left < 0;
    })?.kind;
  }
}
