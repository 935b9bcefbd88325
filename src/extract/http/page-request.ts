import type { Filters } from '../../jobs/pipeline.ts';
import type { Page, PageQuery, PageTooLarge } from '../../json/page.ts';
import { EXIT } from '../../platform/errors.ts';
import { isGood, readPage, readRefusal } from './api-answer.ts';
import type { HttpAnswer } from './exchange.ts';
import type { Fault, Outcome } from './faults.ts';
import { failure } from './give-up.ts';
import { pagePaths } from './query.ts';
import type { HttpEffects } from './retry.ts';
import type { Redact } from './safe-text.ts';
import type { Authorization, SignIn } from './sign-in.ts';
import type { Timeouts, Transport } from './transport.ts';

export interface PageRequestOptions {
  /** Of the jobs list, without a query. */
  readonly path: string;
  readonly filters: Filters;
  readonly userAgent: string;
  readonly maxBodyBytes: number;
  readonly timeouts: Timeouts;
}

/** What page requests work with. */
export interface PageRequestParts {
  readonly transport: Transport;
  readonly signIn: SignIn;
  readonly redact: Redact;
  readonly effects: HttpEffects;
}

/** One attempt at a page: what is asked, under which name in messages, and what may end it. */
export interface PageAttempt {
  readonly query: PageQuery;
  readonly request: string;
  readonly signal: AbortSignal;
  readonly msLeft: number;
}

export interface PageRequests {
  /**
   * One request; or two when the token has ended: it is renewed and the request replayed once.
   *
   * @returns a good answer, still to be read; whatever else came is a fault
   */
  send(page: PageAttempt): Promise<Outcome<HttpAnswer>>;
  /** What the body of a good answer says. */
  read(
    page: Pick<PageAttempt, 'query' | 'request'>,
    answer: HttpAnswer,
  ): Promise<Outcome<Page | PageTooLarge>>;
  readonly counts: {
    readonly requests: number;
    readonly bytesReceived: number;
    readonly refusals: number;
  };
}

export function createPageRequests(
  { path, filters, userAgent, maxBodyBytes, timeouts }: PageRequestOptions,
  { transport, signIn, redact, effects }: PageRequestParts,
): PageRequests {
  const pathOf = pagePaths(path, filters);
  const headers = {
    accept: 'application/json',
    'accept-encoding': 'gzip',
    'user-agent': userAgent,
  };
  const counts = { requests: 0, bytesReceived: 0, refusals: 0 };

  function sendOnce(page: PageAttempt, { header }: Authorization): Promise<Outcome<HttpAnswer>> {
    counts.requests += 1;
    return transport.send({
      method: 'GET',
      path: pathOf(page.query),
      headers: header === undefined ? headers : { ...headers, authorization: header },
      maxBodyBytes,
      timeouts: { ...timeouts, totalMs: Math.min(timeouts.totalMs, page.msLeft) },
      signal: page.signal,
    });
  }

  function countRefusal({ kind, what }: Fault): void {
    if (kind !== 'throttled' && kind !== 'overloaded') return;
    counts.refusals += 1;
    if (counts.refusals > 1) return;
    effects.emit({ type: 'log', level: 'warn', message: `${what}: slowing down` });
  }

  return {
    counts,
    async send(page) {
      const authorization = await signIn.current();
      let sent = await sendOnce(page, authorization);
      if (isRefused(sent)) {
        const renewed = await signIn.after(authorization);
        if (renewed) sent = await sendOnce(page, renewed);
        if (isRefused(sent)) {
          const what = `the server refused the credentials (401). ${signIn.advice}`;
          throw failure(page.request, what, EXIT.credentials);
        }
      }
      if (sent.kind === 'fault' || isGood(sent.value)) return sent;
      const wall = effects.clock.wall();
      const refused = await readRefusal(sent.value, { request: page.request, wall, redact });
      countRefusal(refused.fault);
      return refused;
    },
    async read({ query, request }, answer) {
      const outcome = await readPage(answer, { request, query, maxBodyBytes });
      if (outcome.kind === 'done' && outcome.value.kind === 'page')
        counts.bytesReceived += outcome.value.bytes;
      return outcome;
    },
  };
}

function isRefused(sent: Outcome<HttpAnswer>): boolean {
  return sent.kind === 'done' && sent.value.status === 401;
}
