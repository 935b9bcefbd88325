import { resolve } from 'node:path';
import { OPTIONAL_COLUMNS } from '../jobs/columns.ts';
import type { Manifest } from '../jobs/manifest.ts';
import * as access from '../jobs/options.ts';
import { COMPRESSIONS, type Filters, FORMATS, type PipelineDefinition } from '../jobs/pipeline.ts';
import { FILTERS, type Filter, type FilterType, flagOf } from '../jobs/query.ts';
import { parseTimestamp } from '../jobs/timestamp.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import * as values from './values.ts';

/** One option: a flag, an environment variable, a property of `runExport`, and for some of a pipeline file. */
export interface Option<T = unknown> {
  /** Without the leading dashes. */
  readonly flag: string;
  /** Heading in `--help`. */
  readonly group: 'Which jobs' | 'Server' | 'Files' | 'The run' | 'What is printed';
  readonly kind: values.Kind<T>;
  readonly help: string;
  /** Its value when it is not given, as a command line would give it. */
  readonly fallback?: string;
  /** What happens when it is not given, for `--help`. */
  readonly shownDefault?: string | undefined;
  /** A pipeline file may set it. */
  readonly inFile?: boolean;
}

/** Declares an option. `--help` shows its fallback unless `more` has other words. */
export function option<T, const More extends Pick<Option, 'fallback' | 'shownDefault' | 'inFile'>>(
  flag: string,
  group: Option['group'],
  kind: values.Kind<T>,
  help: string,
  more: More,
): Option<T> & More {
  return { flag, group, kind, help, shownDefault: more.fallback, ...more };
}

/** Of a switch that is off unless it is given. */
export const OFF = { fallback: 'false', shownDefault: '' } as const;
/** Of what a pipeline file may set too. */
const IN_FILE = { inFile: true } as const;

export type Rows = Readonly<Record<string, Option>>;
type ValueOf<O> = O extends Option<infer T> ? T : never;
type DefaultedOf<Table extends Rows> = {
  [Key in keyof Table]: Table[Key] extends { readonly fallback: string } ? Key : never;
}[keyof Table];

/** The values of a table of options: those with a fallback are there, the others may be. */
export type Values<Table extends Rows> = {
  readonly [Key in DefaultedOf<Table>]: ValueOf<Table[Key]>;
} & { readonly [Key in Exclude<keyof Table, DefaultedOf<Table>>]?: ValueOf<Table[Key]> };

/** What the values of a type of filter may be. */
const FILTER_KINDS: { readonly [T in FilterType]: values.Kind<unknown> } = {
  strings: values.texts,
  string: values.text,
  integer: values.integer(0),
  boolean: values.switched,
  date: values.dateTime,
};

/** Which jobs: the API's own filters, by their names in `Filters`. */
export const FILTER_OPTIONS = Object.fromEntries(
  Object.entries<Filter>(FILTERS).map(([name, { type, help }]) => {
    const more = type === 'date' ? ', or so long before now: -7d' : '';
    return [name, option(flagOf(name), 'Which jobs', FILTER_KINDS[type], help + more, {})];
  }),
  // The kind of a filter's values is that of its type: beyond what the type checker follows.
) as { readonly [Name in keyof Filters]-?: Option<NonNullable<Filters[Name]>> };

/** How an export runs, by the names that `runExport` knows. */
// biome-ignore format: an option is one line
export const RUN_OPTIONS = {
  region: option('region', 'Server', values.choice(access.REGION_NAMES), 'Region of the platform: picks the API and the place to sign in', { shownDefault: 'fr' }),
  apiUrl: option('api-url', 'Server', values.server, 'Base URL of the API, over that of the region; http for loopback hosts only', { shownDefault: "the region's" }),
  pageSize: option('page-size', 'Server', values.integer(2, 100), 'Jobs a page, 2 to 100', { ...IN_FILE, fallback: '100' }),
  concurrency: option('concurrency', 'Server', values.integer(1, 64), 'Requests in flight at most, 1 to 64', { ...IN_FILE, fallback: '16' }),
  formats: option('format', 'Files', values.choices(FORMATS), 'Files to write, comma separated', { ...IN_FILE, fallback: FORMATS.join(',') }),
  compression: option('compression', 'Files', values.choice(COMPRESSIONS), 'zstd or snappy (Parquet only), gzip (Parquet and NDJSON) or none', { ...IN_FILE, shownDefault: 'zstd for Parquet, else none' }),
  without: option('without', 'Files', values.choices(OPTIONAL_COLUMNS), 'Columns to leave out of every file, comma separated', { ...IN_FILE, shownDefault: 'none' }),
  output: option('output', 'Files', values.path, 'Folder that holds one folder a pipeline', { fallback: 'output' }),
  pipeline: option('as', 'Files', values.name, 'Name of the folder in the output folder, and of the lock', { fallback: 'jobs', shownDefault: "the pipeline's" }),
  keep: option('keep', 'Files', values.integer(1), 'Snapshots kept, the new one included; older ones are removed', { ...IN_FILE, shownDefault: 'all' }),
  incremental: option('incremental', 'The run', values.switched, 'Go on from the last snapshot where it is proven: read only what is new or may have changed', { ...IN_FILE, ...OFF }),
  fullEveryMs: option('full-every', 'The run', values.duration('0s', '365d'), 'With --incremental: read everything when that was last done so long ago', { ...IN_FILE, fallback: '7d' }),
  overlapMs: option('overlap', 'The run', values.duration('0s', '30d'), 'With --incremental: how late before the last run a job may appear in the list', { ...IN_FILE, fallback: '1h' }),
  changes: option('changes', 'Files', values.switched, 'Write changes.*: what was created, updated or deleted since the last snapshot; --no-changes: do not', { ...IN_FILE, fallback: 'true' }),
  report: option('report', 'Files', values.switched, 'Write report.html, a page to look at, and report.sql, the SQL of its numbers', { ...IN_FILE, ...OFF }),
  timeZone: option('time-zone', 'Files', values.timeZone, 'Time zone of the days and hours of the report, such as Europe/Paris', { ...IN_FILE, fallback: 'UTC' }),
  maxShrink: option('max-shrink', 'The run', values.share, 'Share of jobs that may be gone since the last snapshot, such as 20%', { ...IN_FILE, shownDefault: '20%, none where jobs can leave a filter' }),
  allowShrink: option('allow-shrink', 'The run', values.switched, 'Publish however many jobs are gone', OFF),
  replace: option('replace', 'The run', values.switched, 'Let the export follow one of another API, account, filters or columns in its folder', OFF),
  maxRejects: option('max-rejects', 'The run', values.integer(0), 'Rows that may be set aside before the run fails', { ...IN_FILE, fallback: '0' }),
  allowIncomplete: option('allow-incomplete', 'The run', values.switched, 'Publish even when completeness is not proven; the manifest says so', OFF),
  restart: option('restart', 'The run', values.switched, 'Discard unfinished work instead of resuming it', OFF),
  breakLock: option('break-lock', 'The run', values.switched, 'Take over the lock of a run that is known to be dead', OFF),
  resumeWithinMs: option('resume-within', 'The run', values.duration('0s', '365d'), 'Age at which unfinished work is started afresh', { fallback: '12h' }),
  deadlineMs: option('deadline', 'The run', values.duration('1s', '24d'), 'Stop after so long, resumable, such as 30m', { shownDefault: 'none' }),
  keepTryingMs: option('keep-trying', 'The run', values.duration('0s', '7d'), 'After what may pass by itself, such as an outage, go on again for so long, such as 3h', { fallback: '0s' }),
} as const satisfies Rows;

/** A date given relative to the start of the run, and the date it stands for. */
export interface RelativeDate {
  readonly written: string;
  readonly at: string;
}

/** Everything an export needs to know, checked, defaults filled in. `output` is absolute. */
export type ExportOptions = Omit<Values<typeof RUN_OPTIONS>, 'region' | 'apiUrl'> & {
  readonly apiUrl: string;
  readonly credentials: access.Credentials;
  readonly filters: Filters;
  /** Which dates of `filters` were written relative to now (`-7d`). */
  readonly relative?: { readonly [Name in 'startDate' | 'endDate']?: RelativeDate };
  readonly proxy?: access.ProxySettings;
};

export interface ExportResult {
  /** Absolute path of the published snapshot. */
  readonly folder: string;
  readonly manifest: Manifest;
}

/** What `runExport` takes: `{ region, credentials }` or `{ apiUrl, credentials }`, a pipeline definition, anything else. */
export type GivenOptions = Partial<
  Omit<ExportOptions, 'credentials' | 'relative'> & PipelineDefinition
> & {
  readonly region?: access.Region;
  readonly credentials: access.GivenCredentials;
};

/** Collects a value for each option of a table, leaving out what is undefined. */
function collect<Table extends Rows>(
  table: Table,
  read: (option: Option, name: string) => unknown,
): Partial<Values<Table>> {
  const found = Object.entries(table).map(([name, option]) => [name, read(option, name)] as const);
  // What `read` returns for an option is of the option's kind: beyond what the type checker follows.
  return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as Partial<
    Values<Table>
  >;
}

/** Fills in the fallbacks of the options that are not given. */
function withDefaults<Table extends Rows>(table: Table, given: Partial<Values<Table>>) {
  const defaults = collect(
    table,
    ({ kind, fallback }) => fallback && values.parse(kind, fallback.split(',')),
  );
  // Exactly the options that the type says are always there have a fallback.
  return { ...defaults, ...given } as Values<Table>;
}

/** Checked values by flag, as a command line gives them. */
export type Given = Readonly<Record<string, unknown>>;

/** The values of a table of options as a command line gives them. */
export function givenOf<Table extends Rows>(table: Table, given: Given) {
  return collect(table, ({ flag }) => given[flag]);
}

/** The same with the fallbacks of the options that are not given. */
export function settings<Table extends Rows>(table: Table, given: Given) {
  return withDefaults(table, givenOf(table, given));
}

/** Options that were checked are not checked again: a relative date would move. */
const checked = new WeakSet<object>();

/**
 * Checks everything that an export is told, and fills in what it is not: the border of the library.
 *
 * @param now milliseconds since the epoch, for dates such as `-7d`
 * @param nameOf how the caller calls an option in messages
 * @throws ExportError (64) for an option that is unknown, missing or refused; (78) without credentials
 */
export function checkOptions(
  given: GivenOptions,
  now: number,
  nameOf: (name: string) => string = (name) => name,
): ExportOptions {
  if (isChecked(given)) return given;
  return values.orExit(EXIT.usage, () => {
    const own = ['credentials', 'filters', 'proxy', 'description'];
    const source = fieldsOf(given, 'expected an object of options');
    refuseUnknown(source, [...own, ...Object.keys(RUN_OPTIONS)]);
    const { region, apiUrl, ...run } = withDefaults(RUN_OPTIONS, pick(RUN_OPTIONS, source));
    const url = apiUrl ?? (region && access.REGIONS[region].apiUrl);
    if (url === undefined) throw new values.Refusal('apiUrl: give it, or a region');
    const filters = values.within('filters', () => filtersOf(source.filters));
    const relative = relativeDates(filters, now);
    const dates = Object.entries(relative).map(([name, { at }]) => [name, at]);
    const options: ExportOptions = {
      ...run,
      output: resolve(run.output),
      apiUrl: url,
      filters: { ...filters, ...Object.fromEntries(dates) },
      credentials: values.within('credentials', () => credentialsOf(given.credentials, region)),
      ...(dates.length > 0 && { relative }),
      ...(given.proxy && { proxy: values.within('proxy', () => proxyOf(given.proxy)) }),
    };
    refuseEmptyRanges(options.filters, nameOf);
    const { host, hostname } = new URL(url);
    if (options.credentials.kind === 'none' && !values.isLoopback(hostname)) {
      const message = `credentials: none are given for ${host}`;
      throw new ExportError(message, { exitCode: EXIT.config, stage: 'cli' });
    }
    checked.add(options);
    return options;
  });
}

function isChecked(given: object): given is ExportOptions {
  return checked.has(given);
}

/**
 * Checks what a pipeline file exports by the rules of the options of the same names.
 *
 * @param file its name for messages
 * @throws ExportError (78) naming file and option
 */
export function checkDefinition(exported: unknown, file: string): PipelineDefinition {
  const check = () => {
    const source = fieldsOf(exported, 'expected "export default definePipeline({ ... })"');
    const options = Object.entries<Option>(RUN_OPTIONS).filter(([, { inFile }]) => inFile);
    const names = ['description', 'filters', ...options.map(([name]) => name), '$schema'];
    refuseUnknown(source, names);
    const { description } = source;
    if (typeof description !== 'string' || description.trim() === '') {
      throw new values.Refusal('description: expected one line of text');
    }
    const filters = values.within('filters', () => filtersOf(source.filters));
    return { description, ...pick(RUN_OPTIONS, source), filters };
  };
  return values.orExit(EXIT.config, () => values.within(file, check));
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, otherwise: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new values.Refusal(otherwise);
}

function refuseUnknown(source: Fields, names: readonly string[]): void {
  const unknown = Object.keys(source).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const next = values.hint(unknown, names, `known are ${names.join(', ')}`);
  throw new values.Refusal(`no option is called ${values.quote(unknown)}; ${next}`);
}

/** The options of a table that are given, checked. */
function pick<Table extends Rows>(table: Table, source: Fields) {
  return collect(table, ({ kind }, name) => {
    if (source[name] === undefined) return undefined;
    return values.within(name, () => values.readValue(kind, source[name]));
  });
}

function filtersOf(given: unknown): Filters {
  const source = fieldsOf(given ?? {}, 'expected an object');
  refuseUnknown(source, Object.keys(FILTER_OPTIONS));
  return pick(FILTER_OPTIONS, source);
}

function relativeDates({ startDate, endDate }: Filters, now: number) {
  const dates = Object.entries({ startDate, endDate }).flatMap(([name, written = '']) => {
    const age = values.ageOf(written);
    if (age === undefined) return [];
    const at = new Date(now - age).toISOString().replace(/\.\d+Z$/, 'Z');
    return [[name, { written, at }] as const];
  });
  return Object.fromEntries(dates);
}

function refuseEmptyRanges(filters: Filters, nameOf: (name: string) => string): void {
  const { minRuns = 0, maxRuns = Number.POSITIVE_INFINITY, startDate = '', endDate = '' } = filters;
  const [start, end] = [parseTimestamp(startDate), parseTimestamp(endDate)];
  const ranges = [
    ['minRuns', 'maxRuns', minRuns > maxRuns],
    ['startDate', 'endDate', start !== null && end !== null && start > end],
  ] as const;
  for (const [low, high, isEmpty] of ranges) {
    if (!isEmpty) continue;
    const [from, to] = [low, high].map((name) => `${nameOf(name)} ${filters[name]}`);
    throw new values.Refusal(`${from} lies past ${to}: no job matches both; swap them or drop one`);
  }
}

/** What each way to sign in needs. */
const SIGN_IN: { readonly [Kind in access.Credentials['kind']]: Texts<string> } = {
  none: {},
  token: { token: values.secret },
  password: { username: values.secret, password: values.secret },
  client: { clientId: values.secret, clientSecret: values.secret },
};
const ENDPOINT = {
  ...{ url: values.server, publicClientId: values.text, realm: values.text },
  ...{ passwordGrant: values.text, audience: values.text },
};

/** Nothing of what was given is repeated: it may be a secret. */
function credentialsOf(given: access.GivenCredentials, region?: access.Region): access.Credentials {
  const source = fieldsOf(given, 'expected an object such as { kind: "token", token }');
  const needed: Texts<string> | undefined = Object.hasOwn(SIGN_IN, given.kind)
    ? SIGN_IN[given.kind]
    : undefined;
  if (needed === undefined) {
    throw new values.Refusal(`kind: expected one of ${Object.keys(SIGN_IN).join(', ')}`);
  }
  readAll(needed, source);
  if (given.kind === 'none' || given.kind === 'token') return given;
  const endpoint = { ...(region && access.REGIONS[region].endpoint), ...given.endpoint };
  return { ...given, endpoint: values.within('endpoint', () => readAll(ENDPOINT, endpoint)) };
}

type Texts<Name extends string> = Readonly<Record<Name, values.Kind<string>>>;

/** These fields, each of which must be there. */
function readAll<Name extends string>(kinds: Texts<Name>, source: Fields) {
  const read = Object.entries<values.Kind<string>>(kinds).map(([name, kind]) => {
    return [name, values.within(name, () => values.readValue(kind, source[name]))] as const;
  });
  // Every name has its text: beyond what the type checker follows.
  return Object.fromEntries(read) as Record<Name, string>;
}

function proxyOf(given: access.ProxySettings | undefined): access.ProxySettings {
  const source = fieldsOf(given, 'expected an object');
  const kinds = { http: values.proxy, https: values.proxy, noProxy: values.text };
  refuseUnknown(source, Object.keys(kinds));
  const there = Object.entries(kinds).filter(([name]) => source[name] !== undefined);
  return readAll(Object.fromEntries(there), source);
}
