import { isUtf8 } from 'node:buffer';
import { constants, gunzipSync } from 'node:zlib';
import { errorCode } from '../../platform/errors.ts';
import { Fault } from './faults.ts';
import { HEAD_BYTES, type HttpAnswer } from './transport.ts';

const MARK = Buffer.from('\ufeff');
const [SPACE, CLOSE_OBJECT] = [0x20, 0x7d];

/**
 * Decodes a body strictly: gzip must be whole and correct. A byte order mark in front of the text is taken off.
 *
 * @param maxBytes decoded bytes allowed; a gzip bomb is given up there
 * @returns the bytes before they were compressed; undefined where they are more than allowed
 * @throws Fault
 */
export function decodeBody(
  { cut, body, header }: HttpAnswer,
  maxBytes: number,
): Buffer | undefined {
  if (cut) return undefined;
  const encoding = header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return withoutMark(body);
  if (!GZIP.test(encoding)) {
    const what = 'the body is in a content-encoding that was not asked for (only gzip was)';
    throw new Fault('refused', what);
  }
  try {
    return withoutMark(gunzipSync(body, { maxOutputLength: maxBytes }));
  } catch (error) {
    if (errorCode(error) === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw new Fault('malformed', 'the gzip body is cut off or corrupt');
  }
}

const GZIP = /^\s*(x-)?gzip\s*$/i;

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, MARK.length).equals(MARK) ? bytes.subarray(MARK.length) : bytes;
}

/**
 * What a body starts with, decoded. Bytes of its own: a head may be kept for long, what it is the start of must not be
 * kept with it.
 */
export function headOf({ body, header }: HttpAnswer): Buffer {
  const start = Buffer.from(body.subarray(0, HEAD_BYTES));
  if (!GZIP.test(header('content-encoding') ?? '')) return start;
  const limits = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 1 << 27 };
  try {
    return Buffer.from(gunzipSync(start, limits).subarray(0, HEAD_BYTES));
  } catch {
    return start;
  }
}

/** Reads a body of any JSON; undefined for anything else. */
export function readJson(answer: HttpAnswer, maxBytes: number): unknown {
  try {
    const bytes = decodeBody(answer, maxBytes);
    return bytes && JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

/**
 * Whether bytes that are no JSON are the start of an object whose end was lost on the way: they do not end as an object
 * does, or nothing but the end of the connection said that the body was over.
 */
export function isCutOff({ header }: HttpAnswer, bytes: Buffer): boolean {
  const last = bytes.findLastIndex((byte) => byte > SPACE);
  const announced = ['content-length', 'transfer-encoding'].some((name) => header(name));
  return (
    bytes[last] !== CLOSE_OBJECT || !(announced || GZIP.test(header('content-encoding') ?? ''))
  );
}

/** Names what came instead of JSON; the parser's own message would quote the payload. */
export function notJson({ header }: HttpAnswer, bytes: Buffer): string {
  if (bytes.length === 0) return 'the answer has no body';
  const type = header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const other = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !type.endsWith('json');
  if (other) return `the answer is ${type}, not JSON`;
  if (!isUtf8(bytes) && isCutUtf8(bytes)) return 'the body ends in the middle of a character';
  return `the answer is not whole JSON (${bytes.length} bytes)`;
}

/** True when more bytes could still make it UTF-8. */
function isCutUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
