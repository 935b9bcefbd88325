import { isUtf8 } from 'node:buffer';
import { CLOSE_OBJECT, JsonScanner, OPEN_LIST, OPEN_OBJECT } from '../../json/json-scanner.ts';
import { RawJob, stringAt } from '../../json/raw-job.ts';
import type { Damaged, Page, PageAnswer, PageQuery } from '../page.ts';
import { decodeBody, isCutOff, notJson, withoutMark } from './body.ts';
import { done, fault, type Outcome } from './faults.ts';
import { readItems, splitPage, startsLikeEnvelope } from './split.ts';
import type { HttpAnswer } from './transport.ts';

const EMPTY_LIST = Buffer.from('[]');

/** Says what in a page breaks the contract. */
export class BrokenContract extends Error {}

/** What a body holds: its jobs, and everything but the jobs. */
interface Content {
  /** As parsed; of `data` it has only an empty list where the jobs were. */
  readonly envelope: unknown;
  /** Undefined when `data` is no list of objects. */
  readonly rows: readonly RawJob[] | undefined;
  readonly damaged: readonly Damaged[];
}

/**
 * Reads a good answer as a page, or as a fault that asking again may cure; a page that stays short or garbled is what
 * to go on with then.
 *
 * @throws BrokenContract
 */
export async function readPage(
  answer: HttpAnswer,
  query: PageQuery,
  maxBodyBytes: number,
): Promise<Outcome<PageAnswer, PageAnswer>> {
  const body = await decodeBody(answer, maxBodyBytes);
  if (body.kind === 'too-large') {
    return done({ kind: 'too-large', limitBytes: maxBodyBytes, head: body.head });
  }
  if (body.kind === 'malformed') return fault('malformed', body.what);
  if (body.kind === 'unknown-encoding') {
    const what = 'the body is in a content-encoding that was not asked for (only gzip was)';
    throw new BrokenContract(what);
  }
  const bytes = withoutMark(body.bytes);
  const range = answer.header('content-range');
  const content = isUtf8(bytes) ? parseStrictly(bytes) : undefined;
  if (content === undefined) return readGarbled(answer, bytes, query, range);
  const page = pageOf(content, query, range, body.bytes.length);
  if (page.kind === 'fault' || !page.value.short) return page;
  const { rows, total } = page.value;
  const what = `${rows.length} jobs, where its total of ${total} leaves ${room(query, total)}`;
  return fault<PageAnswer>('short', what, { instead: page.value });
}

/** Reads what is no JSON, or not UTF-8, as far as that goes. */
function readGarbled(
  answer: HttpAnswer,
  bytes: Buffer,
  query: PageQuery,
  contentRange: string | undefined,
): Outcome<PageAnswer, PageAnswer> {
  const reason = notJson(answer, bytes);
  if (!startsLikeEnvelope(bytes)) return fault('malformed', reason);
  const split = splitPage(bytes);
  const envelope = split && isUtf8(split.envelope) ? parseStrictly(split.envelope) : undefined;
  // The count tells whether a stray quote or bracket has merged two jobs, or made two out of one.
  if (split && envelope?.rows?.length === 0 && split.items.length <= query.limit) {
    const content = { envelope: envelope.envelope, ...readItems(split.items) };
    const page = pageOf(content, query, contentRange, bytes.length);
    if (page.kind === 'fault') return page;
    const { damaged } = page.value;
    const what = `${damaged.length} of its jobs cannot be read (${damaged[0]?.reason})`;
    if (!page.value.short) return fault<PageAnswer>('garbled', what, { instead: page.value });
  }
  if (isCutOff(answer, bytes)) return fault('malformed', reason);
  const what = isUtf8(bytes) ? 'the answer is not JSON' : 'the answer is not UTF-8';
  const instead = { kind: 'unreadable', reason: what, bytes } as const;
  return fault<PageAnswer>('garbled', what, { instead });
}

/**
 * Finds the jobs in a body, and parses the little that is around them.
 *
 * @param bytes valid UTF-8
 * @returns undefined when it is not JSON
 */
function parseStrictly(bytes: Buffer): Content | undefined {
  try {
    return parse(bytes);
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
 *
 * @param contentRange the header that stands in for missing pagination
 */
function pageOf(
  { envelope, rows, damaged }: Content,
  query: PageQuery,
  contentRange: string | undefined,
  bytes: number,
): Outcome<Page> {
  if (!isRecord(envelope))
    throw new BrokenContract(`expected a JSON object, got ${nameOf(envelope)}`);
  const { status, data, pagination } = envelope;
  if (status === 'fail' || status === 'error')
    return fault('malformed', `a 200 answer whose body says status "${status}"`);
  if (!Array.isArray(data))
    throw new BrokenContract(`expected "data" to be an array, got ${nameOf(data)}`);
  if (rows === undefined) throw new BrokenContract('expected every item of "data" to be an object');
  const total = readTotal(pagination, contentRange);
  const count = rows.length + damaged.length;
  if (count > query.limit)
    throw new BrokenContract(`asked for ${query.limit} jobs at most, got ${count}`);
  return done({ kind: 'page', rows, damaged, total, bytes, short: count < room(query, total) });
}

/** Jobs that a list of `total` has for a query. */
function room({ limit, offset }: PageQuery, total: number): number {
  return Math.min(limit, Math.max(0, total - offset));
}

/**
 * Without pagination the header counts: `1-100/2345`, with or without a unit before it, or a star instead of the range
 * when the page is empty.
 */
function readTotal(pagination: unknown, contentRange: string | undefined): number {
  const sent = isRecord(pagination) ? (pagination.total ?? undefined) : undefined;
  const range = /^(?:\w+ +)?(?:\d+-\d+|\*)\/(\d+)$/.exec(contentRange?.trim() ?? '');
  const total = sent ?? Number(range?.[1] ?? Number.NaN);
  if (typeof total === 'number' && Number.isSafeInteger(total) && total >= 0) return total;
  if (sent === undefined)
    throw new BrokenContract('neither "pagination.total" nor Content-Range says the total');
  throw new BrokenContract(`expected "pagination.total" to be a whole number, got ${nameOf(sent)}`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The kind of a JSON value: never the value. */
function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
