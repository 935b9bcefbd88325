import type { Filters } from '../../src/jobs/pipeline.ts';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import type { Dictionary, JobTable } from './job-table.ts';

/** The API's filters; one that is undefined, or an empty list, filters nothing. */
export type JobFilters = { readonly [Name in keyof Filters]?: Filters[Name] | undefined };

/** Filters without those on the id, which the id index answers. */
export type KeyFilters = Omit<JobFilters, 'id' | 'idStartsWith'>;

type Test = (slot: number) => boolean;

/**
 * One test for all filters, joined with AND; the values of a list are joined with OR. As in the reference,
 * `startDate` is the earliest start of the execution and `endDate` its latest end, both included; a job without the
 * value a filter looks at does not pass it.
 *
 * @returns undefined when no filter is set
 */
export function keyTest(table: JobTable, filters: KeyFilters): Test | undefined {
  const { minRuns, maxRuns, errors, startDate, endDate } = filters;
  const { batch, project, user, status, origin, runs, failed, started, ended } = table.columns;
  const tests = [
    oneOf(table.batches, batch, filters.batchId),
    oneOf(table.projects, project, filters.projectId),
    oneOf(table.users, user, filters.userId),
    oneOf(table.statuses, status, filters.status),
    oneOf(table.origins, origin, filters.origin),
    atLeast(runs, minRuns),
    atMost(runs, maxRuns),
    errors === undefined ? undefined : (slot: number) => failed[slot] === (errors ? 1 : 0),
    atLeast(started, startDate === undefined ? undefined : microsOf(startDate)),
    atMost(ended, endDate === undefined ? undefined : microsOf(endDate)),
  ].filter((test) => test !== undefined);
  return tests.length === 0 ? undefined : (slot) => tests.every((test) => test(slot));
}

type NumberColumn = Uint8Array | Uint16Array | Uint32Array | Float64Array;

function oneOf(
  dictionary: Dictionary,
  column: NumberColumn,
  values: readonly string[] | undefined,
): Test | undefined {
  if (values === undefined || values.length === 0) return undefined;
  const codes = new Set(values.map((value) => dictionary.find(value)));
  return (slot) => codes.has(column[slot]);
}

function atLeast(column: NumberColumn, bound: number | undefined): Test | undefined {
  return bound === undefined ? undefined : (slot) => column[slot] >= bound;
}

function atMost(column: NumberColumn, bound: number | undefined): Test | undefined {
  return bound === undefined ? undefined : (slot) => column[slot] <= bound;
}

function microsOf(date: string): number {
  return Number(parseTimestamp(date) ?? Number.NaN);
}
