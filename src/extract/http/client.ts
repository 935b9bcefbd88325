import pLimit from 'p-limit';
import type { Credentials } from '../../jobs/options.ts';
import type { Filters } from '../../jobs/pipeline.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import type { FetchPage, PageAnswer, PageQuery } from '../page.ts';
import { createAdmission, createCancellation, createTurns, takePlace } from './concurrency.ts';
import { done, type Fault, failure, type Outcome } from './faults.ts';
import { BrokenContract, readPage } from './page-answer.ts';
import { type ProxyOptions, proxyFor } from './proxy.ts';
import { listPath, pagePaths } from './query.ts';
import { passingFault, readRefusal, redactor } from './refusal.ts';
import { type HttpEffects, retry, startRetryState } from './retry.ts';
import { type Authorization, openSignIn } from './sign-in.ts';
import { createTransport, type HttpAnswer, type Timeouts } from './transport.ts';

export interface JobsClientOptions {
  /** Base URL without a trailing slash, e.g. `https://apis.pasqal.cloud/core-fast`. */
  readonly apiUrl: string;
  readonly filters: Filters;
  readonly credentials: Credentials;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** On the way to the API and to the token endpoint. Default: none. */
  readonly proxy?: ProxyOptions | undefined;
  /** Monotonic milliseconds of `effects.clock` after which the run stops. Default: never. */
  readonly deadlineAt?: number | undefined;
  /** A server that asks to stay away for more milliseconds than this ends the run. Default: never. */
  readonly giveUpAfterMs?: number | undefined;
  /** Decoded bytes a page may have. Default 64 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Default: 30 s to the headers, 30 s between two pieces of the body, 120 s in all. */
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly userAgent: string;
}

/** What a client has done up to the moment of asking. */
export interface RequestStats {
  /** Requests sent to the API, repeated ones included, sign-ins not. */
  readonly requests: number;
  /** Attempts made because one before had failed, sign-ins included. */
  readonly retries: number;
  /** Bytes of the pages' bodies, after decompression. */
  readonly bytesReceived: number;
  readonly inFlight: number;
  /** Answers 429 and 503. */
  readonly refusals: number;
}

export interface JobsClient {
  /**
   * Fetches a page; retries, sign-in, pauses and concurrency are seen to. Call it for as many pages as wanted: they
   * queue.
   *
   * @throws ExportError as docs/http.md tells; the signal's reason, at once, also while queueing or waiting
   */
  readonly fetchPage: FetchPage;
  readonly stats: RequestStats;
  /** Requests allowed in flight just now. */
  readonly concurrency: number;
  /** Breaks off what is under way and every connection. No timer, socket or listener stays. */
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const TIMEOUTS: Timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 120_000 };
/** Of a request that the run can do without. */
const AUXILIARY_ATTEMPTS = 3;

/**
 * A client of GET /api/v2/jobs. Nothing is sent before the first page is asked for.
 *
 * @throws ExportError (78) when a given token cannot stand in a header, or a proxy's URL is none
 */
export function createJobsClient(options: JobsClientOptions, effects: HttpEffects): JobsClient {
  const { apiUrl, concurrency, credentials, userAgent, proxy: proxies = {} } = options;
  const {
    maxBodyBytes = MAX_BODY_BYTES,
    deadlineAt = Infinity,
    giveUpAfterMs = Infinity,
  } = options;
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const path = listPath(apiUrl);
  const pathOf = pagePaths(path, options.filters);
  const usual = { accept: 'application/json', 'accept-encoding': 'gzip', 'user-agent': userAgent };

  const target = new URL(apiUrl);
  const proxy = proxyFor(target, proxies);
  const state = startRetryState({ deadlineAt, giveUpAfterMs }, effects);
  const cancellation = createCancellation();
  const signIn = openSignIn(
    { credentials, timeouts, userAgent, proxy: proxies },
    state,
    cancellation,
  );
  const redact = redactor(() => [...signIn.secrets(), ...(proxy?.secrets ?? [])]);
  const transport = createTransport(target, concurrency, proxy);
  // Pages under way, those in backoff included: they hold no request, but an outage must not set every page that
  // queues to failing, and so use up the budget of the run. One that has come and is still to be read is not.
  const places = pLimit(concurrency);
  const nextTurn = createTurns();
  const admission = createAdmission(concurrency, state, effects);
  const counts = { requests: 0, bytesReceived: 0, refusals: 0 };

  function sendOnce(
    query: PageQuery,
    { header }: Authorization,
    signal: AbortSignal,
    msLeft: number,
  ): Promise<Outcome<HttpAnswer>> {
    counts.requests += 1;
    return transport.send({
      method: 'GET',
      path: pathOf(query),
      headers: header === undefined ? usual : { ...usual, authorization: header },
      maxBodyBytes,
      timeouts: { ...timeouts, totalMs: Math.min(timeouts.totalMs, msLeft) },
      signal,
    });
  }

  /** One request; or two when the token has ended: it is renewed and the request replayed once. */
  async function send(
    query: PageQuery,
    request: string,
    signal: AbortSignal,
    msLeft: number,
  ): Promise<Outcome<HttpAnswer>> {
    const authorization = await signIn.current();
    let sent = await sendOnce(query, authorization, signal, msLeft);
    if (isUnauthorized(sent)) {
      const renewed = await signIn.after(authorization);
      if (renewed) sent = await sendOnce(query, renewed, signal, msLeft);
      if (isUnauthorized(sent)) {
        const what = `the server refused the credentials (401). ${signIn.advice}`;
        throw failure(request, what, EXIT.credentials);
      }
    }
    const passing = sent.kind === 'done' && passingFault(sent.value, effects.clock.wall());
    if (!passing) return sent;
    if (passing.kind === 'fault') countRefusal(passing.fault);
    return passing;
  }

  function countRefusal({ kind, what }: Fault): void {
    if (kind !== 'throttled' && kind !== 'overloaded') return;
    counts.refusals += 1;
    if (counts.refusals > 1) return;
    effects.emit({ type: 'log', level: 'warn', message: `${what}: slowing down` });
  }

  async function read(
    answer: HttpAnswer,
    query: PageQuery,
    request: string,
  ): Promise<Outcome<PageAnswer, PageAnswer>> {
    const { status } = answer;
    if (status < 200 || status >= 300) {
      const { what, exitCode } = await readRefusal(answer, redact);
      if (query.auxiliary) return done({ kind: 'refused', status, what });
      throw failure(request, what, exitCode);
    }
    try {
      const outcome = await readPage(answer, query, maxBodyBytes);
      const page = outcome.kind === 'done' ? outcome.value : outcome.fault.instead;
      if (page?.kind === 'page') counts.bytesReceived += page.bytes;
      return outcome;
    } catch (error) {
      if (!(error instanceof BrokenContract)) throw error;
      const what = `${error.message}. Report it to the operators of the API.`;
      if (query.auxiliary) return done({ kind: 'refused', status, what });
      throw failure(request, what, EXIT.protocol);
    }
  }

  async function fetchPage(query: PageQuery, source?: AbortSignal): Promise<PageAnswer> {
    const request = `GET ${path} (${placeOf(query)})`;
    let leave: (() => void) | undefined;
    async function attempt(signal: AbortSignal): Promise<Outcome<PageAnswer, PageAnswer>> {
      leave ??= await takePlace(places);
      const sent = await admission.run(request, signal, (msLeft) =>
        send(query, request, signal, msLeft),
      );
      if (sent.kind === 'done') {
        leave();
        leave = undefined;
        await nextTurn();
      }
      const outcome = sent.kind === 'done' ? await read(sent.value, query, request) : sent;
      if (outcome.kind === 'done' || !query.auxiliary) return outcome;
      return { kind: 'fault', fault: dispensable(outcome.fault) };
    }
    return cancellation.run(source, async (signal) => {
      try {
        return await retry(request, signal, state, admission, () => attempt(signal));
      } finally {
        leave?.();
      }
    });
  }

  return {
    fetchPage,
    get stats() {
      return { ...counts, retries: state.retries, inFlight: admission.inFlight };
    },
    get concurrency() {
      return admission.concurrency;
    },
    async close() {
      const what = 'The client was closed while requests were under way.';
      cancellation.cancelAll(new ExportError(what, { exitCode: EXIT.bug, stage: 'extract' }));
      await Promise.all([transport.close(), signIn.close()]);
    },
  };
}

/**
 * A fault of a request that the run can do without: what speaks against the request itself is soon answered, while a
 * server that is gone, or asks everybody to slow down, is waited for as always.
 */
function dispensable(fault: Fault<PageAnswer>): Fault<PageAnswer> {
  const { kind, what, status = kind === 'malformed' ? 200 : 0 } = fault;
  if (kind === 'overloaded') return { ...fault, instead: { kind: 'refused', status, what } };
  if (kind !== 'failed' && kind !== 'timeout' && kind !== 'malformed') return fault;
  return { ...fault, attempts: AUXILIARY_ATTEMPTS, instead: { kind: 'refused', status, what } };
}

function isUnauthorized(sent: Outcome<HttpAnswer>): boolean {
  return sent.kind === 'done' && sent.value.status === 401;
}

/** A page in messages; no more of ids than how many there are. */
function placeOf({ offset, orderBy, direction, idStartsWith, ids }: PageQuery): string {
  const order = [orderBy && `by ${orderBy}`, direction].filter(Boolean).join(' ');
  const prefix = idStartsWith === undefined ? '' : `ids from ${idStartsWith}`;
  const few = ids === undefined ? '' : `of ${ids.length} ids`;
  return [`offset ${offset}`, order, prefix, few].filter((part) => part !== '').join(', ');
}
