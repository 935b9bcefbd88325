import { setMaxListeners } from 'node:events';
import { constants, gunzipSync } from 'node:zlib';
import { type Dispatcher, Pool } from 'undici';
import type { ProxySettings } from '../../jobs/options.ts';
import { parseText } from '../../json/checked-json.ts';
import { CLOSE_OBJECT, SPACE } from '../../json/json-scanner.ts';
import { errorCode } from '../../platform/errors.ts';
import { following } from './concurrency.ts';
import { Fault, sorted } from './faults.ts';
import { type ProxyServer, proxyFor, refusedBy, tunnel } from './proxy.ts';

/** Milliseconds; all of them end in a retry. */
export interface Timeouts {
  /** From the start, connecting included, to the end of the headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
  /** From the start to the end of the body. */
  readonly totalMs: number;
}

/** What all requests of a run have in common. */
export interface HttpSettings {
  readonly timeouts: Timeouts;
  readonly userAgent: string;
  readonly proxies: ProxySettings;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  /** Besides those that every request has. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes of a successful answer's body as sent, compressed or not. */
  readonly maxBodyBytes: number;
  /** Milliseconds until the deadline. */
  readonly msLeft: number;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  /** Names in lower case. Of a repeated header the first counts. */
  header(name: string): string | undefined;
  /** As sent, perhaps compressed. */
  readonly body: Buffer;
  /** The body was longer than asked for and is not whole. */
  readonly cut: boolean;
}

/** A server that has not even taken the connection by then is not there; nor is a proxy that has no tunnel. */
const CONNECT_MS = 10_000;
/** What is kept of the body of an error answer: enough for its description. */
const ERROR_BODY_BYTES = 64 * 1024;
/** Bytes of a body too large to be read that are read all the same: they tell one job from another. */
const HEAD_BYTES = 64 * 1024;

/** One server, kept-alive connections, no redirects, no retries. */
export class Transport {
  /** What must never be read back to anybody. */
  readonly secrets: readonly string[];
  readonly #closing = new AbortController();
  readonly #target: URL;
  readonly #settings: HttpSettings;
  /** A proxy that reads the requests and hands them on; the whole URL is their path (RFC 9112 section 3.2.2). */
  readonly #forwarder: ProxyServer | undefined;
  readonly #pools: readonly [Pool, ...Pool[]];
  #contacted = false;

  /**
   * @param target scheme, host and port count
   * @throws ExportError (78) when the URL of the proxy on the way there is none
   */
  constructor(target: URL, connections: number, settings: HttpSettings) {
    this.#target = target;
    this.#settings = settings;
    const proxy = proxyFor(target, settings.proxies);
    this.secrets = proxy?.secrets ?? [];
    const { signal } = this.#closing;
    // A few listeners a socket, all taken off with it.
    setMaxListeners(0, signal);
    // The signal ends sockets that are still connecting: the pools do not know those.
    const connect = { timeout: CONNECT_MS, signal };
    // Timeouts off: undici's own tick in half seconds, `send` keeps time to the millisecond.
    const usual = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect };
    if (proxy && target.protocol === 'https:') {
      const toProxy = new Pool(proxy.origin, { ...usual, headersTimeout: CONNECT_MS });
      const inside = tunnel(toProxy, proxy, target, connect, () => this.#contacted);
      this.#pools = [new Pool(target.origin, { ...usual, connect: inside }), toProxy];
    } else {
      this.#forwarder = proxy;
      this.#pools = [new Pool(proxy?.origin ?? target.origin, usual)];
    }
  }

  /** @throws Fault; the signal's reason; ExportError (74) when this machine has no socket left */
  async send({ signal, msLeft, maxBodyBytes, ...request }: HttpRequest): Promise<HttpAnswer> {
    const [target, forwarder] = [this.#target, this.#forwarder];
    const { timeouts, userAgent } = this.#settings;
    const headers = { accept: 'application/json', 'user-agent': userAgent, ...request.headers };
    const late = new AbortController();
    const limit = (what: string, ms: number) =>
      setTimeout(() => {
        late.abort(new Fault('timeout', `${what} ${Math.round(ms) / 1000} s`));
      }, ms);
    const total = limit('no whole answer within', Math.min(timeouts.totalMs, msLeft));
    let timer = limit('no headers within', timeouts.headersMs);
    try {
      return await following([signal, late.signal], async (called) => {
        const response = await this.#pools[0].request({
          ...{ ...request, headers },
          ...(forwarder && {
            path: target.origin + request.path,
            headers: { ...headers, ...forwarder.headers, host: target.host },
          }),
          signal: called,
        });
        clearTimeout(timer);
        timer = limit('the body stopped for', timeouts.idleMs);
        const { statusCode: status } = response;
        const refusing = status === 407 ? forwarder : undefined;
        this.#contacted ||= refusing === undefined;
        const maxBytes = status < 300 ? maxBodyBytes : ERROR_BODY_BYTES;
        const read = await readBytes(response, maxBytes, () => timer.refresh());
        if (refusing) throw refusedBy(refusing, status, target, this.#contacted);
        return { status, header: (name: string) => [response.headers[name]].flat()[0], ...read };
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Error ? sorted(error, this.#contacted, forwarder?.name) : error;
    } finally {
      clearTimeout(timer);
      clearTimeout(total);
    }
  }

  /** Breaks every connection. */
  async close(): Promise<void> {
    const destroyed = Promise.all(this.#pools.map((pool) => pool.destroy()));
    this.#closing.abort();
    await destroyed;
  }
}

/** Reads a body to its end, or to the byte that is too many, or as soon as that is announced: then it hangs up. */
async function readBytes(
  { headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  onPiece: () => void,
): Promise<Pick<HttpAnswer, 'body' | 'cut'>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const announced = Number(headers['content-length']) > maxBytes;
  let cut = announced;
  for await (const piece of body) {
    onPiece();
    bytes += piece.length;
    cut ||= bytes > maxBytes;
    pieces.push(piece);
    if (cut && (!announced || bytes >= Math.min(HEAD_BYTES, maxBytes))) break;
  }
  // Whoever keeps a head must not keep all that came with it.
  if (cut) return { body: Buffer.concat(pieces, Math.min(bytes, HEAD_BYTES)), cut };
  const [only] = pieces;
  return { body: pieces.length === 1 ? only : Buffer.concat(pieces), cut };
}

const MARK = Buffer.from('\ufeff');

/**
 * Decodes a body strictly: gzip must be whole and correct. A byte order mark in front of the text is taken off.
 *
 * @param maxBytes decoded bytes allowed; a gzip bomb is given up there
 * @returns the bytes before they were compressed; undefined where they are more than allowed
 * @throws Fault
 */
export function decodeBody(
  { cut, body, header }: HttpAnswer,
  maxBytes: number,
): Buffer | undefined {
  if (cut) return undefined;
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return withoutMark(body);
  if (!GZIP.test(encoding)) {
    const what = 'the body is in a content-encoding that was not asked for (only gzip was)';
    throw new Fault('refused', what);
  }
  try {
    return withoutMark(gunzipSync(body, { maxOutputLength: maxBytes }));
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new Fault('malformed', 'the gzip body is cut off or corrupt');
  }
}

const GZIP = /^\s*(x-)?gzip\s*$/i;

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, MARK.length).equals(MARK) ? bytes.subarray(MARK.length) : bytes;
}

/**
 * What a body starts with, decoded. Bytes of its own: a head may be kept for long, what it is the start of must not be
 * kept with it.
 */
export function headOf({ body, header }: HttpAnswer): Buffer {
  const start = Buffer.from(body.subarray(0, HEAD_BYTES));
  if (!GZIP.test(header('content-encoding') ?? '')) return start;
  const limits = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 27 };
  try {
    return Buffer.from(gunzipSync(start, limits).subarray(0, HEAD_BYTES));
  } catch {
    return start;
  }
}

/** Reads a body of any JSON; undefined for anything else. */
export function readJson(answer: HttpAnswer, maxBytes: number): unknown {
  try {
    const bytes = decodeBody(answer, maxBytes);
    return bytes && parseText(bytes);
  } catch {
    return undefined;
  }
}

/**
 * Whether bytes that are no JSON are the start of an object whose end was lost on the way: they do not end as an object
 * does, or nothing but the end of the connection said that the body was over.
 */
export function isCutOff({ header }: HttpAnswer, bytes: Buffer): boolean {
  const last = bytes.findLastIndex((byte) => byte > SPACE);
  const announced = ['content-length', 'transfer-encoding'].some((name) => header(name));
  return (
    bytes[last] !== CLOSE_OBJECT || !(announced || GZIP.test(header('content-encoding') ?? ''))
  );
}

/** Names what came instead of JSON; the parser's own message would quote the payload. */
export function notJson({ header }: HttpAnswer, bytes: Buffer): string {
  if (bytes.length === 0) return 'the answer has no body';
  const type = header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const other = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !type.endsWith('json');
  if (other) return `the answer is ${type}, not JSON`;
  return `the answer is not whole JSON (${bytes.length} bytes)`;
}
