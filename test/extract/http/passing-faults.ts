import type http from 'node:http';
import { gzipSync } from 'node:zlib';
import { EXIT, type ExitCode } from '../../../src/platform/errors.ts';
import type { Seen } from '../../support/http-servers.ts';
import { pageBody, sendJson } from './jobs-api.ts';

/** A fault that asking again may cure. */
export interface PassingFault {
  readonly name: string;
  readonly respond: (response: http.ServerResponse, request: Seen) => void;
  /** How a run ends on which the fault stays. */
  readonly exitCode: ExitCode;
  /** What the message then says. */
  readonly says: RegExp;
}

const JSON_TYPE = { 'content-type': 'application/json' };

function temporary(name: string, says: RegExp, respond: PassingFault['respond']): PassingFault {
  return { name, respond, exitCode: EXIT.temporary, says };
}

function malformed(name: string, says: RegExp, respond: PassingFault['respond']): PassingFault {
  return { name, respond, exitCode: EXIT.protocol, says };
}

function status(code: number): PassingFault {
  return temporary(`${code}`, new RegExp(`answered ${code}\\. Gave up after 8`), (response) => {
    sendJson(response, '{"message":"try later"}', {}, code);
  });
}

function retryAfter(code: number, name: string, value: string): PassingFault {
  return temporary(`${code} with ${name} in Retry-After`, /Gave up after 8/, (response) => {
    sendJson(response, '', { 'retry-after': value, date: 'Thu, 01 Jan 2026 00:00:00 GMT' }, code);
  });
}

/** Sends part of a right page and then what `end` does, without the headers of a whole one. */
function half(headers: (length: number) => http.OutgoingHttpHeaders): PassingFault['respond'] {
  return (response, request) => {
    const body = pageBody(request);
    response.writeHead(200, { ...JSON_TYPE, ...headers(body.length) });
    response.write(body.slice(0, body.length / 2), () => response.socket?.end());
  };
}

function gzipped(change: (body: Buffer) => Buffer): PassingFault['respond'] {
  return (response, request) => {
    response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' });
    response.end(change(gzipSync(pageBody(request))));
  };
}

export const PASSING_FAULTS: readonly PassingFault[] = [
  ...[408, 425, 429, 500, 502, 503, 504, 520].map(status),
  retryAfter(429, 'seconds', '3'),
  retryAfter(429, 'an HTTP-date', 'Thu, 01 Jan 2026 00:00:07 GMT'),
  retryAfter(429, 'garbage', 'soon'),
  retryAfter(503, 'seconds', '2'),
  temporary('reset', /the connection broke/, (response) => response.socket?.resetAndDestroy()),
  temporary('closed without an answer', /the connection broke/, (r) => r.socket?.end()),
  temporary(
    'body shorter than Content-Length',
    /connection broke|not as long/,
    half((length) => ({ 'content-length': length })),
  ),
  temporary(
    'chunked body cut off',
    /the connection broke/,
    half(() => ({ 'transfer-encoding': 'chunked' })),
  ),
  malformed('body cut off without a length', /is not whole JSON/, (response, request) => {
    const body = pageBody(request);
    response.socket?.end(
      `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${body.slice(0, body.length / 2)}`,
    );
  }),
  malformed('body cut off in a character', /is not whole JSON/, (response) => {
    const text = Buffer.from('HTTP/1.1 200 OK\r\n\r\n{"data":[{"id":"é');
    response.socket?.end(text.subarray(0, -1));
  }),
  malformed('body longer than Content-Length', /is not whole JSON/, (response, request) => {
    const body = pageBody(request);
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length - 10}`;
    response.socket?.end(`${head}\r\nconnection: close\r\n\r\n${body}`);
  }),
  malformed('HTML', /the answer is text\/html, not JSON/, (response) => {
    sendJson(response, '<html>Please sign in</html>', {
      'content-type': 'text/html; charset=utf-8',
    });
  }),
  malformed('empty body', /the answer has no body/, (response) => sendJson(response, '')),
  malformed('204', /the answer has no body/, (response) => sendJson(response, '', {}, 204)),
  malformed(
    'truncated gzip',
    /gzip body is cut off or corrupt/,
    gzipped((b) => b.subarray(0, -9)),
  ),
  malformed(
    'gzip cut to nothing',
    /gzip body is cut off/,
    gzipped((b) => b.subarray(0, 0)),
  ),
  malformed(
    'corrupt gzip',
    /gzip body is cut off or corrupt/,
    gzipped((body) => {
      const wrong = Buffer.from(body);
      wrong[wrong.length - 6] = (wrong[wrong.length - 6] ?? 0) ^ 0xff;
      return wrong;
    }),
  ),
  malformed(
    'gzip with something behind it',
    /gzip body is cut off or corrupt/,
    gzipped((body) => Buffer.concat([body, Buffer.from('{}')])),
  ),
  malformed(
    'gzip that is none',
    /gzip body is cut off or corrupt/,
    gzipped(() => Buffer.from('{}')),
  ),
  malformed('status "error" in a 200', /says status "error"/, (response) => {
    sendJson(response, '{"status":"error","message":"no","data":null}');
  }),
];
