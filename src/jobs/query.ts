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

function fixed<T extends FilterType>(parameter: string, type: T, help: string): Filter<T> {
  return { parameter, type, mutable: false, help };
}

function mutable<T extends FilterType>(parameter: string, type: T, help: string): Filter<T> {
  return { parameter, type, mutable: true, help };
}

/** Every filter, each in one line: all else that knows filters follows from it. Source: GET /api/v2/jobs, "Query Parameters". */
export const FILTERS = {
  id: fixed('id', 'strings', 'Job ids, comma separated'),
  idStartsWith: fixed('id__starts_with', 'string', 'First characters of the job id'),
  batchId: fixed('batch_id', 'strings', 'Batch ids, comma separated'),
  projectId: fixed('project_id', 'strings', 'Project ids, comma separated'),
  userId: fixed('user_id', 'strings', 'User ids, comma separated'),
  status: mutable('status', 'strings', 'Statuses, comma separated, such as DONE,ERROR,CANCELED'),
  minRuns: mutable('min_runs', 'integer', 'Sequence repeated at least so many times'),
  maxRuns: mutable('max_runs', 'integer', 'Sequence repeated at most so many times'),
  // biome-ignore format: a filter is one line
  errors: mutable('errors', 'boolean', 'Only jobs that returned errors; --no-errors: only jobs that did not'),
  origin: fixed('origin', 'strings', 'Origins, comma separated: CLIENT, AZURE, UNKNOWN'),
  // biome-ignore format: a filter is one line
  startDate: mutable('start_date', 'date', "The API's start_date: an ISO 8601 date (midnight UTC) or date-time"),
  // biome-ignore format: a filter is one line
  endDate: mutable('end_date', 'date', "The API's end_date: an ISO 8601 date (midnight UTC) or date-time"),
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
export function filterParameters(
  filters: FiltersOf<FilterTable>,
  table: FilterTable = FILTERS,
): [parameter: string, value: string][] {
  return given(filters, table).flatMap(([name, value]) =>
    [value].flat().map((item): [string, string] => [table[name].parameter, String(item)]),
  );
}

/** Names of the filters given that a job can enter or leave. */
export function mutableFilters(
  filters: FiltersOf<FilterTable>,
  table: FilterTable = FILTERS,
): string[] {
  return given(filters, table)
    .map(([name]) => name)
    .filter((name) => table[name].mutable);
}

/**
 * The filters in a form that is equal when they match the same jobs: neither the order of filters, nor that of their
 * values, nor a value said twice changes it. For fingerprints.
 */
export function canonicalFilters(
  filters: FiltersOf<FilterTable>,
  table: FilterTable = FILTERS,
): [name: string, value: FilterValues[FilterType]][] {
  return given(filters, table)
    .map(([name, value]): [string, FilterValues[FilterType]] => [
      name,
      typeof value === 'object' ? [...new Set(value)].sort() : value,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** @throws TypeError for a filter that the table does not have */
function given(
  filters: FiltersOf<FilterTable>,
  table: FilterTable,
): [name: string, value: FilterValues[FilterType]][] {
  for (const name of Object.keys(filters))
    if (!Object.hasOwn(table, name)) throw new TypeError(`filters.${name}: no such filter`);
  return Object.keys(table).flatMap((name): [string, FilterValues[FilterType]][] => {
    const value = filters[name];
    return value === undefined ? [] : [[name, value]];
  });
}
