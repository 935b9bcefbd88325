import { isUtf8 } from 'node:buffer';
import { constants, gunzipSync } from 'node:zlib';
import { HEAD_BYTES, type HttpAnswer } from './transport.ts';

const MARK = Buffer.from('\ufeff');
const [SPACE, CLOSE_OBJECT] = [0x20, 0x7d];

/** A body as sent before it was compressed, or why there is none. */
export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** `head`: what it starts with, decoded. */
  | { readonly kind: 'too-large'; readonly head: Buffer }
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'unknown-encoding' };

/**
 * Decodes a body strictly: gzip must be whole and correct.
 *
 * @param maxBytes decoded bytes allowed; a gzip bomb is given up there
 */
export async function decodeBody(answer: HttpAnswer, maxBytes: number): Promise<Body> {
  if (answer.cut) return { kind: 'too-large', head: headOf(answer) };
  const encoding = encodingOf(answer);
  if (encoding === '' || encoding === 'identity') return { kind: 'bytes', bytes: answer.body };
  if (encoding !== 'gzip' && encoding !== 'x-gzip') return { kind: 'unknown-encoding' };
  try {
    return { kind: 'bytes', bytes: gunzipSync(answer.body, { maxOutputLength: maxBytes }) };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large', head: headOf(answer) };
    return { kind: 'malformed', what: 'the gzip body is cut off or corrupt' };
  }
}

/** Bytes of its own: a head may be kept for long, what it is the start of must not be kept with it. */
function headOf(answer: HttpAnswer): Buffer {
  const start = Buffer.from(answer.body.subarray(0, HEAD_BYTES));
  if (!encodingOf(answer).includes('gzip')) return start;
  try {
    const decoded = gunzipSync(start, {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 1 << 27,
    });
    return Buffer.from(decoded.subarray(0, HEAD_BYTES));
  } catch {
    return start;
  }
}

/** Reads a body of any JSON; undefined for anything else. */
export async function readJson(answer: HttpAnswer, maxBytes: number): Promise<unknown> {
  const body = await decodeBody(answer, maxBytes);
  if (body.kind !== 'bytes' || !isUtf8(body.bytes)) return undefined;
  try {
    return JSON.parse(withoutMark(body.bytes).toString());
  } catch {
    return undefined;
  }
}

/** A byte order mark may stand in front of the text. */
export function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, MARK.length).equals(MARK) ? bytes.subarray(MARK.length) : bytes;
}

/**
 * Whether bytes that are no JSON are the start of an object whose end was lost on the way: they do not end as an object
 * does, or nothing but the end of the connection said that the body was over.
 */
export function isCutOff(answer: HttpAnswer, bytes: Buffer): boolean {
  const last = bytes.findLastIndex((byte) => byte > SPACE);
  const announced = ['content-length', 'transfer-encoding'].some((name) => answer.header(name));
  return bytes[last] !== CLOSE_OBJECT || !(announced || encodingOf(answer).includes('gzip'));
}

/** Names what came instead of JSON; the parser's own message would quote the payload. */
export function notJson(answer: HttpAnswer, bytes: Buffer): string {
  if (bytes.length === 0) return 'the answer has no body';
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
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

function encodingOf(answer: HttpAnswer): string {
  return answer.header('content-encoding')?.trim().toLowerCase() ?? '';
}
