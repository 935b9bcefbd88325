import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Exchange, sendJson } from './answer.ts';
import { FaultPlan } from './fault-plan.ts';
import { ELSEWHERE, FaultSender } from './fault-sender.ts';
import { refuse } from './fault-status.ts';
import { JobsEndpoint } from './jobs-endpoint.ts';
import { Listener } from './listener.ts';
import type { SimulatorOptions } from './options.ts';
import { newStats, type Stats } from './stats.ts';
import { JobStore } from './store.ts';
import { answerToken } from './token-endpoint.ts';
import { TokenIssuer } from './tokens.ts';

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
