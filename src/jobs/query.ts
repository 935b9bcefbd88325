/** What the values of each type of filter are. A `date` is ISO 8601; the API's own reading of it applies. */
interface FilterValues {
  strings: readonly string[];
  string: string;
  integer: number;
  boolean: boolean;
  date: string;
}

export type FilterType = keyof FilterValues;

export interface Filter<T extends FilterType = FilterType> {
  /** Query parameter of GET /api/v2/jobs. */
  readonly parameter: string;
  readonly type: T;
  /** Whether a job can enter or leave what it matches: then the list may change where no job comes or goes. */
  readonly mutable: boolean;
  readonly help: string;
}

/** Filters by their names in a pipeline file and the manifest. */
export type FilterTable = Readonly<Record<string, Filter>>;

/** Values for the filters of a table. */
export type FiltersOf<Table extends FilterTable> = {
  readonly [Name in keyof Table]?: FilterValues[Table[Name]['type']];
};

function filter<T extends FilterType>(parameter: string, type: T, help: string, mutable = false) {
  return { parameter, type, mutable, help };
}

/** Every filter, each in one line: all else that knows filters follows from it. Source: GET /api/v2/jobs, "Query Parameters". */
// biome-ignore format: a filter is one line
export const FILTERS = {
  id: filter('id', 'strings', 'Job ids, comma separated'),
  idStartsWith: filter('id__starts_with', 'string', 'First characters of the job id'),
  batchId: filter('batch_id', 'strings', 'Batch ids, comma separated'),
  projectId: filter('project_id', 'strings', 'Project ids, comma separated'),
  userId: filter('user_id', 'strings', 'User ids, comma separated'),
  status: filter('status', 'strings', 'Statuses, comma separated, such as DONE,ERROR,CANCELED', true),
  minRuns: filter('min_runs', 'integer', 'Sequence repeated at least so many times', true),
  maxRuns: filter('max_runs', 'integer', 'Sequence repeated at most so many times', true),
  errors: filter('errors', 'boolean', 'Only jobs that returned errors; --no-errors: only jobs that did not', true),
  origin: filter('origin', 'strings', 'Origins, comma separated: CLIENT, AZURE, UNKNOWN'),
  startDate: filter('start_date', 'date', "The API's start_date: an ISO 8601 date (midnight UTC) or date-time", true),
  endDate: filter('end_date', 'date', "The API's end_date: an ISO 8601 date (midnight UTC) or date-time", true),
} as const satisfies FilterTable;

/**
 * Which jobs to export, in the API's own words. Filters are combined with AND, the values of a list with OR. Everything
 * is passed through to GET /api/v2/jobs as it is.
 */
export type Filters = FiltersOf<typeof FILTERS>;

/** The flag of a filter, without its dashes: `project-id` for `projectId`. */
export function flagOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The query parameters that say the filters, in the order of the table; each value of a list is one of its own. */
export function filterParameters(filters: FiltersOf<FilterTable>, table: FilterTable = FILTERS) {
  return given(filters, table).flatMap(([name, value]) =>
    [value].flat().map((item): [string, string] => [table[name].parameter, String(item)]),
  );
}

/** Names of the filters given that a job can enter or leave. */
export function mutableFilters(filters: FiltersOf<FilterTable>, table: FilterTable = FILTERS) {
  return given(filters, table)
    .map(([name]) => name)
    .filter((name) => table[name].mutable);
}

/** @throws TypeError for a filter that the table does not have */
function given(filters: FiltersOf<FilterTable>, table: FilterTable) {
  const unknown = Object.keys(filters).find((name) => !Object.hasOwn(table, name));
  if (unknown !== undefined) throw new TypeError(`filters.${unknown}: no such filter`);
  return Object.keys(table).flatMap((name) => {
    const value = filters[name];
    return value === undefined ? [] : [[name, value] as const];
  });
}

/**
 * Filters, of this version or a later one, in a form that is equal when they match the same jobs: neither the order of
 * filters, nor that of their values, nor a value said twice changes it. For fingerprints.
 */
export function canonicalFilters(
  filters: Readonly<Record<string, unknown>>,
): [name: string, value: unknown][] {
  return Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]): [string, unknown] => [
      name,
      Array.isArray(value) ? [...new Set(value)].sort() : value,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
