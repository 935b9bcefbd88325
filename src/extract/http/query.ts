import type { Filters } from '../../jobs/pipeline.ts';
import type { PageQuery } from '../../json/page.ts';

/** Each filter and the API's name of it. Source: GET /api/v2/jobs, query parameters. */
const PARAMETERS: readonly (readonly [filter: keyof Filters, parameter: string])[] = [
  ['id', 'id'],
  ['idStartsWith', 'id__starts_with'],
  ['batchId', 'batch_id'],
  ['projectId', 'project_id'],
  ['userId', 'user_id'],
  ['status', 'status'],
  ['minRuns', 'min_runs'],
  ['maxRuns', 'max_runs'],
  ['errors', 'errors'],
  ['origin', 'origin'],
  ['startDate', 'start_date'],
  ['endDate', 'end_date'],
];

/**
 * Writes the path and query of a page. Lists go as repeated keys (`status=DONE&status=ERROR`); `page.idStartsWith`
 * replaces the filter of that name.
 *
 * @param path of the jobs list, without a query
 */
export function pagePaths(path: string, filters: Filters): (page: PageQuery) => string {
  const write = (given: Filters) => {
    const query = new URLSearchParams();
    for (const [filter, parameter] of PARAMETERS) {
      for (const value of [given[filter] ?? []].flat()) query.append(parameter, String(value));
    }
    return query.size === 0 ? '' : `&${query}`;
  };
  const usual = write(filters);
  return ({ limit, offset, idStartsWith }) => {
    const rest = idStartsWith === undefined ? usual : write({ ...filters, idStartsWith });
    return `${path}?order_by=created_at&order_by_direction=ASC&limit=${limit}&offset=${offset}${rest}`;
  };
}
