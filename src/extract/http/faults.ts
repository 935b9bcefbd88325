import { EXIT, type ExitCode, ExportError, errorCode } from '../../platform/errors.ts';
import { openFilesError } from '../../platform/io-errors.ts';
import type { PageAnswer } from '../page.ts';

/** What happens after a fault of one kind. */
interface FaultTraits {
  /** Attempts in all, the first one included, that may end in this fault. */
  readonly attempts: number;
  /** The same for a request that the run can do without; absent: it cannot do without such an answer. */
  readonly auxiliary?: number;
  /** Tokens a further attempt takes from the budget of the run. */
  readonly cost: number;
  /** Base of the exponential backoff, milliseconds. */
  readonly baseMs: number;
  /** What the concurrency limit is multiplied by; absent where the fault says nothing about load. */
  readonly slowdown?: number;
  /** How the run ends when the attempts are used up. */
  readonly exitCode: ExitCode;
  /** Whether it may be over when somebody comes back later. */
  readonly retryable: boolean;
  /** What to do then. */
  readonly advice: string;
}

const CHECK_URL = 'Check the URL (--api-url, PASQAL_TOKEN_URL) and the network.';
export const CHECK_PROXY = 'Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY.';

const USUAL = {
  ...{ attempts: 8, auxiliary: 3, cost: 5, baseMs: 500 },
  ...{ exitCode: EXIT.temporary, retryable: true },
  advice: 'Run the same command again later: it resumes.',
};
const MALFORMED = {
  ...USUAL,
  ...{ exitCode: EXIT.protocol, retryable: false },
  advice: 'Check that the URL names the API itself, not a web page or a proxy before it.',
};
const FINAL = {
  ...{ attempts: 1, cost: 0, baseMs: 500 },
  ...{ exitCode: EXIT.unavailable, retryable: false },
  advice: CHECK_URL,
};
const REFUSED = {
  ...{ ...FINAL, auxiliary: 1, exitCode: EXIT.protocol },
  advice: 'Report it to the operators of the API.',
};

const TRAITS = {
  /** 429 */
  throttled: { ...USUAL, auxiliary: 8, baseMs: 1000, slowdown: 0.7 },
  /** 503 */
  overloaded: { ...USUAL, auxiliary: 8, slowdown: 0.7 },
  /** 408, 425, other 5xx */
  failed: USUAL,
  /** No headers, no bytes, or no end in time. */
  timeout: { ...USUAL, cost: 10, slowdown: 0.9 },
  /** Reset, closed early, wrong length, broken HTTP; also the next three once the server has answered. */
  connection: USUAL,
  // A server that never answered is more likely a wrong address than a hiccup: say so within seconds.
  unreachable: { ...FINAL, attempts: 3, cost: 5, retryable: true },
  'no-host': { ...FINAL, retryable: true },
  'bad-certificate': {
    ...FINAL,
    advice: `${CHECK_URL} For a private certificate authority set NODE_EXTRA_CA_CERTS.`,
  },
  /** The proxy on the way wants a password (407), or will not connect. */
  'proxy-login': { ...FINAL, exitCode: EXIT.credentials },
  'proxy-refusal': FINAL,
  /** An answer that is no page: HTML, half of a page, broken gzip, an envelope that says it failed. */
  malformed: MALFORMED,
  // The server is well, only what it holds is not: that says nothing about its state, and must not use up the budget.
  /** A whole page that is not JSON, or not UTF-8. */
  garbled: { ...MALFORMED, attempts: 2, cost: 0 },
  /** A page whose number of jobs contradicts its own total. */
  short: { ...MALFORMED, attempts: 3, cost: 0 },
  /** An answer that asking again would not change: a status that says no, or a page that breaks the contract. */
  refused: REFUSED,
  /** 403 */
  forbidden: { ...REFUSED, exitCode: EXIT.credentials },
  /** 422 */
  invalid: { ...REFUSED, exitCode: EXIT.config },
  /** 401 in spite of a new token, or a sign-in that was refused. */
  unauthorized: { ...FINAL, exitCode: EXIT.credentials },
} satisfies Record<string, FaultTraits>;

export type FaultKind = keyof typeof TRAITS;

/** One row a kind; the numbers are those of docs/http.md "Retry" and "Concurrency". */
export const FAULT_TRAITS: Readonly<Record<FaultKind, FaultTraits>> = TRAITS;

interface FaultDetails {
  /** What to go on with when asking again does not help; absent: the run ends. */
  readonly instead?: PageAnswer;
  /** What to do, where that differs from the usual. */
  readonly advice?: string | undefined;
  readonly cause?: Error;
}

/**
 * What went wrong with one attempt; `retry` decides what follows. The message is for people and follows the name of the
 * request: "the server answered 503". No payload, no secret.
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly details: FaultDetails;

  constructor(kind: FaultKind, message: string, details: FaultDetails = {}) {
    super(message);
    this.kind = kind;
    this.details = details;
  }

  get traits(): FaultTraits {
    return FAULT_TRAITS[this.kind];
  }

  get advice(): string {
    return this.details.advice ?? this.traits.advice;
  }
}

/** undici 7 means to give parser errors the parser's own code, and gives them none. */
const PARSER_ERROR = 'HTTPParserError';

/**
 * What error codes of the socket, of TLS or of the HTTP parser stand for: while the server has not yet answered
 * anything, the address is the first thing to doubt; once it has, the trouble may pass. Default: `connection`.
 */
type Trouble = readonly [codes: RegExp, what: string, first?: FaultKind, later?: FaultKind];
const TROUBLES: readonly Trouble[] = [
  [/^(ENOTFOUND|EAI_NONAME|EAI_NODATA|EAI_FAIL)$/, 'the host name is unknown', 'no-host'],
  [/^ECONNREFUSED$/, 'the connection was refused', 'unreachable'],
  [
    /^(EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    'the host cannot be reached',
    'unreachable',
  ],
  [
    /^(UND_ERR_CONNECT_TIMEOUT|UND_ERR_HEADERS_TIMEOUT|ETIMEDOUT)$/,
    'no connection in time',
    ...(['unreachable', 'timeout'] as const),
  ],
  // OpenSSL's verification results as Node.js names them.
  [
    /^(CERT_|CRL_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_)/,
    'the TLS certificate was not accepted',
    'bad-certificate',
  ],
  [/^(ERR_SSL_|ERR_TLS_|EPROTO$)/, 'no TLS connection could be made', 'bad-certificate'],
  [/^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/, 'the body was not as long as announced'],
  [/^(HTTPParserError|UND_ERR_HEADERS_OVERFLOW)$/, 'the answer was not valid HTTP'],
];
const BROKEN: Trouble = [/./, 'the connection broke before the whole answer was in'];

/**
 * Sorts an error of the socket, of TLS or of the HTTP parser.
 *
 * @param contacted whether the server has ever answered in this run
 * @param proxy host and port of the proxy that the trouble is with; undefined: the server itself
 * @returns what to throw: a fault; ExportError (74) when this machine has no socket left; the error itself when it is a
 *   fault already, or comes from nowhere near a connection: a bug
 */
export function sorted(error: Error, contacted: boolean, proxy?: string): Error {
  const code = error.name === PARSER_ERROR ? PARSER_ERROR : errorCode(error);
  if (error instanceof Fault || code === undefined || code === 'UND_ERR_INVALID_ARG') return error;
  const refused = openFilesError(error, 'extract');
  if (refused instanceof ExportError) return refused;
  const [, what, first = 'connection', later = 'connection'] =
    TROUBLES.find(([codes]) => codes.test(code)) ?? BROKEN;
  // A copy that is safe to log: undici's parser errors carry the bytes of the answer.
  const cause = Object.assign(new Error(error.message || code), { code });
  if (proxy === undefined)
    return new Fault(contacted ? later : first, `${what} (${code})`, { cause });
  // A proxy that hangs up on the first request does so on every one.
  const kind = contacted ? later : first === 'connection' ? 'unreachable' : first;
  const advice = contacted ? undefined : CHECK_PROXY;
  return new Fault(kind, `the proxy ${proxy}: ${what} (${code})`, { cause, advice });
}
