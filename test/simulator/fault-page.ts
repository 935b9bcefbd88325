import type { PageAnswer, Row } from './encode.ts';
import type { PageFault } from './fault-kinds.ts';
import type { JobQuery } from './query.ts';
import type { JobStore } from './store.ts';

/** The answer the contract asks for: a window of the list as of now. */
export function honestPage(store: JobStore, query: JobQuery): PageAnswer {
  const { total, slots } = store.window(query);
  const { offset, limit } = query;
  return {
    rows: slots,
    // `end` is where the window would end, not where the rows do: so the platform's own answers have it.
    pagination: { total: String(total), start: offset, end: offset + limit },
    contentRange:
      slots.length === 0 ? `0-0/${total}` : `${offset + 1}-${offset + slots.length}/${total}`,
    code: '"200"',
  };
}

/** The same answer with one thing wrong or unusual about it. */
export function spoilPage(
  fault: PageFault,
  honest: PageAnswer,
  store: JobStore,
  query: JobQuery,
): PageAnswer {
  const { rows, pagination } = honest;
  const withTotal = (total: string): PageAnswer => ({
    ...honest,
    pagination: pagination && { ...pagination, total },
  });
  switch (fault) {
    case 'short-page':
      return { ...honest, rows: rows.slice(0, Math.floor(rows.length / 2)) };
    case 'empty-page':
      return { ...honest, rows: [] };
    case 'long-page':
      return { ...honest, rows: lengthened(rows, query.limit + 1) };
    case 'total-fraction':
      return withTotal('8.5');
    case 'total-text':
      return withTotal('"many"');
    case 'total-negative':
      return withTotal('-1');
    case 'no-pagination':
      return { ...honest, pagination: undefined };
    case 'no-range':
      return { ...honest, pagination: undefined, contentRange: undefined };
    case 'odd-pagination':
      return { ...honest, pagination: pagination && { ...pagination, ...odd(query) } };
    case 'numeric-code':
      return { ...honest, code: '200' };
    case 'duplicate-job':
      return { ...honest, rows: withDuplicate(rows, store) };
  }
}

function lengthened(rows: readonly Row[], length: number): Row[] {
  const long = [...rows];
  while (long.length < length) long.push(rows[0] ?? '{}');
  return long;
}

function odd({ offset }: JobQuery) {
  return { start: offset + 4, end: offset + 6 };
}

/** A page of one or two jobs has no room for it and stays as it is. */
function withDuplicate(rows: readonly Row[], store: JobStore): readonly Row[] {
  const [first] = rows;
  if (rows.length < 3 || typeof first !== 'number') return rows;
  const copy = store.text(first, {
    status: '"CANCELED"',
    updated_at: '"2026-11-01T00:00:00.000000+00:00"',
  });
  return rows.with(-2, copy);
}
