import { setMaxListeners } from 'node:events';
import type { Dispatcher } from 'undici';
import Pool from 'undici/lib/dispatcher/pool.js';
import { faultOfError } from './connection-faults.ts';
import { Exchange, type HttpAnswer } from './exchange.ts';
import type { Outcome } from './faults.ts';

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

/** One server, kept-alive connections, no redirects, no retries. */
export interface Transport {
  /** @throws the signal's reason */
  send(request: HttpRequest): Promise<Outcome<HttpAnswer>>;
  /** Breaks every connection. */
  close(): Promise<void>;
}

/** A server that has not even taken the connection by then is not there. */
const CONNECT_MS = 10_000;

/**
 * undici's `dispatch` rather than its `request`: no stream and no promise chain a page, about a tenth less CPU, and
 * undici's index, three times slower to import than its pool, is not needed.
 *
 * @param origin scheme, host and port
 */
export function createTransport(origin: string, connections: number): Transport {
  const closing = new AbortController();
  // A few listeners a socket, all taken off with it.
  setMaxListeners(0, closing.signal);
  const pool: Dispatcher = new Pool(origin, {
    connections,
    pipelining: 1,
    // Off: undici's own timers tick in half seconds, Exchange keeps time to the millisecond.
    headersTimeout: 0,
    bodyTimeout: 0,
    // The signal ends sockets that are still connecting: the pool does not know those.
    connect: { timeout: CONNECT_MS, signal: closing.signal },
  });
  let contacted = false;
  return {
    async send(request) {
      request.signal.throwIfAborted();
      const exchange = new Exchange(request);
      const { method, path, headers, body = null } = request;
      pool.dispatch({ method, path, headers, body }, exchange);
      try {
        return await exchange.outcome;
      } catch (error) {
        request.signal.throwIfAborted();
        return faultOfError(error, contacted);
      } finally {
        contacted ||= exchange.answered;
      }
    },
    async close() {
      const destroyed = pool.destroy();
      closing.abort();
      await destroyed;
    },
  };
}
