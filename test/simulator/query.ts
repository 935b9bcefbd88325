import { DIRECTIONS, type Direction, ORDER_COLUMNS, type OrderColumn } from './order.ts';
import type { StoreQuery } from './store.ts';
import {
  booleanProblem,
  dateProblem,
  enumProblem,
  integerProblem,
  isTrue,
  limitProblem,
  ORIGINS,
  offsetProblem,
  type Problem,
  statusProblem,
  uuidProblem,
  type ValidationDetail,
} from './validation.ts';

/** A page request with every default filled in. */
export type JobQuery = Required<StoreQuery>;

export type ParsedQuery =
  | { readonly query: JobQuery; readonly detail?: undefined }
  | { readonly detail: readonly ValidationDetail[] };

const DEFAULT_LIMIT = 100;

/**
 * Reads the query parameters of GET /api/v2/jobs. Names it does not know are ignored (so `status[]=` filters
 * nothing), of a repeated single value the last counts, and every problem is reported, not just the first.
 */
export function parseQuery(params: URLSearchParams): ParsedQuery {
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
    idStartsWith: read('id__starts_with', anything, String),
    batchId: list('batch_id', uuidProblem),
    projectId: list('project_id', uuidProblem),
    userId: list('user_id', uuidProblem),
    status: list('status', statusProblem),
    minRuns: read('min_runs', integerProblem, Number),
    maxRuns: read('max_runs', integerProblem, Number),
    errors: read('errors', booleanProblem, isTrue),
    origin: list('origin', (text) => enumProblem(text, ORIGINS)),
    startDate: read('start_date', dateProblem, String),
    endDate: read('end_date', dateProblem, String),
  };
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

function orderProblem(text: string): Problem {
  return enumProblem(text, ORDER_COLUMNS);
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
