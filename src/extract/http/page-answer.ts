import { isUtf8 } from 'node:buffer';
import { CLOSE_OBJECT, JsonScanner, OPEN_LIST, OPEN_OBJECT } from '../../json/json-scanner.ts';
import { RawJob, stringAt } from '../../json/raw-job.ts';
import type { Damaged, Page, PageAnswer, PageQuery } from '../page.ts';
import { decodeBody, headOf, isCutOff, notJson } from './body.ts';
import { Fault } from './faults.ts';
import { isRecord, record } from './refusal.ts';
import { readItems, splitPage } from './split.ts';
import type { HttpAnswer } from './transport.ts';

const EMPTY_LIST = Buffer.from('[]');

/** What a body holds: its jobs, and everything but the jobs. */
interface Content {
  /** As parsed; of `data` it has only an empty list where the jobs were. */
  readonly envelope: unknown;
  /** Undefined when `data` is no list of objects. */
  readonly rows: readonly RawJob[] | undefined;
  readonly damaged: readonly Damaged[];
}

/**
 * Reads a good answer as a page.
 *
 * @throws Fault that asking again may cure; a page that stays short or garbled is what to go on with then
 */
export function readPage(answer: HttpAnswer, query: PageQuery, maxBodyBytes: number): PageAnswer {
  const bytes = decodeBody(answer, maxBodyBytes);
  if (bytes === undefined)
    return { kind: 'too-large', limitBytes: maxBodyBytes, head: headOf(answer) };
  const content = parseStrictly(bytes);
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
  const split = splitPage(bytes);
  const envelope = split && parseStrictly(split.envelope);
  // The count tells whether a stray quote or bracket has merged two jobs, or made two out of one.
  if (split && envelope?.rows?.length === split.items.length && split.items.length <= query.limit) {
    const content = { envelope: envelope.envelope, ...readItems(split.items) };
    const page = pageOf(content, query, answer, bytes.length);
    const { damaged } = page;
    const what = `${damaged.length} of its jobs cannot be read (${damaged[0]?.reason})`;
    if (!page.short) return new Fault('garbled', what, { instead: page });
  }
  if (isCutOff(answer, bytes)) return new Fault('malformed', reason);
  const what = `the answer is not ${isUtf8(bytes) ? 'JSON' : 'UTF-8'}`;
  return new Fault('garbled', what, { instead: { kind: 'unreadable', reason: what, bytes } });
}

/** Finds the jobs in a body, and parses the little that is around them. @returns undefined when it is not JSON in UTF-8 */
function parseStrictly(bytes: Buffer): Content | undefined {
  try {
    return isUtf8(bytes) ? parse(bytes) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function parse(bytes: Buffer): Content {
  const scanner = new JsonScanner(bytes);
  let rows: readonly RawJob[] | undefined;
  if (scanner.peek() !== OPEN_OBJECT)
    return { envelope: JSON.parse(bytes.toString()), rows, damaged: [] };
  let [start, end] = [0, 0];
  for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
    const form = scanner.key();
    const isData = stringAt(bytes, scanner.keyStart, scanner.keyEnd, form) === 'data';
    const isList = scanner.peek() === OPEN_LIST;
    if (isData && isList) {
      start = scanner.at;
      rows = RawJob.scanList(scanner, bytes);
      end = scanner.at;
    } else {
      if (isData) [rows, start, end] = [undefined, 0, 0];
      scanner.value();
    }
  }
  scanner.end();
  const around = [bytes.subarray(0, start), ...(end > 0 ? [EMPTY_LIST] : []), bytes.subarray(end)];
  return { envelope: JSON.parse(Buffer.concat(around).toString()), rows, damaged: [] };
}

/**
 * Checks a page at the border. Source: GET /api/v2/jobs, "Responses".
 *
 * A page that is short of its own total is never taken for the end. One longer than that leaves room for is taken: a
 * total may be capped or old, and nothing is built on it.
 */
function pageOf(
  { envelope, rows, damaged }: Content,
  query: PageQuery,
  answer: HttpAnswer,
  bytes: number,
): Page {
  if (!isRecord(envelope)) throw expected('a JSON object', envelope);
  const { status, data, pagination } = envelope;
  if (status === 'fail' || status === 'error')
    throw new Fault('malformed', `a 200 answer whose body says status "${status}"`);
  if (!Array.isArray(data)) throw expected('"data" to be an array', data);
  if (rows === undefined)
    throw new Fault('refused', 'expected every item of "data" to be an object');
  const total = readTotal(record(pagination).total ?? undefined, answer);
  const count = rows.length + damaged.length;
  if (count > query.limit)
    throw new Fault('refused', `asked for ${query.limit} jobs at most, got ${count}`);
  return { kind: 'page', rows, damaged, total, bytes, short: count < room(query, total) };
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
