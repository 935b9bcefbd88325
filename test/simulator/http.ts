import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gzip } from 'node:zlib';

/** What the server did so far. Counters only go up; `inFlight` alone goes down again. */
export interface Stats {
  /** Requests of any kind that reached the server. */
  requests: number;
  /** Page requests that were let in: signed in, within the rate, valid. Those hit by a fault count too. */
  pages: number;
  tokenRequests: number;
  /** Answers with status 429. */
  refusals: number;
  /** Requests for the place that redirects name. A careful client makes none. */
  redirectsFollowed: number;
  connections: number;
  inFlight: number;
  /** Most requests ever in flight at once. */
  maxInFlight: number;
  /** Bytes of bodies handed to the network, as sent (compressed when compressed). */
  bytes: number;
  /** Answers by status. Requests that got none are in no count. */
  readonly statuses: Record<string, number>;
  /** Faults by kind. */
  readonly faults: Record<string, number>;
}

export function newStats(): Stats {
  return {
    requests: 0,
    pages: 0,
    tokenRequests: 0,
    refusals: 0,
    redirectsFollowed: 0,
    connections: 0,
    inFlight: 0,
    maxInFlight: 0,
    bytes: 0,
    statuses: {},
    faults: {},
  };
}

/** Adds one to a count by name. */
export function count(counts: Record<string, number>, name: string | number): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

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

/** One request and its answer in the making. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly stats: Stats;
}

const gzipped = promisify(gzip);
const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends a whole body with its length. */
export function send(
  { response, stats }: Exchange,
  status: number,
  body: Buffer,
  headers: OutgoingHttpHeaders,
): void {
  count(stats.statuses, status);
  if (status === 429) stats.refusals += 1;
  stats.bytes += body.length;
  response.writeHead(status, { ...headers, 'content-length': body.length });
  response.end(body);
}

/** Sends a good body given in pieces, compressed if that is wanted. */
export async function sendPieces(
  exchange: Exchange,
  pieces: readonly Buffer[],
  headers: OutgoingHttpHeaders,
  compress: boolean,
): Promise<void> {
  const { response, stats } = exchange;
  if (compress) {
    const zip = await gzipped(Buffer.concat(pieces), { level: 1 });
    return send(exchange, 200, zip, { ...JSON_TYPE, ...headers, 'content-encoding': 'gzip' });
  }
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  count(stats.statuses, 200);
  stats.bytes += length;
  response.writeHead(200, { ...JSON_TYPE, ...headers, 'content-length': length });
  for (const piece of pieces) response.write(piece);
  response.end();
}

/** Sends a value as JSON. */
export function sendJson(
  exchange: Exchange,
  status: number,
  value: unknown,
  headers: OutgoingHttpHeaders = {},
): void {
  send(exchange, status, Buffer.from(JSON.stringify(value)), { ...JSON_TYPE, ...headers });
}

/** Sends a body piece by piece, in chunks, as fast as the client takes them. A client that leaves ends it. */
export async function sendChunks(
  { response, stats }: Exchange,
  chunks: Iterable<Buffer>,
  headers: OutgoingHttpHeaders,
  compress: boolean,
): Promise<void> {
  count(stats.statuses, 200);
  const encoding = compress ? { 'content-encoding': 'gzip' } : {};
  response.writeHead(200, { ...JSON_TYPE, ...headers, ...encoding });
  const source = Readable.from(counted(chunks, stats));
  try {
    await (compress
      ? pipeline(source, createGzip({ level: 1 }), response)
      : pipeline(source, response));
  } catch {
    response.destroy();
  }
}

function* counted(chunks: Iterable<Buffer>, stats: Stats): Generator<Buffer> {
  for (const chunk of chunks) {
    stats.bytes += chunk.length;
    yield chunk;
  }
}

/** True when the client says it can read gzip. */
export function acceptsGzip(request: IncomingMessage): boolean {
  return /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
}

/** Idle connections are kept this long, so that none is closed just as a client uses it again, milliseconds. */
const KEEP_ALIVE_MS = 60_000;

/** So long a request is let in to be answered, if with a refusal, bytes; Node.js itself would cut it off at 16 KiB. */
const LONGEST_HEAD = 1024 * 1024;

/** A listening HTTP server whose port survives closing and opening again. */
export class Listener {
  readonly #server: Server;
  readonly #host: string;
  readonly #timers = new Set<NodeJS.Timeout>();
  #port: number;
  #opened: Promise<void> | undefined;
  #closed = false;

  constructor(host: string, port: number, onRequest: RequestListener, onConnection: () => void) {
    this.#host = host;
    this.#port = port;
    this.#server = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, maxHeaderSize: LONGEST_HEAD },
      onRequest,
    );
    this.#server.on('connection', onConnection);
    this.#server.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  }

  get port(): number {
    return this.#port;
  }

  /** Opens the port; nothing happens when it is open. @throws a Node.js system error, e.g. `EADDRINUSE` */
  open(): Promise<void> {
    this.#opened ??= this.#listen().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  /** Closes the port and cuts every connection, as a server does that is restarted. */
  async shut(): Promise<void> {
    await this.#opened;
    this.#opened = undefined;
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Shuts, and opens again after a while unless it was ended meanwhile. */
  async shutFor(ms: number): Promise<void> {
    await this.shut();
    await this.wait(ms);
    if (!this.#closed) await this.open();
  }

  /** Resolves after a while; never when the listener has ended by then, and no timer is left behind. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed) return;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  async #listen(): Promise<void> {
    this.#server.listen(this.#port, this.#host);
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (isAddress(address)) this.#port = address.port;
  }

  /** Shuts for good. */
  async end(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await this.shut();
  }
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null;
}
