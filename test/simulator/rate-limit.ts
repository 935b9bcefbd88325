/** How a refusal says when to come back. */
export const RETRY_AFTER_FORMS = ['seconds', 'date', 'garbage', 'none'] as const;
export type RetryAfterForm = (typeof RETRY_AFTER_FORMS)[number];

export interface RateLimit {
  /** Requests a second in the long run. */
  readonly perSecond: number;
  /** Requests that may come at once. Default: `perSecond`, at least 1. */
  readonly burst?: number;
  /** Default `seconds`. */
  readonly retryAfter?: RetryAfterForm;
}

/** A token bucket: it starts full and refills steadily. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;

  /** @param now monotonic milliseconds, as for `take` */
  constructor({ perSecond, burst = perSecond }: RateLimit, now: number) {
    this.#perMs = perSecond / 1000;
    this.#burst = Math.max(1, burst);
    this.#tokens = this.#burst;
    this.#filledAt = now;
  }

  /** @returns 0 when the request may pass, else whole seconds after which the next one will */
  take(now: number): number {
    const refill = (now - this.#filledAt) * this.#perMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + refill);
    this.#filledAt = now;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - this.#tokens) / this.#perMs / 1000));
  }
}

/** The Retry-After header for a wait, as headers to send. The date stands beside the Date it is reckoned from. */
export function retryAfterHeaders(
  form: RetryAfterForm,
  seconds: number,
  now: number,
): Record<string, string> {
  const date = new Date(now).toUTCString();
  switch (form) {
    case 'seconds':
      return { 'retry-after': String(seconds) };
    case 'date':
      return { date, 'retry-after': new Date(now + seconds * 1000).toUTCString() };
    case 'garbage':
      return { 'retry-after': 'soon, please' };
    case 'none':
      return {};
  }
}
