import { DIRECTIONS, type Direction, ORDER_COLUMNS, type OrderColumn } from './job-list.ts';
import type { StoreQuery } from './store.ts';
import { isUuid, microsOf } from './values.ts';

/** One entry of a 422 answer's `detail`. Source: the reference's "Validation Error". */
export interface ValidationDetail {
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly type: string;
}

/** What is wrong with a value, in the words FastAPI's validation uses; undefined when nothing is. */
export type Problem = Omit<ValidationDetail, 'loc'> | undefined;

/** Origins of a job, as the reference allows them. */
export const ORIGINS = ['CLIENT', 'AZURE', 'UNKNOWN'] as const;

const INTEGER = /^[+-]?\d{1,18}$/;
const TRUE = ['true', 't', 'yes', 'y', 'on', '1'];
const FALSE = ['false', 'f', 'no', 'n', 'off', '0'];

/** The statuses a filter may name: the reference's five and the three seen beside them. */
const STATUSES: readonly string[] = [
  ...['PENDING', 'RUNNING', 'DONE', 'ERROR', 'CANCELED'],
  ...['TIMED_OUT', 'PAUSED', 'CANCELING'],
];

export function integerProblem(text: string): Problem {
  if (INTEGER.test(text)) return undefined;
  return { msg: 'value is not a valid integer', type: 'type_error.integer' };
}

export function limitProblem(text: string): Problem {
  const problem = integerProblem(text);
  if (problem) return problem;
  if (Number(text) < 1) {
    return { msg: 'ensure this value is greater than 0', type: 'value_error.number.not_gt' };
  }
  if (Number(text) > 100) {
    return { msg: 'ensure this value is less than 101', type: 'value_error.number.not_lt' };
  }
  return undefined;
}

export function offsetProblem(text: string): Problem {
  const problem = integerProblem(text);
  if (problem || Number(text) >= 0) return problem;
  return {
    msg: 'ensure this value is greater than or equal to 0',
    type: 'value_error.number.not_ge',
  };
}

export function enumProblem(text: string, allowed: readonly string[]): Problem {
  if (allowed.includes(text)) return undefined;
  const names = allowed.map((name) => `'${name}'`).join(', ');
  return {
    msg: `value is not a valid enumeration member; permitted: ${names}`,
    type: 'type_error.enum',
  };
}

export function statusProblem(text: string): Problem {
  return enumProblem(text, STATUSES);
}

export function uuidProblem(text: string): Problem {
  return isUuid(text) ? undefined : { msg: 'value is not a valid uuid', type: 'type_error.uuid' };
}

export function dateProblem(text: string): Problem {
  if (microsOf(text) !== undefined) return undefined;
  return { msg: 'invalid datetime format', type: 'value_error.datetime' };
}

export function booleanProblem(text: string): Problem {
  if (isTrue(text) || FALSE.includes(text.toLowerCase())) return undefined;
  return { msg: 'value could not be parsed to a boolean', type: 'type_error.bool' };
}

export function isTrue(text: string): boolean {
  return TRUE.includes(text.toLowerCase());
}

/** A page request with every default filled in. */
export type JobQuery = Required<StoreQuery>;

export type ParsedQuery =
  | { readonly query: JobQuery; readonly detail?: undefined }
  | { readonly detail: readonly ValidationDetail[] };

const DEFAULT_LIMIT = 100;

/**
 * Reads the query parameters of GET /api/v2/jobs. Names it does not know are ignored (so `status[]=` filters
 * nothing), of a repeated single value the last counts, and every problem is reported, not just the first.
 *
 * @param refusedOrders columns to refuse as if they were none of the API's
 */
export function parseQuery(
  params: URLSearchParams,
  refusedOrders: readonly OrderColumn[] = [],
): ParsedQuery {
  const detail: ValidationDetail[] = [];
  const read = <T>(
    name: string,
    problemOf: (text: string) => Problem,
    convert: (text: string) => T,
  ) => {
    const text = params.getAll(name).at(-1);
    if (text === undefined) return undefined;
    const problem = problemOf(text);
    if (problem) detail.push({ loc: ['query', name], ...problem });
    return convert(text);
  };
  const list = (name: string, problemOf: (text: string) => Problem) => {
    const texts = params.getAll(name);
    for (const [index, text] of texts.entries()) {
      const problem = problemOf(text);
      if (problem) detail.push({ loc: ['query', name, index], ...problem });
    }
    return texts;
  };
  const filters = {
    id: list('id', uuidProblem),
    idStartsWith: read('id__starts_with', lengthProblem, String),
    batchId: list('batch_id', uuidProblem),
    projectId: list('project_id', uuidProblem),
    userId: list('user_id', anything),
    status: list('status', statusProblem),
    minRuns: read('min_runs', integerProblem, Number),
    maxRuns: read('max_runs', integerProblem, Number),
    errors: read('errors', booleanProblem, isTrue),
    origin: list('origin', (text) => enumProblem(text, ORIGINS)),
    startDate: read('start_date', dateProblem, String),
    endDate: read('end_date', dateProblem, String),
  };
  const orders = ORDER_COLUMNS.filter((column) => !refusedOrders.includes(column));
  const orderProblem = (text: string) => enumProblem(text, orders);
  const offset = read('offset', offsetProblem, Number) ?? 0;
  const limit = read('limit', limitProblem, Number) ?? DEFAULT_LIMIT;
  const order = read('order_by', orderProblem, orderOf) ?? 'created_at';
  const direction = read('order_by_direction', directionProblem, directionOf) ?? 'DESC';
  if (detail.length > 0) return { detail };
  return { query: { offset, limit, order, direction, filters } };
}

function anything(): Problem {
  return undefined;
}

function lengthProblem(text: string): Problem {
  if (text.length > 0) return undefined;
  return {
    msg: 'ensure this value has at least 1 characters',
    type: 'value_error.any_str.min_length',
  };
}

function orderOf(text: string): OrderColumn | undefined {
  return ORDER_COLUMNS.find((column) => column === text);
}

function directionProblem(text: string): Problem {
  return enumProblem(text, DIRECTIONS);
}

function directionOf(text: string): Direction | undefined {
  return DIRECTIONS.find((direction) => direction === text);
}
