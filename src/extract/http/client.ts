import pLimit from 'p-limit';
import type { Credentials } from '../../jobs/options.ts';
import type { Filters } from '../../jobs/query.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import type { PageAnswer, PageQuery } from '../page.ts';
import { Admission, createTurns, following, takePlace } from './concurrency.ts';
import { Fault } from './faults.ts';
import { readPage } from './page-answer.ts';
import { type ProxyOptions, proxyFor } from './proxy.ts';
import { listPath, pagePaths } from './query.ts';
import { type Quote, quoter, refusalOf, withoutPassing } from './refusal.ts';
import { type HttpEffects, type RetryState, retry, startRetryState } from './retry.ts';
import { SignIn } from './sign-in.ts';
import { type HttpAnswer, type Timeouts, Transport } from './transport.ts';

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

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const TIMEOUTS: Timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 120_000 };
/** Asked for when it is to be seen whether the server answers at all. */
const FIRST_JOB: PageQuery = { offset: 0, limit: 1 };

/** A client of GET /api/v2/jobs. Nothing is sent before the first page is asked for. */
export class JobsClient {
  readonly #path: string;
  readonly #pathOf: (query: PageQuery) => string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxBodyBytes: number;
  readonly #timeouts: Timeouts;
  readonly #state: RetryState;
  readonly #signIn: SignIn;
  readonly #quote: Quote;
  readonly #transport: Transport;
  readonly #admission: Admission;
  readonly #closing = new AbortController();
  // Pages under way, those in backoff included: they hold no request, but an outage must not set every page that
  // queues to failing, and so use up the budget of the run. One that has come and is still to be read is not.
  readonly #places: ReturnType<typeof pLimit>;
  readonly #nextTurn = createTurns();
  #requests = 0;
  #bytesReceived = 0;

  /** @throws ExportError (78) when a given token cannot stand in a header, or a proxy's URL is none */
  constructor(options: JobsClientOptions, effects: HttpEffects) {
    const { apiUrl, filters, concurrency, credentials, userAgent, proxy: proxies = {} } = options;
    const { deadlineAt = Infinity, giveUpAfterMs = Infinity } = options;
    this.#path = listPath(apiUrl);
    this.#pathOf = pagePaths(this.#path, filters);
    const accept = { accept: 'application/json', 'accept-encoding': 'gzip' };
    this.#headers = { ...accept, 'user-agent': userAgent };
    this.#maxBodyBytes = options.maxBodyBytes ?? MAX_BODY_BYTES;
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts };
    this.#state = startRetryState({ deadlineAt, giveUpAfterMs }, effects);
    const target = new URL(apiUrl);
    const proxy = proxyFor(target, proxies);
    const signIn = { credentials, userAgent, proxies, timeouts: this.#timeouts };
    this.#signIn = new SignIn(signIn, this.#state, this.#closing.signal);
    this.#quote = quoter(() => [...this.#signIn.secrets, ...(proxy?.secrets ?? [])]);
    this.#transport = new Transport(target, concurrency, proxy);
    this.#admission = new Admission(concurrency, this.#state);
    this.#places = pLimit(concurrency);
  }

  get stats(): RequestStats {
    const { inFlight, refusals } = this.#admission;
    const [requests, bytesReceived] = [this.#requests, this.#bytesReceived];
    return { requests, bytesReceived, retries: this.#state.retries, inFlight, refusals };
  }

  /** Requests allowed in flight just now. */
  get concurrency(): number {
    return this.#admission.concurrency;
  }

  /**
   * Fetches a page; retries, sign-in, pauses and concurrency are seen to. Call it for as many pages as wanted: they
   * queue. An auxiliary one that was asked for in vain is so once more when the server answers other requests; only
   * then it is refused.
   *
   * @throws ExportError as docs/http.md tells; the signal's reason, at once, also while queueing or waiting
   */
  readonly fetchPage = (query: PageQuery, source?: AbortSignal): Promise<PageAnswer> => {
    const sources = [this.#closing.signal, ...(source ? [source] : [])];
    return following(sources, async (signal) => {
      let mayPass = false;
      const refuse = ({ traits, message, details }: Fault): PageAnswer | undefined => {
        if (!query.auxiliary || traits.auxiliary === undefined) return undefined;
        mayPass = traits.auxiliary > 1;
        return { kind: 'refused', what: [message, details.advice ?? []].flat().join('. ') };
      };
      const answer = await this.#ask(query, signal, refuse);
      if (!mayPass) return answer;
      await this.#ask(FIRST_JOB, signal);
      return this.#ask(query, signal, refuse);
    });
  };

  /** @param refuse what to go on with after a fault that stays, where that does not end the run */
  async #ask(
    query: PageQuery,
    signal: AbortSignal,
    refuse: (fault: Fault) => PageAnswer | undefined = () => undefined,
  ): Promise<PageAnswer> {
    const request = `GET ${this.#path} (${placeOf(query)})`;
    const otherwise = (fault: Fault) => fault.details.instead ?? refuse(fault);
    const asking = { request, signal, auxiliary: query.auxiliary, otherwise };
    let leave: (() => void) | undefined;
    try {
      const page = await retry(asking, this.#state, this.#admission, async () => {
        leave ??= await takePlace(this.#places);
        const send = (msLeft: number) => this.#send(query, signal, msLeft);
        const answer = await this.#admission.run(asking, send);
        leave();
        leave = undefined;
        await this.#nextTurn();
        const { status } = answer;
        if (status < 200 || status >= 300) throw refusalOf(answer, this.#quote);
        return readPage(answer, query, this.#maxBodyBytes);
      });
      if (page.kind === 'page') this.#bytesReceived += page.bytes;
      return page;
    } finally {
      leave?.();
    }
  }

  /** One request; or two when the token has ended: it is renewed and the request replayed once. */
  async #send(query: PageQuery, signal: AbortSignal, msLeft: number): Promise<HttpAnswer> {
    const token = await this.#signIn.current();
    const answer = await this.#sendOnce(query, token, signal, msLeft);
    if (answer.status !== 401) return answer;
    const renewed = await this.#signIn.after(token);
    const again = renewed && (await this.#sendOnce(query, renewed, signal, msLeft));
    if (again && again.status !== 401) return again;
    const { advice } = this.#signIn;
    throw new Fault('unauthorized', 'the server refused the credentials (401)', { advice });
  }

  async #sendOnce(
    query: PageQuery,
    token: string | undefined,
    signal: AbortSignal,
    msLeft: number,
  ): Promise<HttpAnswer> {
    this.#requests += 1;
    const answer = await this.#transport.send({
      method: 'GET',
      path: this.#pathOf(query),
      headers: { ...this.#headers, ...(token && { authorization: `Bearer ${token}` }) },
      maxBodyBytes: this.#maxBodyBytes,
      timeouts: { ...this.#timeouts, totalMs: Math.min(this.#timeouts.totalMs, msLeft) },
      signal,
    });
    return withoutPassing(answer, this.#state.effects.clock.wall());
  }

  /** Breaks off what is under way and every connection. No timer, socket or listener stays. */
  async close(): Promise<void> {
    const what = 'The client was closed while requests were under way.';
    this.#closing.abort(new ExportError(what, { exitCode: EXIT.bug, stage: 'extract' }));
    await Promise.all([this.#transport.close(), this.#signIn.close()]);
  }
}

/** A page in messages; no more of ids than how many there are. */
function placeOf({ offset, orderBy, direction, idStartsWith, ids }: PageQuery): string {
  const order = [orderBy && `by ${orderBy}`, direction].filter(Boolean).join(' ');
  const prefix = idStartsWith === undefined ? '' : `ids from ${idStartsWith}`;
  const few = ids === undefined ? '' : `of ${ids.length} ids`;
  return [`offset ${offset}`, order, prefix, few].filter((part) => part !== '').join(', ');
}
