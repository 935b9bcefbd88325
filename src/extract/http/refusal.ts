import { EXIT, type ExitCode } from '../../platform/errors.ts';
import { readJson } from './body.ts';
import { type FaultKind, fault, type Outcome } from './faults.ts';
import { isRecord } from './page-answer.ts';
import { parseRetryAfter } from './retry.ts';
import type { HttpAnswer } from './transport.ts';

/** Replaces secrets in a text that a server wrote. */
export type Redact = (text: string) => string;

/** A bearer header whose token is long and holds a digit, as tokens do and words do not. */
const BEARER = /\bBearer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*/gi;

/** @param secrets in force at the time of the call; they are also found URL-encoded, form-encoded and escaped */
export function redactor(secrets: () => readonly string[]): Redact {
  return (text) => {
    const found = secrets().filter((secret) => secret !== '');
    const known = found.flatMap(spellings).sort((a, b) => b.length - a.length);
    return known.reduce((rest, form) => rest.replaceAll(form, '***'), text).replace(BEARER, '***');
  };
}

function spellings(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const inForm = new URLSearchParams({ s: wellFormed }).toString().slice('s='.length);
  return [secret, encodeURIComponent(wellFormed), inForm, JSON.stringify(secret).slice(1, -1)];
}

/** A server's words for a message: on one line, without control characters, `max` characters at most. */
export function quote(text: string, max: number): string {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\s]+/gu, ' ').trim();
  return plain.length > max ? `${plain.slice(0, max - 1)}…` : plain;
}

/** 501 and 505 say that the server will never do it; every other 5xx may pass. */
const PERMANENT_5XX: ReadonlySet<number> = new Set([501, 505]);

/** The fault that an HTTP status stands for, or undefined when asking again is of no use. */
export function faultOfStatus(status: number): FaultKind | undefined {
  if (status === 429) return 'throttled';
  if (status === 503) return 'overloaded';
  if (status === 408 || status === 425) return 'failed';
  return status >= 500 && !PERMANENT_5XX.has(status) ? 'failed' : undefined;
}

/**
 * The fault that an answer stands for by its status, with the pause it asks for; undefined when its status is not one
 * that passes.
 *
 * @param wall wall time, milliseconds since the epoch
 */
export function passingFault(answer: HttpAnswer, wall: number): Outcome<never> | undefined {
  const { status } = answer;
  const kind = faultOfStatus(status);
  if (kind === undefined) return undefined;
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), answer.header('date'), wall);
  const pause = retryAfterMs === undefined ? {} : { retryAfterMs };
  return fault(kind, `the server answered ${status}`, { status, ...pause });
}

/** An answer that asking again would not change. */
export interface Refusal {
  readonly status: number;
  /** What happened, in the server's words where it has some, and what to do. */
  readonly what: string;
  readonly exitCode: ExitCode;
}

const REPORT = 'Report it to the operators of the API.';
const TOO_LONG = 'The request is too long for the server: give fewer values to the filters.';
const ADVICE: Readonly<Record<number, string>> = {
  400: 'Check the filters.',
  403: 'These credentials may not list the jobs: check their permissions.',
  404: 'Check --api-url.',
  414: TOO_LONG,
  422: 'Change the filters that it names, or --page-size.',
  431: TOO_LONG,
};
const EXITS: Readonly<Record<number, ExitCode>> = { 403: EXIT.credentials, 422: EXIT.config };
const MAX_BYTES = 64 * 1024;
const MAX_DETAILS = 50;
const [WORDS_CHARACTERS, MESSAGE_CHARACTERS, PLACE_CHARACTERS] = [300, 200, 100];

/** Reads any answer that is neither good nor passes. A 401 is the caller's. */
export async function readRefusal(answer: HttpAnswer, redact: Redact): Promise<Refusal> {
  const { status } = answer;
  const exitCode = EXITS[status] ?? EXIT.protocol;
  if (status < 400) {
    const what = `the server redirects (${status}); a redirect is refused, so that the token goes nowhere else. Set --api-url to the final address.`;
    return { status, what, exitCode };
  }
  const body = await readJson(answer, MAX_BYTES);
  const advice = ADVICE[status] ?? REPORT;
  if (status === 422) {
    const what = `the server refused the query (422). ${advice}${detailsOf(body, redact)}`;
    return { status, what, exitCode };
  }
  const words = wordsOf(body, redact);
  const said = words === '' ? '' : `, "${words}"`;
  return { status, what: `the server answered ${status}${said}. ${advice}`, exitCode };
}

/** The server's own message, redacted before it is shortened: half a secret would not be recognized. */
function wordsOf(body: unknown, redact: Redact): string {
  if (!isRecord(body)) return '';
  const words = [body.message, body.detail].find((text) => typeof text === 'string' && text !== '');
  return typeof words === 'string' ? quote(redact(words), WORDS_CHARACTERS) : '';
}

/**
 * Every detail's place and message, a line each, in the API's words. Other fields of a detail, `input` above all, are
 * left out: they repeat what was sent. Source: GET /api/v2/jobs, "422 Validation Error".
 */
function detailsOf(body: unknown, redact: Redact): string {
  const detail = isRecord(body) && 'detail' in body ? body.detail : [];
  const details = Array.isArray(detail) ? detail : [detail];
  const lines = details.slice(0, MAX_DETAILS).map((one) => describe(one, redact));
  if (details.length > MAX_DETAILS) lines.push(`and ${details.length - MAX_DETAILS} more`);
  return lines.map((line) => `\n  - ${line}`).join('');
}

function describe(detail: unknown, redact: Redact): string {
  if (typeof detail === 'string') return quote(redact(detail), MESSAGE_CHARACTERS);
  const { loc, msg } = isRecord(detail) ? detail : {};
  const place = Array.isArray(loc) ? loc.join('.') : String(loc ?? '');
  const message = typeof msg === 'string' ? msg : 'no message';
  return `${quote(redact(place), PLACE_CHARACTERS)}: ${quote(redact(message), MESSAGE_CHARACTERS)}`;
}
