import { EXIT, type ExitCode, ExportError, errorCode } from '../../platform/errors.ts';
import { openFilesError } from '../../platform/io-errors.ts';

/**
 * What can go wrong with one request. Everything else is an `ExportError` at once.
 *
 * - `throttled`: 429. `overloaded`: 503. `failed`: 408, 425, other 5xx.
 * - `timeout`: no headers, no bytes, or no end in time.
 * - `connection`: reset, closed early, wrong length, broken HTTP; also the next three once the server has answered.
 * - `unreachable`, `no-host`, `bad-certificate`: the very first contact failed.
 * - `proxy-login`, `proxy-refusal`: the proxy on the way wants a password (407), or will not connect.
 * - `malformed`: an answer that is no page: HTML, half of a page, broken gzip, an envelope that says it failed.
 * - `garbled`: a whole page that is not JSON, or not UTF-8.
 * - `short`: a page whose number of jobs contradicts its own total.
 */
export type FaultKind = keyof typeof TRAITS;

export interface Fault<T = never> {
  readonly kind: FaultKind;
  /** For people, follows the name of the request: "the server answered 503". No payload, no secret. */
  readonly what: string;
  /** HTTP status, where one came. */
  readonly status?: number;
  /** Milliseconds the server asks every client to stay away. */
  readonly retryAfterMs?: number;
  /** Attempts in all, where fewer than usual are to be made. */
  readonly attempts?: number;
  /** What to go on with when asking again does not help; absent: the run ends. */
  readonly instead?: T;
  /** What to do, where that differs from the usual. */
  readonly advice?: string;
  readonly cause?: Error;
}

/** What one attempt came to; a fault may name an `Instead`. */
export type Outcome<T, Instead = never> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'fault'; readonly fault: Fault<Instead> };

export function done<T>(value: T): Outcome<T> & { readonly kind: 'done' } {
  return { kind: 'done', value };
}

export function fault<T = never>(
  kind: FaultKind,
  what: string,
  more: Partial<Fault<T>> = {},
): { readonly kind: 'fault'; readonly fault: Fault<T> } {
  return { kind: 'fault', fault: { ...more, kind, what } };
}

export interface FaultTraits {
  /** Attempts in all, the first one included, that may end in this fault. */
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

const CHECK_URL = 'Check the URL (--api-url, PASQAL_TOKEN_URL) and the network.';
export const CHECK_PROXY = 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.';

const USUAL: FaultTraits = {
  attempts: 8,
  cost: 5,
  baseMs: 500,
  exitCode: EXIT.temporary,
  advice: 'Run the same command again later: it resumes.',
};
const HOPELESS = { ...USUAL, attempts: 1, exitCode: EXIT.unavailable, advice: CHECK_URL };
const MALFORMED = {
  ...USUAL,
  exitCode: EXIT.protocol,
  advice: 'Check that the URL names the API itself, not a web page or a proxy before it.',
};

const TRAITS = {
  throttled: { ...USUAL, baseMs: 1000, slowdown: 0.7 },
  overloaded: { ...USUAL, slowdown: 0.7 },
  failed: USUAL,
  timeout: { ...USUAL, cost: 10, slowdown: 0.9 },
  connection: USUAL,
  // A server that never answered is more likely a wrong address than a hiccup: say so within seconds.
  unreachable: { ...HOPELESS, attempts: 3 },
  'no-host': HOPELESS,
  'bad-certificate': {
    ...HOPELESS,
    advice: `${CHECK_URL} For a private certificate authority set NODE_EXTRA_CA_CERTS.`,
  },
  'proxy-login': { ...HOPELESS, exitCode: EXIT.credentials },
  'proxy-refusal': HOPELESS,
  malformed: MALFORMED,
  // The server is well, only what it holds is not: that says nothing about its state, and must not use up the budget.
  garbled: { ...MALFORMED, attempts: 2, cost: 0 },
  short: { ...MALFORMED, attempts: 3, cost: 0 },
} satisfies Record<string, FaultTraits>;

/** One row a kind; the numbers are those of docs/http.md "Retry" and "Concurrency". */
export const FAULT_TRAITS: Readonly<Record<FaultKind, FaultTraits>> = TRAITS;

/** An error of this stage: `request` (method, path, offset), what happened, what to do next. */
export function failure(
  request: string,
  what: string,
  exitCode: ExitCode,
  cause?: Error,
): ExportError {
  const retryable = exitCode === EXIT.temporary || exitCode === EXIT.unavailable;
  return new ExportError(`${request}: ${what}`, { exitCode, stage: 'extract', retryable, cause });
}

/** What an error code of the socket, of TLS or of the HTTP parser stands for. */
interface Trouble {
  readonly codes: RegExp;
  /** Follows the name of the request in a message. */
  readonly what: string;
  /** While the server has not yet answered anything: then the address is the first thing to doubt. */
  readonly first: FaultKind;
  /** Once it has: then it may pass. */
  readonly later: FaultKind;
}

function trouble(
  codes: RegExp,
  what: string,
  first: FaultKind = 'connection',
  later: FaultKind = 'connection',
): Trouble {
  return { codes, what, first, later };
}

/** undici 7 means to give parser errors the parser's own code, and gives them none. */
const PARSER_ERROR = 'HTTPParserError';

const BROKEN = trouble(/./, 'the connection broke before the whole answer was in');
const TROUBLES: readonly Trouble[] = [
  trouble(/^(ENOTFOUND|EAI_NONAME|EAI_NODATA|EAI_FAIL)$/, 'the host name is unknown', 'no-host'),
  trouble(/^ECONNREFUSED$/, 'the connection was refused', 'unreachable'),
  trouble(
    /^(EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    'the host cannot be reached',
    'unreachable',
  ),
  trouble(
    /^(UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT|ETIMEDOUT)$/,
    'no connection in time',
    'unreachable',
    'timeout',
  ),
  // OpenSSL's verification results as Node.js names them.
  trouble(
    /^(CERT_|CRL_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_)/,
    'the TLS certificate was not accepted',
    'bad-certificate',
  ),
  trouble(/^(ERR_SSL_|ERR_TLS_|EPROTO$)/, 'no TLS connection could be made', 'bad-certificate'),
  trouble(/^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/, 'the body was not as long as announced'),
  trouble(/^(HTTPParserError|UND_ERR_HEADERS_OVERFLOW)$/, 'the answer was not valid HTTP'),
];

/**
 * Sorts an error of the socket, of TLS or of the HTTP parser.
 *
 * @param contacted whether the server has ever answered in this run
 * @param proxy host and port of the proxy that the trouble is with; undefined: the server itself
 * @throws ExportError (74) when this machine has no socket left; the error itself when it comes from nowhere near a
 *   connection: a bug
 */
export function faultOfError(error: unknown, contacted: boolean, proxy?: string): Outcome<never> {
  const parser = error instanceof Error && error.name === PARSER_ERROR;
  const code = parser ? PARSER_ERROR : errorCode(error);
  if (code === undefined || code === 'UND_ERR_INVALID_ARG') throw error;
  const refused = openFilesError(error, 'extract');
  if (refused instanceof ExportError) throw refused;
  const { what, first, later } = TROUBLES.find(({ codes }) => codes.test(code)) ?? BROKEN;
  const cause = plainCause(error, code);
  if (proxy === undefined) return fault(contacted ? later : first, `${what} (${code})`, { cause });
  // A proxy that hangs up on the first request does so on every one.
  const kind = contacted ? later : first === 'connection' ? 'unreachable' : first;
  const advice = FAULT_TRAITS[kind].exitCode === EXIT.unavailable ? { advice: CHECK_PROXY } : {};
  return fault(kind, `the proxy ${proxy}: ${what} (${code})`, { cause, ...advice });
}

/**
 * A copy that is safe to log: undici's parser errors carry the bytes of the answer, and other properties may come with
 * the next version.
 */
function plainCause(error: unknown, code: string): Error {
  const message = error instanceof Error && error.message !== '' ? error.message : code;
  return Object.assign(new Error(message), { code });
}
