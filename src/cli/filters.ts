import type { Filters } from '../jobs/pipeline.ts';
import { parseTimestamp } from '../jobs/timestamp.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { defined } from './defined.ts';
import type { Flag } from './flag.ts';
import { FILTER_FLAGS } from './flags.ts';

/** Collects the filters from wherever `get` finds them. */
export function filtersFrom(get: <T>(key: keyof Filters, flag: Flag<T>) => T | undefined): Filters {
  return defined({
    id: get('id', FILTER_FLAGS.id),
    idStartsWith: get('idStartsWith', FILTER_FLAGS.idStartsWith),
    batchId: get('batchId', FILTER_FLAGS.batchId),
    projectId: get('projectId', FILTER_FLAGS.projectId),
    userId: get('userId', FILTER_FLAGS.userId),
    status: get('status', FILTER_FLAGS.status),
    minRuns: get('minRuns', FILTER_FLAGS.minRuns),
    maxRuns: get('maxRuns', FILTER_FLAGS.maxRuns),
    errors: get('errors', FILTER_FLAGS.errors),
    origin: get('origin', FILTER_FLAGS.origin),
    startDate: get('startDate', FILTER_FLAGS.startDate),
    endDate: get('endDate', FILTER_FLAGS.endDate),
  });
}

/** @throws ExportError (64) for a pair of filters that no job can meet */
export function refuseEmptyRanges(filters: Filters): void {
  const { minRuns, maxRuns, startDate, endDate } = filters;
  if (minRuns !== undefined && maxRuns !== undefined && minRuns > maxRuns) {
    throw emptyRange('min-runs', minRuns, 'max-runs', maxRuns);
  }
  const start = startDate === undefined ? null : parseTimestamp(startDate);
  const end = endDate === undefined ? null : parseTimestamp(endDate);
  if (start !== null && end !== null && start > end) {
    throw emptyRange('start-date', startDate, 'end-date', endDate);
  }
}

function emptyRange(low: string, lowValue: unknown, high: string, highValue: unknown): ExportError {
  return new ExportError(
    `--${low} ${lowValue} lies past --${high} ${highValue}: no job matches both; swap them or drop one`,
    { exitCode: EXIT.usage, stage: 'cli' },
  );
}
