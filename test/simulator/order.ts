import type { JobTable } from './job-table.ts';

/**
 * Columns the list can be ordered by. `created_at` is the default and `creation_order` is known to work on the
 * platform; others are answered here so that an export that leans on them can be tried.
 */
export const ORDER_COLUMNS = [
  'created_at',
  'creation_order',
  'id',
  'updated_at',
  'start_timestamp',
  'end_timestamp',
  'runs',
] as const;
export type OrderColumn = (typeof ORDER_COLUMNS)[number];

export const DIRECTIONS = ['ASC', 'DESC'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** The numbers to order by; undefined for `id`, which is no number. NaN (null) sorts last, as in PostgreSQL. */
export function orderKeys(table: JobTable, column: OrderColumn): Float64Array | undefined {
  const { created, updated, started, ended, runs, creationOrder } = table.columns;
  switch (column) {
    case 'created_at':
      return created;
    case 'creation_order':
      return creationOrder;
    case 'updated_at':
      return updated;
    case 'start_timestamp':
      return started;
    case 'end_timestamp':
      return ended;
    case 'runs':
      return runs;
    case 'id':
      return undefined;
  }
}

/** Sorts slots by a column, ascending; equal keys keep the order they have. */
export function sortedByKey(slots: readonly number[], keys: Float64Array): number[] {
  return slots.toSorted((a, b) => {
    if (keys[a] === keys[b]) return 0;
    if (Number.isNaN(keys[b])) return Number.isNaN(keys[a]) ? 0 : -1;
    return Number.isNaN(keys[a]) || keys[a] > keys[b] ? 1 : -1;
  });
}
