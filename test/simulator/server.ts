import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { createDrift, type DriftOptions } from './changes.ts';
import { ELSEWHERE, FaultSender, refuse } from './fault-answers.ts';
import { FaultPlan, type FaultRate, isPageFault } from './faults.ts';
import {
  acceptsGzip,
  count,
  type Exchange,
  Listener,
  newStats,
  type RateLimit,
  retryAfterHeaders,
  type Stats,
  sendChunks,
  sendJson,
  sendPieces,
  TokenBucket,
} from './http.ts';
import type { OrderColumn } from './job-list.ts';
import { honestPage, type PageAnswer, PageEncoder, spoilPage } from './pages.ts';
import { type JobQuery, parseQuery } from './query.ts';
import { JobStore, type StoreOptions } from './store.ts';
import { answerToken, type SignIn, TokenIssuer } from './tokens.ts';

/** Everything the simulator can be told. All of it is optional. */
export interface SimulatorOptions extends StoreOptions {
  /** Default 0: any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Milliseconds before each page is made and answered. Default 0. */
  readonly latencyMs?: number;
  /** Milliseconds more for every 100,000 rows of offset, as a database takes. Default 0. */
  readonly deepOffsetCostMs?: number;
  /** Compresses pages for clients that accept it. Default false: it costs far more than it saves on loopback. */
  readonly gzip?: boolean;
  /** Requires a bearer token. True: with the default accounts of `SignIn`. Default false. */
  readonly signIn?: boolean | SignIn;
  /** Default none. */
  readonly rateLimit?: RateLimit;
  /** Faults by rate. Default none. */
  readonly faults?: readonly FaultRate[];
  /** Changes the list while it is read. Default none. */
  readonly drift?: DriftOptions;
  /**
   * `body`: pages hold `pagination` and the header; `header`: only Content-Range; `none`: neither. Default `body`.
   */
  readonly pagination?: 'body' | 'header' | 'none';
  /** Columns that `order_by` may not name: 422. Default none. */
  readonly refuseOrders?: readonly OrderColumn[];
  /** The total is never more than this. Default: it is the number of jobs. */
  readonly totalCap?: number;
  /** Rows at this offset and behind are never shown, as if the list ended there. Default: all are. */
  readonly reachCap?: number;
  /** Answers as if `id__starts_with` had not been asked for. Default false. */
  readonly ignoreIdStartsWith?: boolean;
  /** Most bytes of encoded jobs to keep. Default 256 MiB. Jobs with sequences over 16 KiB are never kept. */
  readonly cacheBytes?: number;
  /** Encodes as many jobs as `cacheBytes` allows before the first request. Default false: when first asked for. */
  readonly warm?: boolean;
  /** Seconds in the Retry-After of faults. Default 1. */
  readonly retryAfterSeconds?: number;
  /** Milliseconds for which the fault `refused` keeps the listener closed. Default 100. */
  readonly refusedMs?: number;
  /** Bytes of the body of the fault `oversize`. Default 65 MiB, just over what a page may have. */
  readonly oversizeBytes?: number;
  /** Called for each page request that was let in, before the list is looked at. `n` counts from 1. */
  readonly onRequest?: (query: JobQuery, n: number) => void;
  /** Wall time in milliseconds, for tokens and dates. Default `Date.now`. */
  readonly now?: () => number;
  /** Monotonic milliseconds, for the rate limit. Default `performance.now`. */
  readonly monotonic?: () => number;
}

export interface JobsEndpointParts {
  readonly options: SimulatorOptions;
  readonly store: JobStore;
  /** Undefined: everybody may read. */
  readonly issuer: TokenIssuer | undefined;
  readonly faults: FaultPlan;
  readonly sender: FaultSender;
  readonly listener: Listener;
  /** Wall time and monotonic time, milliseconds. */
  readonly now: () => number;
  readonly monotonic: () => number;
}

/** Longer request targets are refused, bytes. */
const LONGEST_URL = 8192;
const DEFAULT_CACHE = 256 * 1024 * 1024;
/** Jobs with longer sequences, bytes, are not kept encoded: a block of them would be too much at once. */
const LONG_SEQUENCE = 16 * 1024;
/** A page of more bytes than this is sent job by job instead of being held whole. */
const WHOLE_PAGE = 8 * 1024 * 1024;

/**
 * GET /api/v2/jobs. Which jobs a page holds, and its total, are those of one instant; a job of a page beyond
 * `WHOLE_PAGE` is written when its turn comes and shows an update made meanwhile.
 */
export class JobsEndpoint {
  readonly #parts: JobsEndpointParts;
  readonly #encoder: PageEncoder;
  readonly #bucket: TokenBucket | undefined;
  readonly #afterPage: () => void;

  constructor(parts: JobsEndpointParts) {
    const { options, store, monotonic } = parts;
    this.#parts = parts;
    const { sequenceBytes = 0, cacheBytes = DEFAULT_CACHE } = options;
    this.#encoder = new PageEncoder(store, sequenceBytes > LONG_SEQUENCE ? 0 : cacheBytes);
    if (options.warm) this.#encoder.warm();
    this.#bucket = options.rateLimit && new TokenBucket(options.rateLimit, monotonic());
    this.#afterPage = options.drift ? createDrift(store, options.drift) : () => {};
  }

  /** Answers one request. @param search the query string without its `?` */
  async answer(exchange: Exchange, search: string): Promise<void> {
    const { request, stats } = exchange;
    const { options, issuer, listener, monotonic } = this.#parts;
    if (request.method !== 'GET') return refuse(exchange, 405, { allow: 'GET' });
    if ((request.url ?? '').length > LONGEST_URL) return refuse(exchange, 414);
    if (issuer && !issuer.accepts(request.headers.authorization)) return refuse(exchange, 401);
    const seconds = this.#bucket?.take(monotonic()) ?? 0;
    if (seconds > 0) return this.#slowDown(exchange, seconds);
    const parsed = parseQuery(new URLSearchParams(search), options.refuseOrders);
    if (parsed.detail) return sendJson(exchange, 422, { detail: parsed.detail });
    const { query } = parsed;
    const { latencyMs = 0, deepOffsetCostMs = 0 } = options;
    const delay = latencyMs + (deepOffsetCostMs * query.offset) / 100_000;
    if (delay > 0) await listener.wait(delay);
    stats.pages += 1;
    options.onRequest?.(query, stats.pages);
    await this.#answerPage(exchange, query);
  }

  async #answerPage(exchange: Exchange, query: JobQuery): Promise<void> {
    const { faults, sender, store } = this.#parts;
    const fault = faults.choose(exchange.request.url ?? '', query.offset, query.limit);
    if (fault !== undefined) count(exchange.stats.faults, fault);
    if (fault === undefined || isPageFault(fault)) {
      const honest = this.#page(query);
      const page = fault === undefined ? honest : spoilPage(fault, honest, store, query);
      await this.#sendPage(exchange, page);
      return;
    }
    const sent = sender.send(fault, exchange, () => {
      const page = this.#page(query);
      return { body: this.#encoder.encode(page), headers: pageHeaders(page) };
    });
    this.#afterPage();
    await sent;
  }

  async #sendPage(exchange: Exchange, page: PageAnswer): Promise<void> {
    const compress = this.#parts.options.gzip === true && acceptsGzip(exchange.request);
    const headers = pageHeaders(page);
    const { options, store } = this.#parts;
    const isLarge =
      page.rows.length * (options.sequenceBytes ?? 0) > WHOLE_PAGE ||
      page.rows.some((row) => typeof row === 'number' && store.isBulky(row));
    const sent = isLarge
      ? sendChunks(exchange, this.#encoder.chunks(page), headers, compress)
      : sendPieces(exchange, this.#encoder.pieces(page), headers, compress);
    this.#afterPage();
    await sent;
  }

  #page(query: JobQuery): PageAnswer {
    const { options, store } = this.#parts;
    const { pagination = 'body', ignoreIdStartsWith = false } = options;
    const filters = ignoreIdStartsWith
      ? { ...query.filters, idStartsWith: undefined }
      : query.filters;
    const page = honestPage(store, { ...query, filters }, options);
    return {
      ...page,
      pagination: pagination === 'body' ? page.pagination : undefined,
      contentRange: pagination === 'none' ? undefined : page.contentRange,
    };
  }

  #slowDown(exchange: Exchange, seconds: number): void {
    const form = this.#parts.options.rateLimit?.retryAfter ?? 'seconds';
    refuse(exchange, 429, retryAfterHeaders(form, seconds, this.#parts.now()));
  }
}

function pageHeaders({ contentRange }: PageAnswer): OutgoingHttpHeaders {
  if (contentRange === undefined) return {};
  return { 'access-control-expose-headers': 'Content-Range', 'content-range': contentRange };
}

/** A running simulator. */
export interface Simulator {
  /** Base URL without a trailing slash, e.g. `http://127.0.0.1:40123/core-fast`. */
  readonly url: string;
  readonly tokenUrl: string;
  readonly port: number;
  readonly stats: Readonly<Stats>;
  /** The list of jobs, to look at and to change. */
  readonly jobs: JobStore;
  /** What goes wrong with page requests; may be changed at any time. */
  readonly faults: FaultPlan;
  /** What goes wrong with token requests. */
  readonly tokenFaults: FaultPlan;
  /** Makes every token issued so far worthless. */
  revokeTokens(): void;
  /** Closes the port and cuts every connection, until `reopen`. */
  shut(): Promise<void>;
  /** Listens again, on the same port. */
  reopen(): Promise<void>;
  /** Ends everything: sockets, delayed and hanging answers. The process can end then. */
  close(): Promise<void>;
}

const BASE = '/core-fast';
const JOBS_PATH = `${BASE}/api/v2/jobs`;
const TOKEN_PATH = '/oauth/token';
const OVERSIZE = 65 * 1024 * 1024;

/**
 * Starts a stand-in for the platform's jobs API and its token endpoint. Both are plain HTTP on one port.
 *
 * @throws SimulatorError for options that make no sense; a Node.js system error when it cannot listen
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { host = '127.0.0.1', port = 0, seed = 1, now = Date.now } = options;
  const stats = newStats();
  const store = new JobStore(options);
  const faults = new FaultPlan(seed, options.faults);
  const tokenFaults = new FaultPlan(seed);
  const signIn = options.signIn ?? false;
  const issuer = new TokenIssuer(typeof signIn === 'object' ? signIn : {}, seed, now);
  const listener = new Listener(host, port, handle, () => {
    stats.connections += 1;
  });
  const sender = new FaultSender(listener, {
    retryAfterSeconds: options.retryAfterSeconds ?? 1,
    refusedMs: options.refusedMs ?? 100,
    oversizeBytes: options.oversizeBytes ?? OVERSIZE,
    now,
  });
  const jobs = new JobsEndpoint({
    options,
    store,
    issuer: signIn === false ? undefined : issuer,
    faults,
    sender,
    listener,
    now,
    monotonic: options.monotonic ?? (() => performance.now()),
  });

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const exchange = { request, response, stats };
    stats.requests += 1;
    stats.inFlight += 1;
    stats.maxInFlight = Math.max(stats.maxInFlight, stats.inFlight);
    response.on('close', () => {
      stats.inFlight -= 1;
    });
    route(exchange).catch((error) => fail(exchange, error));
  }

  async function route(exchange: Exchange): Promise<void> {
    const [path, search = ''] = (exchange.request.url ?? '').split('?');
    if (path === JOBS_PATH) return jobs.answer(exchange, search);
    if (path === TOKEN_PATH) return answerToken(exchange, issuer, tokenFaults, sender);
    if (path === ELSEWHERE) stats.redirectsFollowed += 1;
    refuse(exchange, 404);
  }

  await listener.open();
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
  return {
    url: `${origin}${BASE}`,
    tokenUrl: `${origin}${TOKEN_PATH}`,
    port: listener.port,
    stats,
    jobs: store,
    faults,
    tokenFaults,
    revokeTokens: () => issuer.revoke(),
    shut: () => listener.shut(),
    reopen: () => listener.open(),
    close: () => listener.end(),
  };
}

/** A throwing `onRequest`, or a bug: shown to the client, because nobody else is there to see it. */
function fail(exchange: Exchange, error: unknown): void {
  if (exchange.response.headersSent) exchange.response.destroy();
  else
    sendJson(exchange, 500, {
      status: 'error',
      message: error instanceof Error ? error.message : String(error),
      code: '500',
    });
}
