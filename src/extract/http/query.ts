import { type Filters, filterParameters } from '../../jobs/query.ts';
import type { PageQuery } from '../page.ts';

/** The longest request line to be made, bytes: servers and proxies take 8 kB, some of them half of that. */
export const REQUEST_LINE_BYTES = 4096;

/** Path of the jobs list. @param apiUrl base URL of the API */
export function listPath(apiUrl: string): string {
  return `${new URL(apiUrl).pathname.replace(/\/+$/, '')}/api/v2/jobs`;
}

/**
 * Writes the path and query of a page. Lists go as repeated keys (`status=DONE&status=ERROR`); `idStartsWith` and `ids`
 * of the page replace the filters of those names.
 *
 * @param path of the jobs list, without a query
 */
export function pagePaths(path: string, filters: Filters): (page: PageQuery) => string {
  const write = (given: Filters) => {
    const query = new URLSearchParams(filterParameters(given));
    return query.size === 0 ? '' : `&${query}`;
  };
  const usual = write(filters);
  return ({ limit, offset, orderBy = 'created_at', direction = 'ASC', idStartsWith, ids }) => {
    const own = { ...(idStartsWith !== undefined && { idStartsWith }), ...(ids && { id: ids }) };
    const rest = Object.keys(own).length === 0 ? usual : write({ ...filters, ...own });
    return `${path}?order_by=${orderBy}&order_by_direction=${direction}&limit=${limit}&offset=${offset}${rest}`;
  };
}

/**
 * Bytes of the request line of a page, for lists of ids that are to be split at `REQUEST_LINE_BYTES`.
 *
 * @param apiUrl base URL of the API
 */
export function requestLineBytes(apiUrl: string, filters: Filters, query: PageQuery): number {
  return `GET ${pagePaths(listPath(apiUrl), filters)(query)} HTTP/1.1\r\n`.length;
}
