import { EXIT, type ExitCode } from '../../platform/errors.ts';

/**
 * What can go wrong with one request that asking again may cure. Everything else is an `ExportError` at once.
 *
 * - `throttled`: 429. `overloaded`: 503. `failed`: 408, 425, other 5xx.
 * - `timeout`: no headers, no bytes, or no end in time.
 * - `connection`: reset, closed early, wrong length, broken HTTP; also the next three once the server has answered.
 * - `unreachable`, `no-host`, `bad-certificate`: the very first contact failed.
 * - `malformed`: an answer that is no page: HTML, broken JSON, broken gzip, an envelope that says it failed.
 * - `inconsistent`: a page whose number of rows contradicts its own total.
 */
export type FaultKind =
  | 'throttled'
  | 'overloaded'
  | 'failed'
  | 'timeout'
  | 'connection'
  | 'unreachable'
  | 'no-host'
  | 'bad-certificate'
  | 'malformed'
  | 'inconsistent';

export interface Fault {
  readonly kind: FaultKind;
  /** For people, follows the name of the request: "the server answered 503". No payload, no secret. */
  readonly what: string;
  /** Milliseconds the server asks every client to stay away. */
  readonly retryAfterMs?: number;
  readonly cause?: Error;
}

/** What one attempt came to. */
export type Outcome<T> = { readonly kind: 'done'; readonly value: T } | Failed;

export interface Failed {
  readonly kind: 'fault';
  readonly fault: Fault;
}

export function done<T>(value: T): Outcome<T> {
  return { kind: 'done', value };
}

export function fault(kind: FaultKind, what: string, more: Partial<Fault> = {}): Failed {
  return { kind: 'fault', fault: { ...more, kind, what } };
}

export interface FaultTraits {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  /** Tokens a further attempt takes from the budget of the run. */
  readonly cost: number;
  /** Base of the exponential backoff, milliseconds. */
  readonly baseMs: number;
  /** What the concurrency limit is multiplied by; undefined where the fault says nothing about load. */
  readonly slowdown?: number;
  /** How the run ends when the attempts are used up. */
  readonly exitCode: ExitCode;
  /** What to do then. */
  readonly advice: string;
}

const LATER = 'Run the same command again later: it resumes.';
const CHECK_URL = 'Check the URL (--api-url, PASQAL_TOKEN_URL) and the network.';

const USUAL: FaultTraits = {
  attempts: 8,
  cost: 5,
  baseMs: 500,
  exitCode: EXIT.temporary,
  advice: LATER,
};

/** One row a kind; the numbers are those of docs/http.md "Retry" and "Concurrency". */
export const FAULT_TRAITS: Readonly<Record<FaultKind, FaultTraits>> = {
  throttled: { ...USUAL, baseMs: 1000, slowdown: 0.7 },
  overloaded: { ...USUAL, slowdown: 0.7 },
  failed: USUAL,
  timeout: { ...USUAL, cost: 10, slowdown: 0.9 },
  connection: USUAL,
  // A server that never answered is more likely a wrong address than a hiccup: say so within seconds.
  unreachable: { ...USUAL, attempts: 3, exitCode: EXIT.unavailable, advice: CHECK_URL },
  'no-host': { ...USUAL, attempts: 1, exitCode: EXIT.unavailable, advice: CHECK_URL },
  'bad-certificate': {
    ...USUAL,
    attempts: 1,
    exitCode: EXIT.unavailable,
    advice: `${CHECK_URL} For a private certificate authority set NODE_EXTRA_CA_CERTS.`,
  },
  malformed: {
    ...USUAL,
    exitCode: EXIT.protocol,
    advice: 'Check that the URL names the API itself, not a web page or a proxy before it.',
  },
  inconsistent: {
    ...USUAL,
    exitCode: EXIT.protocol,
    advice: 'The API contradicts itself: report it to its operators, or try again later.',
  },
};
