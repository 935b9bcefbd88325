import { createHash } from 'node:crypto';
import { canonicalFilters, type Filters } from '../jobs/query.ts';

/**
 * What must be equal for unfinished work to be continued: everything that decides which rows come, in which order, and
 * how a part holds them. Left out on purpose, because the same work ends in the same bytes whatever they are:
 * concurrency, page size (a walk goes on from any position, and parts are cut by rows), formats and compression (parts
 * are the tables before any format), limits, deadlines, retention. So an interrupted run may go on with fewer
 * connections or another format.
 */
export interface RunIdentity {
  readonly apiUrl: string;
  /**
   * Who asks: user name or client id; null for a bare token, which changes from run to run. Two accounts see different
   * jobs.
   */
  readonly account: string | null;
  /** As written: a relative date is the same every day. */
  readonly filters: Filters;
  /** The run whose snapshot is gone on from; null when everything is read. */
  readonly base: string | null;
  /** Order of the walk, e.g. `created_at ASC`. */
  readonly order: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Raised when a part or its state holds something else than before, so that no version continues another's work. */
  readonly partFormat: number;
}

/** @returns 16 hex digits: the name of the work folder */
export function fingerprint(identity: RunIdentity): string {
  const { apiUrl, account, filters, base, order, columns, partFormat } = identity;
  const canonical = JSON.stringify([
    new URL(apiUrl).href.replace(/\/+$/, ''),
    account,
    canonicalFilters(filters),
    base,
    order,
    columns.map(({ name, type }) => [name, type]),
    partFormat,
  ]);
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16);
}
