import { parseJson } from '../../domain/json.ts';
import type { HttpAnswer } from './exchange.ts';

/** A body as a JSON value, or why it is none. */
export type Body =
  | { readonly kind: 'json'; readonly value: unknown; readonly bytes: number }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'malformed'; readonly what: string }
  | { readonly kind: 'not-utf8' }
  | { readonly kind: 'unknown-encoding' };

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a body strictly: gzip must be whole and correct, text must be UTF-8, and it must be JSON.
 *
 * @param maxBytes decoded bytes allowed; a gzip bomb is given up there
 */
export async function readBody(answer: HttpAnswer, maxBytes: number): Promise<Body> {
  if (answer.cut) return { kind: 'too-large' };
  const encoding = answer.header('content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding === '' || encoding === 'identity') return readJson(answer, answer.body);
  if (encoding !== 'gzip' && encoding !== 'x-gzip') return { kind: 'unknown-encoding' };
  const plain = await gunzip(answer.body, maxBytes);
  return plain instanceof Uint8Array ? readJson(answer, plain) : plain;
}

async function gunzip(body: Uint8Array, maxBytes: number): Promise<Uint8Array | Body> {
  const { gunzipSync } = await import('node:zlib');
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') return { kind: 'too-large' };
    return { kind: 'malformed', what: 'the gzip body is cut off or corrupt' };
  }
}

function readJson(answer: HttpAnswer, body: Uint8Array): Body {
  let text: string;
  try {
    text = UTF8.decode(body);
  } catch {
    return isCutUtf8(body)
      ? { kind: 'malformed', what: 'the body ends in the middle of a character' }
      : { kind: 'not-utf8' };
  }
  try {
    return { kind: 'json', value: parseJson(text), bytes: body.length };
  } catch {
    return { kind: 'malformed', what: notJson(answer, body.length) };
  }
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
