import { isUtf8 } from 'node:buffer';
import type { HttpAnswer } from './exchange.ts';

const MARK = Buffer.from('\ufeff');

/** Why a body is of no use. */
export type BadBody =
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'not-utf8' }
  | { readonly kind: 'unknown-encoding' };

/** What a body was read as, or why it is of no use. */
export type Body<T> =
  | { readonly kind: 'json'; readonly value: T; readonly bytes: number }
  | BadBody;

/** Reads a body of any JSON, strictly, as `readBodyAs` does. */
export function readBody(answer: HttpAnswer, maxBytes: number): Promise<Body<unknown>> {
  return readBodyAs(answer, maxBytes, (bytes) => JSON.parse(bytes.toString()));
}

/**
 * Reads a body strictly: gzip must be whole and correct, text must be UTF-8, and it must be JSON.
 *
 * @param maxBytes decoded bytes allowed; a gzip bomb is given up there
 * @param parse reads JSON in valid UTF-8; throws a SyntaxError when it is none
 */
export async function readBodyAs<T>(
  answer: HttpAnswer,
  maxBytes: number,
  parse: (bytes: Buffer) => T,
): Promise<Body<T>> {
  if (answer.cut) return { kind: 'too-large' };
  const encoding = answer.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return readJson(answer, answer.body, parse);
  if (encoding !== 'gzip' && encoding !== 'x-gzip') return { kind: 'unknown-encoding' };
  const plain = await gunzip(answer.body, maxBytes);
  return plain instanceof Uint8Array ? readJson(answer, plain, parse) : plain;
}

async function gunzip(body: Uint8Array, maxBytes: number): Promise<Buffer | BadBody> {
  const { gunzipSync } = await import('node:zlib');
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large' };
    return { kind: 'malformed', what: 'the gzip body is cut off or corrupt' };
  }
}

function readJson<T>(answer: HttpAnswer, body: Buffer, parse: (bytes: Buffer) => T): Body<T> {
  const bytes = withoutMark(body);
  if (!isUtf8(bytes)) {
    return isCutUtf8(bytes)
      ? { kind: 'malformed', what: 'the body ends in the middle of a character' }
      : { kind: 'not-utf8' };
  }
  try {
    return { kind: 'json', value: parse(bytes), bytes: body.length };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: 'malformed', what: notJson(answer, body.length) };
  }
}

/** A byte order mark may stand in front of the text. */
function withoutMark(body: Buffer): Buffer {
  return body.subarray(0, MARK.length).equals(MARK) ? body.subarray(MARK.length) : body;
}

/** True when more bytes could still make it UTF-8: then the body was cut off, and another attempt may bring it whole. */
function isCutUtf8(body: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(body, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** Names what came instead; the parser's own message would quote the payload. */
function notJson(answer: HttpAnswer, bytes: number): string {
  if (bytes === 0) return 'the answer has no body';
  const type = answer.header('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
  const other = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !type.endsWith('json');
  return other
    ? `the answer is ${type}, not JSON`
    : `the answer is not whole JSON (${bytes} bytes)`;
}
