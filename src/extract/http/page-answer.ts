import type { RawJob } from '../../domain/job.ts';
import { numberText } from '../../domain/json.ts';
import type { PageQuery } from '../../domain/page.ts';

/**
 * What a JSON body says as an answer to a page query: a page, a sign that asking again may help (`malformed`,
 * `inconsistent`), or a break of the contract.
 */
export type PageAnswer =
  | { readonly kind: 'page'; readonly rows: readonly RawJob[]; readonly total: number }
  | { readonly kind: 'malformed' | 'inconsistent' | 'broken'; readonly what: string };

/**
 * Checks an answer at the border. Source: GET /api/v2/jobs, "Responses".
 *
 * A page that is short of its own total is never taken for the end, and one longer than its total leaves room for is
 * no better: the server counts and lists in two steps, so that a job created in between may make either.
 *
 * @param contentRange the header that stands in for missing pagination
 */
export function readPageAnswer(
  body: unknown,
  query: PageQuery,
  contentRange: string | undefined,
): PageAnswer {
  if (!isRecord(body)) return broken(`expected a JSON object, got ${nameOf(body)}`);
  if (body.status === 'fail' || body.status === 'error') {
    return { kind: 'malformed', what: `a 200 answer whose body says status "${body.status}"` };
  }
  const rows: unknown = body.data;
  if (!Array.isArray(rows)) return broken(`expected "data" to be an array, got ${nameOf(rows)}`);
  if (!rows.every(isRecord)) return broken('expected every item of "data" to be an object');
  const total = readTotal(body.pagination, contentRange);
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
    const total = Number(numberText(sent) ?? Number.NaN);
    if (isCount(total)) return total;
    return `expected "pagination.total" to be a whole number, got ${nameOf(sent)}`;
  }
  const range = /^(?:\w+ +)?(?:\d+-\d+|\*)\/(\d+)$/.exec(contentRange?.trim() ?? '');
  const total = Number(range?.[1] ?? Number.NaN);
  return isCount(total) ? total : 'neither "pagination.total" nor Content-Range says the total';
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** A JSON object; a number kept digit for digit is an object to JavaScript only. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    numberText(value) === undefined
  );
}

/** The kind of a JSON value: never the value. */
function nameOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (numberText(value) !== undefined) return `the number ${numberText(value)?.slice(0, 20)}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function broken(what: string): PageAnswer {
  return { kind: 'broken', what };
}
