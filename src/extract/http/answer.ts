import { isUtf8 } from 'node:buffer';
import { CLOSE_OBJECT, JsonScanner, OPEN_LIST, OPEN_OBJECT } from '../../json/json-scanner.ts';
import { RawJob, stringAt } from '../../json/raw-job.ts';
import type { Page, PageAnswer, PageQuery } from '../page.ts';
import { areTorn, itemsOf, type Jobs, readItems } from './damaged.ts';
import { Fault, type FaultKind } from './faults.ts';
import { type RetryState, stayAway } from './retry.ts';
import { decodeBody, type HttpAnswer, headOf, isCutOff, notJson, readJson } from './transport.ts';

const EMPTY_LIST = Buffer.from('[]');

/**
 * Reads a good answer as a page.
 *
 * @throws Fault that asking again may cure; a page that stays short or garbled is what to go on with then
 */
export function readPage(answer: HttpAnswer, query: PageQuery, maxBodyBytes: number): PageAnswer {
  const bytes = decodeBody(answer, maxBodyBytes);
  if (bytes === undefined)
    return { kind: 'too-large', limitBytes: maxBodyBytes, head: headOf(answer) };
  const content = isUtf8(bytes) ? parse(bytes, allJobs) : undefined;
  if (content === undefined) throw garbled(answer, bytes, query);
  const page = pageOf(content, query, answer, bytes.length);
  if (!page.short) return page;
  const { rows, total } = page;
  const what = `${rows.length} jobs, where its total of ${total} leaves ${room(query, total)}`;
  throw new Fault('short', what, { instead: page });
}

/** Reads what is no JSON, or not UTF-8, as far as that goes. */
function garbled(answer: HttpAnswer, bytes: Buffer, query: PageQuery): Fault {
  const reason = notJson(answer, bytes);
  if (!/^\s*\{/.test(bytes.toString('latin1', 0, 1024)) || !bytes.includes('"data"'))
    return new Fault('malformed', reason);
  const content = parse(bytes, (scanner) => readItems(itemsOf(scanner, bytes)));
  const { rows = [], damaged = [] } = content?.jobs ?? {};
  const count = rows.length + damaged.length;
  if (content && count <= query.limit) {
    const page = pageOf(content, query, answer, bytes.length);
    const what = `${damaged.length} of its jobs cannot be read (${damaged[0]?.reason})`;
    // The count tells whether a stray quote or bracket has merged two jobs, or made two out of one.
    if (count === room(query, page.total) && !areTorn(damaged))
      return new Fault('garbled', what, { instead: page });
  }
  if (isCutOff(answer, bytes)) return new Fault('malformed', reason);
  const what = `the answer is not ${isUtf8(bytes) ? 'JSON' : 'UTF-8'}`;
  return new Fault('garbled', what, { instead: { kind: 'unreadable', reason: what, bytes } });
}

/** What a body holds. */
interface Content {
  /** As parsed, with an empty list where the jobs were. */
  readonly envelope: unknown;
  /** Undefined when `data` is no list of objects. */
  readonly jobs: Jobs | undefined;
}

/** Finds the jobs in a body, and parses the little that is around them. @returns undefined when that is not JSON in UTF-8 */
function parse(
  bytes: Buffer,
  jobsIn: (scanner: JsonScanner, bytes: Buffer) => Jobs | undefined,
): Content | undefined {
  let jobs: Jobs | undefined;
  let [start, end] = [0, 0];
  try {
    const scanner = new JsonScanner(bytes);
    if (scanner.peek() !== OPEN_OBJECT) return { envelope: JSON.parse(bytes.toString()), jobs };
    for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
      const form = scanner.key();
      const isData = stringAt(bytes, scanner.keyStart, scanner.keyEnd, form) === 'data';
      const isList = scanner.peek() === OPEN_LIST;
      if (isData) [jobs, start, end] = [undefined, 0, 0];
      if (isData && isList) {
        start = scanner.at;
        jobs = jobsIn(scanner, bytes);
        end = scanner.at;
      } else scanner.value();
    }
    scanner.end();
    const list = end > 0 ? EMPTY_LIST : Buffer.alloc(0);
    const around = Buffer.concat([bytes.subarray(0, start), list, bytes.subarray(end)]);
    return isUtf8(around) ? { envelope: JSON.parse(around.toString()), jobs } : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** The jobs of a list of which every item must be one. */
function allJobs(scanner: JsonScanner, bytes: Buffer): Jobs | undefined {
  const rows = RawJob.scanList(scanner, bytes);
  return rows && { rows, damaged: [] };
}

/**
 * Checks a page at the border. Source: GET /api/v2/jobs, "Responses".
 *
 * A page that is short of its own total is never taken for the end. One longer than that leaves room for is taken: a
 * total may be capped or old, and nothing is built on it.
 */
function pageOf(
  { envelope, jobs }: Content,
  query: PageQuery,
  answer: HttpAnswer,
  bytes: number,
): Page {
  if (!isRecord(envelope)) throw expected('a JSON object', envelope);
  const { status, data, pagination } = envelope;
  if (status === 'fail' || status === 'error')
    throw new Fault('malformed', `a 200 answer whose body says status "${status}"`);
  if (!Array.isArray(data)) throw expected('"data" to be an array', data);
  if (jobs === undefined)
    throw new Fault('refused', 'expected every item of "data" to be an object');
  const total = readTotal(record(pagination).total ?? undefined, answer);
  const count = jobs.rows.length + jobs.damaged.length;
  if (count > query.limit)
    throw new Fault('refused', `asked for ${query.limit} jobs at most, got ${count}`);
  return { kind: 'page', ...jobs, total, bytes, short: count < room(query, total) };
}

/** Jobs that a list of `total` has for a query. */
function room({ limit, offset }: PageQuery, total: number): number {
  return Math.min(limit, Math.max(0, total - offset));
}

/**
 * Without pagination the header counts: `1-100/2345`, with or without a unit before it, or a star instead of the range
 * when the page is empty.
 */
function readTotal(sent: unknown, { header }: HttpAnswer): number {
  const range = /^(?:\w+ +)?(?:\d+-\d+|\*)\/(\d+)$/.exec(header('content-range')?.trim() ?? '');
  const total = sent ?? Number(range?.[1] ?? Number.NaN);
  if (typeof total === 'number' && Number.isSafeInteger(total) && total >= 0) return total;
  if (sent === undefined)
    throw new Fault('refused', 'neither "pagination.total" nor Content-Range says the total');
  throw expected('"pagination.total" to be a whole number', sent);
}

/** A broken contract; of what came it names the kind, never the value. */
function expected(what: string, value: unknown): Fault {
  const kinds: Readonly<Record<string, string>> = {
    undefined: 'nothing',
    number: `the number ${value}`,
    object: Array.isArray(value) ? 'an array' : value === null ? 'null' : 'an object',
  };
  return new Fault(
    'refused',
    `expected ${what}, got ${kinds[typeof value] ?? `a ${typeof value}`}`,
  );
}

/** A text that a server wrote, for a message: without secrets, on one line, `max` characters at most. */
export type Quote = (text: string, max: number) => string;

/** A bearer header whose token is long and holds a digit, as tokens do and words do not. */
const BEARER = /\bBearer\s+(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*/gi;
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\s]+/gu;

/**
 * Redacts before it shortens: half a secret would not be recognized.
 *
 * @param secrets in force at the time of the call; they are also found URL-encoded, form-encoded and escaped
 */
export function quoter(secrets: () => readonly string[]): Quote {
  return (text, max) => {
    const found = secrets().filter((secret) => secret !== '');
    const known = found.flatMap(spellings).sort((a, b) => b.length - a.length);
    const redacted = known.reduce((rest, form) => rest.replaceAll(form, '***'), text);
    const plain = redacted.replace(BEARER, '***').replace(UNSEEN, ' ').trim();
    return plain.length > max ? `${plain.slice(0, max - 1)}…` : plain;
  };
}

function spellings(secret: string): string[] {
  const wellFormed = secret.toWellFormed();
  const inForm = new URLSearchParams({ s: wellFormed }).toString().slice('s='.length);
  return [secret, encodeURIComponent(wellFormed), inForm, JSON.stringify(secret).slice(1, -1)];
}

/** The fault that an HTTP status stands for, or undefined when asking again is of no use. */
export function faultOfStatus(status: number): FaultKind | undefined {
  if (status === 429) return 'throttled';
  if (status === 503) return 'overloaded';
  // 501 and 505 say that the server will never do it; every other 5xx may pass.
  const mayPass = status >= 500 && status !== 501 && status !== 505;
  return mayPass || status === 408 || status === 425 ? 'failed' : undefined;
}

/**
 * Lets an answer through unless its status is one that passes, in which case it may ask for a pause.
 *
 * @throws Fault
 */
export function withoutPassing(answer: HttpAnswer, state: RetryState): HttpAnswer {
  const { status, header } = answer;
  const kind = faultOfStatus(status);
  if (kind === undefined) return answer;
  const what = `the server answered ${status}`;
  const wall = state.effects.clock.wall();
  stayAway(state, parseRetryAfter(header('retry-after'), header('date'), wall) ?? 0, what);
  throw new Fault(kind, what);
}

const SECONDS = /^\d+(?:\.\d+)?$/;

/** The three date forms of RFC 9110 section 5.6.7: two that have the day before the month, and that of asctime. */
const HTTP_DATE =
  /^[A-Z][a-z]{2,8},? (?:\d{2}[ -][A-Z][a-z]{2}[ -]\d{2,4}|[A-Z][a-z]{2} [ \d]\d) \d{2}:\d{2}:\d{2} (?:GMT|\d{4})$/;

/** A century: longer waits mean the same, and an instant that far away can still be written as a date. */
const LONGEST_PAUSE_MS = 100 * 365 * 86_400_000;

/**
 * How long a Retry-After header asks to wait (RFC 9110 section 10.2.3).
 *
 * @param value the header: seconds, or an HTTP-date
 * @param date the answer's own Date header; a date is measured against it, so that a wrong clock here does no harm
 * @param wall wall time here, milliseconds since the epoch: stands in when there is no usable Date header
 * @returns milliseconds, 0 for a date that has passed, or undefined when the header says nothing usable
 */
export function parseRetryAfter(
  value: string | undefined,
  date: string | undefined,
  wall: number,
): number | undefined {
  const text = value?.trim() ?? '';
  const now = parseHttpDate(date?.trim() ?? '') ?? wall;
  const ms = SECONDS.test(text) ? Number(text) * 1000 : (parseHttpDate(text) ?? Number.NaN) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS);
}

/** Milliseconds since the epoch, or undefined. `Date.parse` alone would take `-5` and `soon 1` for dates. */
function parseHttpDate(text: string): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}

const TOO_LONG = 'The request is too long for the server: give fewer values to the filters.';
const ADVICE: Readonly<Record<number, string>> = {
  400: 'Check the filters.',
  403: 'These credentials may not list the jobs: check their permissions.',
  404: 'Check --api-url.',
  414: TOO_LONG,
  422: 'Change the filters that it names, or --page-size.',
  431: TOO_LONG,
};
const MAX_BYTES = 64 * 1024;
const MAX_DETAILS = 50;
const [WORDS_CHARACTERS, MESSAGE_CHARACTERS, PLACE_CHARACTERS] = [300, 200, 100];

/** What an answer stands for that is neither good nor passes, in the server's words where it has some. */
export function refusalOf(answer: HttpAnswer, quote: Quote): Fault {
  const { status } = answer;
  if (status < 400) {
    const what = `the server redirects (${status}); a redirect is refused, so that the token goes nowhere else`;
    return new Fault('refused', what, { advice: 'Set --api-url to the final address.' });
  }
  const { message, detail } = record(readJson(answer, MAX_BYTES));
  const advice = ADVICE[status];
  if (status === 422) {
    const lines = detailsOf(detail, quote).map((line) => `\n  - ${line}`);
    const what = 'the server refused the query (422)';
    return new Fault('invalid', what, { advice: advice + lines.join('') });
  }
  const words = [message, detail].find((text) => typeof text === 'string' && text !== '');
  const said = typeof words === 'string' ? `, "${quote(words, WORDS_CHARACTERS)}"` : '';
  const kind = status === 403 ? 'forbidden' : 'refused';
  return new Fault(kind, `the server answered ${status}${said}`, { advice });
}

/**
 * Every detail's place and message, in the API's words. Other fields of a detail, `input` above all, are left out: they
 * repeat what was sent. Source: GET /api/v2/jobs, "422 Validation Error".
 */
function detailsOf(detail: unknown = [], quote: Quote): string[] {
  const details = [detail].flat();
  const lines = details.slice(0, MAX_DETAILS).map((one) => {
    if (typeof one === 'string') return quote(one, MESSAGE_CHARACTERS);
    const { loc, msg } = record(one);
    const parts = [loc].flat().filter((part) => typeof part !== 'object');
    const place = quote(parts.join('.'), PLACE_CHARACTERS);
    return `${place}: ${quote(typeof msg === 'string' ? msg : 'no message', MESSAGE_CHARACTERS)}`;
  });
  return details.length > MAX_DETAILS
    ? [...lines, `and ${details.length - MAX_DETAILS} more`]
    : lines;
}

/** The fields of a JSON object; none of anything else. */
function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
