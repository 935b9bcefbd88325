import { setMaxListeners } from 'node:events';
import { type Dispatcher, Pool } from 'undici';
import { done, type Fault, fault, faultOfError, type Outcome } from './faults.ts';
import { type ProxyServer, refusedBy, TunnelError, tunnel } from './proxy.ts';

/** Milliseconds; all of them end in a retry. */
export interface Timeouts {
  /** From the start, connecting included, to the end of the headers. */
  readonly headersMs: number;
  /** Between two pieces of the body. */
  readonly idleMs: number;
  /** From the start to the end of the body. */
  readonly totalMs: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Bytes of a successful answer's body as sent, compressed or not. */
  readonly maxBodyBytes: number;
  readonly timeouts: Timeouts;
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

/** One server, kept-alive connections, no redirects, no retries. */
export interface Transport {
  /** @throws the signal's reason */
  send(request: HttpRequest): Promise<Outcome<HttpAnswer>>;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** A server that has not even taken the connection by then is not there; nor is a proxy that has no tunnel. */
const CONNECT_MS = 10_000;
/** What is kept of the body of an error answer: enough for its description. */
const ERROR_BODY_BYTES = 64 * 1024;

/**
 * @param target scheme, host and port count
 * @param proxy on the way there, if any
 */
export function createTransport(
  target: URL,
  connections: number,
  proxy: ProxyServer | undefined,
): Transport {
  const closing = new AbortController();
  // A few listeners a socket, all taken off with it.
  setMaxListeners(0, closing.signal);
  // The signal ends sockets that are still connecting: the pools do not know those.
  const connect = { timeout: CONNECT_MS, signal: closing.signal };
  // Timeouts off: undici's own tick in half seconds, `send` keeps time to the millisecond.
  const usual = { connections, pipelining: 1, headersTimeout: 0, bodyTimeout: 0, connect };
  const isTunnel = proxy !== undefined && target.protocol === 'https:';
  const forwarder = proxy && !isTunnel ? proxy : undefined;
  const toProxy = isTunnel
    ? new Pool(proxy.origin, { ...usual, headersTimeout: CONNECT_MS })
    : undefined;
  const pool = new Pool(
    forwarder?.origin ?? target.origin,
    proxy && toProxy ? { ...usual, connect: tunnel(toProxy, proxy, target, connect) } : usual,
  );
  // To a proxy that forwards, the path is the whole URL (RFC 9112 section 3.2.2).
  const [prefix, added] = forwarder
    ? [target.origin, { ...forwarder.headers, host: target.host }]
    : ['', {}];
  let contacted = false;

  function faultOf(error: unknown): Outcome<never> {
    if (!(error instanceof TunnelError) || proxy === undefined)
      return faultOfError(error, contacted, forwarder?.name);
    if (error.status !== undefined) return refusedBy(proxy, error.status, target, contacted);
    return faultOfError(error.cause, contacted, proxy.name);
  }

  return {
    async send({ signal, timeouts, maxBodyBytes, method, path, headers, body = null }) {
      signal.throwIfAborted();
      const exchange = new AbortController();
      let late: { readonly kind: 'fault'; readonly fault: Fault } | undefined;
      const limit = (what: string, ms: number) =>
        setTimeout(() => {
          late ??= fault('timeout', `${what} ${Math.round(ms) / 1000} s`);
          exchange.abort(new Error('called off'));
        }, ms);
      const callOff = () => exchange.abort(signal.reason);
      signal.addEventListener('abort', callOff);
      const total = limit('no whole answer within', timeouts.totalMs);
      let timer = limit('no headers within', timeouts.headersMs);
      try {
        const response = await pool.request({
          method,
          path: prefix + path,
          body,
          signal: exchange.signal,
          headers: { ...headers, ...added },
        });
        clearTimeout(timer);
        timer = limit('the body stopped for', timeouts.idleMs);
        const { statusCode: status } = response;
        const refusing = status === 407 ? forwarder : undefined;
        contacted ||= refusing === undefined;
        const maxBytes = status < 300 ? maxBodyBytes : ERROR_BODY_BYTES;
        const read = await readBytes(response, maxBytes, () => timer.refresh());
        if (refusing) return refusedBy(refusing, status, target, contacted);
        return done({ status, header: (name) => firstOf(response.headers[name]), ...read });
      } catch (error) {
        signal.throwIfAborted();
        return late ?? faultOf(error);
      } finally {
        clearTimeout(timer);
        clearTimeout(total);
        signal.removeEventListener('abort', callOff);
      }
    },
    async close() {
      const destroyed = Promise.all([pool.destroy(), toProxy?.destroy()]);
      closing.abort();
      await destroyed;
    },
  };
}

/** Bytes of a body too large to be read that are read all the same: they tell one job from another. */
export const HEAD_BYTES = 64 * 1024;

/** Reads a body to its end, or to the byte that is too many, or as soon as that is announced: then it hangs up. */
async function readBytes(
  { headers, body }: Dispatcher.ResponseData,
  maxBytes: number,
  onPiece: () => void,
): Promise<Pick<HttpAnswer, 'body' | 'cut'>> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const announced = Number(firstOf(headers['content-length'])) > maxBytes;
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

function firstOf(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0];
}
