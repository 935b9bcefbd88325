import { errorCode } from '../../platform/errors.ts';
import { type FaultKind, fault, type Outcome } from './faults.ts';

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

/** undici 7 means to give parser errors the parser's own code, and gives them none. */
const PARSER_ERROR = 'HTTPParserError';

const BROKEN: Trouble = {
  codes: /./,
  what: 'the connection broke before the whole answer was in',
  first: 'connection',
  later: 'connection',
};

const TROUBLES: readonly Trouble[] = [
  {
    codes: /^(ENOTFOUND|EAI_NONAME|EAI_NODATA|EAI_FAIL)$/,
    what: 'the host name is unknown',
    first: 'no-host',
    later: 'connection',
  },
  {
    codes: /^ECONNREFUSED$/,
    what: 'the connection was refused',
    first: 'unreachable',
    later: 'connection',
  },
  {
    codes: /^(EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    what: 'the host cannot be reached',
    first: 'unreachable',
    later: 'connection',
  },
  {
    codes: /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/,
    what: 'no connection in time',
    first: 'unreachable',
    later: 'timeout',
  },
  {
    // OpenSSL's verification results as Node.js names them.
    codes: /^(CERT_|CRL_|ERR_TLS_CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|HOSTNAME_)/,
    what: 'the TLS certificate was not accepted',
    first: 'bad-certificate',
    later: 'connection',
  },
  {
    codes: /^(ERR_SSL_|ERR_TLS_|EPROTO$)/,
    what: 'no TLS connection could be made',
    first: 'bad-certificate',
    later: 'connection',
  },
  {
    ...BROKEN,
    codes: /^UND_ERR_RES_CONTENT_LENGTH_MISMATCH$/,
    what: 'the body was not as long as announced',
  },
  {
    ...BROKEN,
    codes: /^(HTTPParserError|UND_ERR_HEADERS_OVERFLOW)$/,
    what: 'the answer was not valid HTTP',
  },
];

/**
 * Sorts an error of the socket, of TLS or of the HTTP parser.
 *
 * @param contacted whether the server has ever answered in this run
 * @throws the error itself when it comes from nowhere near a connection: a bug
 */
export function faultOfError(error: unknown, contacted: boolean): Outcome<never> {
  const parser = error instanceof Error && error.name === PARSER_ERROR;
  const code = parser ? PARSER_ERROR : errorCode(error);
  if (code === undefined || code === 'UND_ERR_INVALID_ARG') throw error;
  const { what, first, later } = TROUBLES.find(({ codes }) => codes.test(code)) ?? BROKEN;
  const cause = plainCause(error, code);
  return fault(contacted ? later : first, `${what} (${code})`, { cause });
}

/**
 * A copy that is safe to log: undici's parser errors carry the bytes of the answer, and other properties may come with
 * the next version.
 */
function plainCause(error: unknown, code: string): Error {
  const message = error instanceof Error && error.message !== '' ? error.message : code;
  return Object.assign(new Error(message), { code });
}
