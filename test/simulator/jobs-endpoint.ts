import type { OutgoingHttpHeaders } from 'node:http';
import { acceptsGzip, type Exchange, sendChunks, sendJson, sendPieces } from './answer.ts';
import { createDrift } from './drift.ts';
import { type PageAnswer, PageEncoder } from './encode.ts';
import { isPageFault } from './fault-kinds.ts';
import { honestPage, spoilPage } from './fault-page.ts';
import type { FaultPlan } from './fault-plan.ts';
import type { FaultSender } from './fault-sender.ts';
import { refuse } from './fault-status.ts';
import type { Listener } from './listener.ts';
import type { SimulatorOptions } from './options.ts';
import { type JobQuery, parseQuery } from './query.ts';
import { retryAfterHeaders, TokenBucket } from './rate-limit.ts';
import { count } from './stats.ts';
import type { JobStore } from './store.ts';
import type { TokenIssuer } from './tokens.ts';

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
    if (issuer && !issuer.accepts(request.headers.authorization)) return refuse(exchange, 401);
    const seconds = this.#bucket?.take(monotonic()) ?? 0;
    if (seconds > 0) return this.#slowDown(exchange, seconds);
    const parsed = parseQuery(new URLSearchParams(search));
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
    const isLarge = page.rows.length * (this.#parts.options.sequenceBytes ?? 0) > WHOLE_PAGE;
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
    const page = honestPage(store, { ...query, filters });
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
