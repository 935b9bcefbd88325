import pLimit from 'p-limit';
import type { Credentials, ProxySettings } from '../../jobs/options.ts';
import type { Filters } from '../../jobs/query.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import type { PageAnswer, PageQuery } from '../page.ts';
import { quoter, readPage, refusalOf, withoutPassing } from './answer.ts';
import { Admission, createTurns, following, takePlace } from './concurrency.ts';
import { Fault } from './faults.ts';
import { listPath, pagePaths } from './query.ts';
import { type HttpEffects, type Patience, retry, startRetryState } from './retry.ts';
import { openSignIn } from './sign-in.ts';
import { type HttpAnswer, type Timeouts, Transport } from './transport.ts';

export interface JobsClientOptions extends Patience {
  /** Base URL without a trailing slash, e.g. `https://apis.pasqal.cloud/core-fast`. */
  readonly apiUrl: string;
  readonly filters: Filters;
  readonly credentials: Credentials;
  /** Requests in flight at most. */
  readonly concurrency: number;
  /** On the way to the API and to the token endpoint. Default: none. */
  readonly proxy?: ProxySettings | undefined;
  /** Decoded bytes a page may have. Default 64 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** Default: 30 s to the headers, 30 s between two pieces of the body, 120 s in all. */
  readonly timeouts?: Partial<Timeouts> | undefined;
  readonly userAgent: string;
}

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const TIMEOUTS: Timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 120_000 };
/** Asked for when it is to be seen whether the server answers at all. */
const FIRST_JOB: PageQuery = { offset: 0, limit: 1 };

export type JobsClient = ReturnType<typeof createJobsClient>;

/**
 * A client of GET /api/v2/jobs. Nothing is sent before the first page is asked for.
 *
 * @throws ExportError (78) when a given token cannot stand in a header, or a proxy's URL is none
 */
export function createJobsClient(options: JobsClientOptions, effects: HttpEffects) {
  const { apiUrl, concurrency, credentials, userAgent, proxy: proxies = {} } = options;
  const { maxBodyBytes = MAX_BODY_BYTES } = options;
  const settings = { timeouts: { ...TIMEOUTS, ...options.timeouts }, userAgent, proxies };
  const path = listPath(apiUrl);
  const pathOf = pagePaths(path, options.filters);

  const state = startRetryState(options, effects);
  const closing = new AbortController();
  const signIn = openSignIn(credentials, settings, state, closing.signal);
  const transport = new Transport(new URL(apiUrl), concurrency, settings);
  const quote = quoter(() => [...signIn.secrets(), ...transport.secrets]);
  // Pages under way, those in backoff included: they hold no request, but an outage must not set every page that
  // queues to failing, and so use up the budget of the run. One that has come and is still to be read is not.
  const places = pLimit(concurrency);
  const nextTurn = createTurns();
  const admission = new Admission(concurrency, state);
  const counts = { requests: 0, bytesReceived: 0 };

  /** One request; or two when the token has ended: it is renewed and the request replayed once. */
  async function send(query: PageQuery, signal: AbortSignal, msLeft: number): Promise<HttpAnswer> {
    async function sendWith(token: string | undefined): Promise<HttpAnswer> {
      counts.requests += 1;
      const answer = await transport.send({
        ...{ method: 'GET', path: pathOf(query), maxBodyBytes, msLeft, signal },
        headers: { 'accept-encoding': 'gzip', ...(token && { authorization: `Bearer ${token}` }) },
      });
      return withoutPassing(answer, state);
    }
    const token = await signIn.current();
    const answer = await sendWith(token);
    if (answer.status !== 401) return answer;
    const renewed = await signIn.after(token);
    const again = renewed && (await sendWith(renewed));
    if (again && again.status !== 401) return again;
    const { advice } = signIn;
    throw new Fault('unauthorized', 'the server refused the credentials (401)', { advice });
  }

  /** @param refuse what to go on with after a fault that stays, where that does not end the run */
  async function ask(
    query: PageQuery,
    signal: AbortSignal,
    refuse: (fault: Fault) => PageAnswer | undefined = () => undefined,
  ): Promise<PageAnswer> {
    const request = `GET ${path} (${placeOf(query)})`;
    const otherwise = (fault: Fault) => fault.details.instead ?? refuse(fault);
    const asking = { request, signal, auxiliary: query.auxiliary, otherwise };
    let leave: (() => void) | undefined;
    try {
      const page = await retry(asking, state, async () => {
        leave ??= await takePlace(places);
        const answer = await admission.run(asking, (msLeft) => send(query, signal, msLeft));
        leave();
        leave = undefined;
        await nextTurn();
        if (answer.status < 200 || answer.status >= 300) throw refusalOf(answer, quote);
        return readPage(answer, query, maxBodyBytes);
      });
      if (page.kind === 'page') counts.bytesReceived += page.bytes;
      return page;
    } finally {
      leave?.();
    }
  }

  return {
    /**
     * Fetches a page; retries, sign-in, pauses and concurrency are seen to. Call it for as many pages as wanted: they
     * queue. An auxiliary request that failed in vain is made once more when the server answers others, and only then
     * refused.
     *
     * @throws ExportError as docs/http.md tells; the signal's reason, at once, also while queueing or waiting
     */
    fetchPage(query: PageQuery, source: AbortSignal = closing.signal): Promise<PageAnswer> {
      return following([closing.signal, source], async (signal) => {
        let mayPass = false;
        const refuse = ({ traits, message, details }: Fault): PageAnswer | undefined => {
          if (!query.auxiliary || traits.auxiliary === undefined) return undefined;
          mayPass = traits.auxiliary > 1;
          return { kind: 'refused', what: [message, details.advice ?? []].flat().join('. ') };
        };
        const answer = await ask(query, signal, refuse);
        if (!mayPass) return answer;
        await ask(FIRST_JOB, signal);
        return ask(query, signal, refuse);
      });
    },
    /**
     * What was done so far: `requests` sent to the API, repeated ones included, sign-ins not; `retries`, attempts made
     * because one before had failed, sign-ins included; `bytesReceived` in pages, after decompression.
     */
    get stats() {
      return { ...counts, retries: state.retries, inFlight: admission.inFlight };
    },
    /** Breaks off what is under way and every connection. No timer, socket or listener stays. */
    async close(): Promise<void> {
      const what = 'The client was closed while requests were under way.';
      closing.abort(new ExportError(what, { exitCode: EXIT.bug, stage: 'extract' }));
      await Promise.all([transport.close(), signIn.close()]);
    },
  };
}

/** A page in messages; no more of ids than how many there are. */
function placeOf({ offset, orderBy, direction, idStartsWith, ids }: PageQuery): string {
  const order = [orderBy && `by ${orderBy}`, direction].filter(Boolean).join(' ');
  const prefix = idStartsWith === undefined ? '' : `ids from ${idStartsWith}`;
  const few = ids === undefined ? '' : `of ${ids.length} ids`;
  return [`offset ${offset}`, order, prefix, few].filter((part) => part !== '').join(', ');
}
