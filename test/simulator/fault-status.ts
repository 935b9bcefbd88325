import { type Exchange, send, sendJson } from './answer.ts';
import type { StatusFault } from './fault-kinds.ts';
import { type RetryAfterForm, retryAfterHeaders } from './rate-limit.ts';

/** Words for `message` and `detail`, by status. */
const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  425: 'Too Early',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
};
/** What a gateway, not the API, answers: HTML. */
const GATEWAY: Readonly<Record<number, string>> = {
  502: '502 Bad Gateway',
  503: '503 Service Unavailable',
  504: '504 Gateway Time-out',
};
const INVALID = {
  detail: [
    {
      loc: ['query', 'limit'],
      msg: 'ensure this value is less than 101',
      type: 'value_error.number.not_lt',
    },
  ],
};

/** Answers with an error status, in the shape that status has. */
export function refuse(
  exchange: Exchange,
  status: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  const gateway = GATEWAY[status];
  if (gateway !== undefined) {
    const body = Buffer.from(`<html><head><title>${gateway}</title></head></html>`);
    send(exchange, status, body, { 'content-type': 'text/html', ...headers });
  } else if (status === 422) {
    sendJson(exchange, status, INVALID, headers);
  } else {
    const authenticate = status === 401 ? { 'www-authenticate': 'Bearer' } : {};
    const body = { status: 'fail', message: MESSAGES[status], code: String(status) };
    sendJson(exchange, status, body, { ...authenticate, ...headers });
  }
}

/** Answers as a status fault says. @param now wall time, milliseconds since the epoch */
export function refuseAs(
  fault: StatusFault,
  exchange: Exchange,
  retryAfterSeconds: number,
  now: number,
): void {
  const [status, form] = fault.split('-');
  refuse(exchange, Number(status), retryAfterHeaders(formOf(form), retryAfterSeconds, now));
}

function formOf(text: string | undefined): RetryAfterForm {
  return text === 'seconds' || text === 'date' || text === 'garbage' ? text : 'none';
}
