import { CLOSE_OBJECT, JsonScanner, OPEN_LIST, OPEN_OBJECT } from '../../json/json-scanner.ts';
import type { PageQuery } from '../../json/page.ts';
import { RawJob, stringAt } from '../../json/raw-job.ts';

const EMPTY_LIST = Buffer.from('[]');

/** The body of an answer to a page query: everything but the jobs, and the jobs. */
export interface PageBody {
  /** As parsed; of `data` it has only an empty list where the jobs were. */
  readonly envelope: unknown;
  /** Undefined when `data` is no list of objects. */
  readonly rows: readonly RawJob[] | undefined;
}

/**
 * What a JSON body says as an answer to a page query: a page, a sign that asking again may help (`malformed`,
 * `inconsistent`), or a break of the contract.
 */
export type PageAnswer =
  | { readonly kind: 'page'; readonly rows: readonly RawJob[]; readonly total: number }
  | { readonly kind: 'malformed' | 'inconsistent' | 'broken'; readonly what: string };

/**
 * Finds the jobs in a body, and parses the little that is around them.
 *
 * @param bytes valid UTF-8
 * @throws SyntaxError when it is not JSON
 */
export function readPageBody(bytes: Buffer): PageBody {
  const scanner = new JsonScanner(bytes);
  if (scanner.peek() !== OPEN_OBJECT)
    return { envelope: JSON.parse(bytes.toString()), rows: undefined };
  let rows: readonly RawJob[] | undefined;
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
  return { envelope: JSON.parse(Buffer.concat(around).toString()), rows };
}

/**
 * Checks an answer at the border. Source: GET /api/v2/jobs, "Responses".
 *
 * A page that is short of its own total is never taken for the end, and one longer than its total leaves room for is
 * no better: the server counts and lists in two steps, so that a job created in between may make either.
 *
 * @param contentRange the header that stands in for missing pagination
 */
export function readPageAnswer(
  { envelope, rows }: PageBody,
  query: PageQuery,
  contentRange: string | undefined,
): PageAnswer {
  if (!isRecord(envelope)) return broken(`expected a JSON object, got ${nameOf(envelope)}`);
  if (envelope.status === 'fail' || envelope.status === 'error') {
    return {
      kind: 'malformed',
      what: `a 200 answer whose body says status "${envelope.status}"`,
    };
  }
  if (!Array.isArray(envelope.data))
    return broken(`expected "data" to be an array, got ${nameOf(envelope.data)}`);
  if (rows === undefined) return broken('expected every item of "data" to be an object');
  const total = readTotal(envelope.pagination, contentRange);
  if (typeof total === 'string') return broken(total);
  if (rows.length > query.limit) {
    return broken(`asked for ${query.limit} jobs at most, got ${rows.length}`);
  }
  const expected = Math.min(query.limit, Math.max(0, total - query.offset));
  if (rows.length !== expected) {
    const what = `${rows.length} jobs, where its total of ${total} leaves ${expected}`;
    return { kind: 'inconsistent', what };
  }
  return { kind: 'page', rows, total };
}

/**
 * The total, or what is wrong with it. Without pagination the header counts: `1-100/2345`, with or without a unit
 * before it, or a star instead of the range when the page is empty.
 */
function readTotal(pagination: unknown, contentRange: string | undefined): number | string {
  const sent = isRecord(pagination) ? (pagination.total ?? undefined) : undefined;
  if (sent !== undefined) {
    if (isCount(sent)) return sent;
    return `expected "pagination.total" to be a whole number, got ${nameOf(sent)}`;
  }
  const range = /^(?:\w+ +)?(?:\d+-\d+|\*)\/(\d+)$/.exec(contentRange?.trim() ?? '');
  const total = Number(range?.[1] ?? Number.NaN);
  return isCount(total) ? total : 'neither "pagination.total" nor Content-Range says the total';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
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

function broken(what: string): PageAnswer {
  return { kind: 'broken', what };
}
