import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import {
  type BodyFault,
  type ConnectionFault,
  type FaultKind,
  type FramingFault,
  isBodyFault,
  isConnectionFault,
  isStatusFault,
  type PageFault,
  type StatusFault,
} from './faults.ts';
import {
  count,
  type Exchange,
  type Listener,
  type RetryAfterForm,
  retryAfterHeaders,
  send,
  sendChunks,
  sendJson,
} from './http.ts';

/** Words for `message` and `detail`, by status. */
const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  414: 'URI Too Long',
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

export interface SpoiltBody {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const HTML = '<!doctype html><html><body><h1>Down for maintenance</h1></body></html>';
const SEQUENCE = '"sequence":"';
const JSON_TYPE = { 'content-type': 'application/json' };

/** The bytes and headers to send, with status 200 and a correct Content-Length, instead of a good JSON body. */
export function spoilBody(fault: BodyFault, good: Buffer): SpoiltBody {
  switch (fault) {
    case 'html':
      return { body: Buffer.from(HTML), headers: { 'content-type': 'text/html' } };
    case 'invalid-json':
      return { body: good.subarray(0, good.length - 2), headers: JSON_TYPE };
    case 'empty-json':
      return { body: Buffer.from('{}'), headers: JSON_TYPE };
    case 'empty-body':
      return { body: Buffer.alloc(0), headers: JSON_TYPE };
    case 'truncated-gzip':
      return zipped(good, (zip) => zip.subarray(0, Math.floor(zip.length / 2)));
    case 'corrupt-gzip':
      return zipped(good, flipMiddle);
    case 'invalid-utf8':
      return { body: withInvalidByte(good), headers: JSON_TYPE };
  }
}

function zipped(good: Buffer, spoil: (zip: Buffer) => Buffer): SpoiltBody {
  return {
    body: spoil(gzipSync(good, { level: 1 })),
    headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
  };
}

function flipMiddle(zip: Buffer): Buffer {
  const middle = Math.floor(zip.length / 2);
  zip[middle] ^= 0xff;
  return zip;
}

/** Puts a byte that UTF-8 never holds into the first sequence, else into the last text there is. */
function withInvalidByte(good: Buffer): Buffer {
  const sequence = good.indexOf(SEQUENCE);
  const at = sequence < 0 ? good.lastIndexOf('"') : sequence + SEQUENCE.length;
  return Buffer.concat([good.subarray(0, at), Buffer.of(0xff), good.subarray(at)]);
}

/** How far `long-length` overstates the body, bytes. */
const OVERSTATED = 1000;
const CHUNK = Buffer.alloc(65_536, 'a');

/**
 * Sends a good body so that HTTP's framing breaks. Where the answer never ends, the connection is closed, or left
 * hanging until the client or `close()` ends it.
 */
export async function sendBroken(
  fault: FramingFault,
  exchange: Exchange,
  body: Buffer,
  headers: OutgoingHttpHeaders,
  oversizeBytes: number,
): Promise<void> {
  const { response, stats } = exchange;
  if (fault === 'oversize') return sendChunks(exchange, oversized(oversizeBytes), headers, false);
  count(stats.statuses, 200);
  const type = { 'content-type': 'application/json', ...headers };
  const half = body.subarray(0, Math.floor(body.length / 2));
  switch (fault) {
    case 'reset-mid-body':
      response.writeHead(200, { ...type, 'content-length': body.length });
      response.write(half, () => response.socket?.resetAndDestroy());
      break;
    case 'hang-mid-body':
      response.writeHead(200, { ...type, 'content-length': body.length });
      response.write(half);
      break;
    case 'truncated':
      response.writeHead(200, { ...type, 'content-length': body.length });
      writeAndClose(response, half);
      break;
    case 'long-length':
      response.writeHead(200, { ...type, 'content-length': body.length + OVERSTATED });
      writeAndClose(response, body);
      break;
    case 'chunked-cut':
      response.writeHead(200, type);
      writeAndClose(response, half);
      break;
    case 'unframed-cut':
      response.removeHeader('transfer-encoding');
      response.writeHead(200, type);
      response.end(half);
      break;
    case 'short-length':
      response.writeHead(200, { ...type, 'content-length': half.length });
      response.end(body);
      break;
  }
}

function writeAndClose(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes, () => response.socket?.destroySoon());
}

/** Valid JSON of one job with an endless sequence. */
function* oversized(bytes: number): Generator<Buffer> {
  yield Buffer.from('{"status":"success","message":"OK.","code":"200","data":[{"sequence":"');
  for (let sent = 0; sent < bytes; sent += CHUNK.length) yield CHUNK;
  yield Buffer.from('"}],"pagination":{"total":1,"start":0,"end":1}}');
}

/** What would have been sent. */
export interface GoodAnswer {
  readonly body: Buffer;
  readonly headers: OutgoingHttpHeaders;
}

export interface FaultSettings {
  readonly retryAfterSeconds: number;
  readonly refusedMs: number;
  readonly oversizeBytes: number;
  /** Wall time, milliseconds since the epoch. */
  readonly now: () => number;
}

/** Where the fault `redirect` sends a client. */
export const ELSEWHERE = '/elsewhere';

/** Answers a request with a fault that does not look into the page. */
export class FaultSender {
  readonly #listener: Listener;
  readonly #settings: FaultSettings;

  constructor(listener: Listener, settings: FaultSettings) {
    this.#listener = listener;
    this.#settings = settings;
  }

  /** @param good makes the answer to spoil; not called for faults that need none */
  async send(
    fault: Exclude<FaultKind, PageFault>,
    exchange: Exchange,
    good: () => GoodAnswer,
  ): Promise<void> {
    const { retryAfterSeconds, oversizeBytes, now } = this.#settings;
    if (isStatusFault(fault)) return refuseAs(fault, exchange, retryAfterSeconds, now());
    if (isConnectionFault(fault)) return this.#cut(fault, exchange);
    const { body, headers } = good();
    if (!isBodyFault(fault)) return sendBroken(fault, exchange, body, headers, oversizeBytes);
    const spoilt = spoilBody(fault, body);
    send(exchange, 200, spoilt.body, { ...headers, ...spoilt.headers });
  }

  async #cut(fault: ConnectionFault, exchange: Exchange): Promise<void> {
    switch (fault) {
      case 'reset':
        exchange.request.socket.resetAndDestroy();
        break;
      case 'refused':
        await this.#listener.shutFor(this.#settings.refusedMs);
        break;
      case 'redirect':
        send(exchange, 302, Buffer.alloc(0), { location: ELSEWHERE });
        break;
      case 'hang':
        break;
    }
  }
}
