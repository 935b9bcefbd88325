import { resolve } from 'node:path';
import { OPTIONAL_COLUMNS } from '../jobs/columns.ts';
import type { Manifest } from '../jobs/manifest.ts';
import * as access from '../jobs/options.ts';
import { COMPRESSIONS, type Filters, FORMATS, type PipelineDefinition } from '../jobs/pipeline.ts';
import { FILTERS, type FilterTable, type FilterType, flagOf } from '../jobs/query.ts';
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
  /** What happens when it is not given, for `--help`. */
  readonly shownDefault?: string | undefined;
  /** A pipeline file may set it. */
  readonly inFile?: boolean;
}

/** An option that has a value in any case. */
export interface Defaulted<T> extends Option<T> {
  readonly fallback: T;
}

export function option<T>(
  flag: string,
  group: Option['group'],
  kind: values.Kind<T>,
  help: string,
  shownDefault?: string,
): Option<T> {
  return { flag, group, kind, help, shownDefault };
}

/** Declares an option with a default, in the words of the command line. */
export function preset<T>(
  flag: string,
  group: Option['group'],
  kind: values.Kind<T>,
  help: string,
  fallback: string,
  shownDefault = fallback,
): Defaulted<T> {
  const value = kind.parse(kind.written === 'list' ? fallback.split(',') : [fallback]);
  return { ...option(flag, group, kind, help, shownDefault), fallback: value };
}

/** A switch that is off unless it is given. */
export function off(flag: string, group: Option['group'], help: string): Defaulted<boolean> {
  return { ...option(flag, group, values.switched, help), fallback: false };
}

function inFile<O extends Option>(given: O): O & { readonly inFile: true } {
  return { ...given, inFile: true };
}

export type Rows = Readonly<Record<string, Option>>;
type ValueOf<O> = O extends Option<infer T> ? T : never;
type DefaultedOf<Table extends Rows> = {
  [Key in keyof Table]: Table[Key] extends Defaulted<unknown> ? Key : never;
}[keyof Table];

/** The values of a table of options: those with a default are there, the others may be. */
export type Values<Table extends Rows> = {
  readonly [Key in DefaultedOf<Table>]: ValueOf<Table[Key]>;
} & { readonly [Key in Exclude<keyof Table, DefaultedOf<Table>>]?: ValueOf<Table[Key]> };

/** What the values of a type of filter may be. */
const FILTER_KINDS: { readonly [T in FilterType]: values.Kind<unknown> } = {
  strings: values.texts,
  string: values.text(),
  integer: values.integer(0),
  boolean: values.switched,
  date: values.dateTime,
};

/** The options of a table of filters, by the names of the filters. */
export function filterOptions(table: FilterTable): Rows {
  const rows = Object.entries(table).map(([name, { type, help }]) => {
    const more = type === 'date' ? ', or so long before now: -7d' : '';
    return [name, option(flagOf(name), 'Which jobs', FILTER_KINDS[type], help + more)];
  });
  return Object.fromEntries(rows);
}

/** Which jobs: the API's own filters, by their names in `Filters`. */
// The kind of a filter's values is that of its type: beyond what the type checker follows.
export const FILTER_OPTIONS = filterOptions(FILTERS) as {
  readonly [Name in keyof Filters]-?: Option<NonNullable<Filters[Name]>>;
};

/** How an export runs, by the names that `runExport` knows. */
// biome-ignore format: an option is one line
export const RUN_OPTIONS = {
  region: option('region', 'Server', values.choice(access.REGION_NAMES), 'Region of the platform: picks the API and the place to sign in', 'fr'),
  apiUrl: option('api-url', 'Server', values.server, 'Base URL of the API, over that of the region; http for loopback hosts only', "the region's"),
  pageSize: inFile(preset('page-size', 'Server', values.integer(2, 100), 'Jobs a page, 2 to 100', '100')),
  concurrency: inFile(preset('concurrency', 'Server', values.integer(1, 64), 'Requests in flight at most, 1 to 64', '16')),
  formats: inFile(preset('format', 'Files', values.choices(FORMATS), 'Files to write, comma separated', FORMATS.join(','))),
  compression: inFile(option('compression', 'Files', values.choice(COMPRESSIONS), 'zstd or snappy (Parquet only), gzip (Parquet and NDJSON) or none', 'zstd for Parquet, else none')),
  without: inFile(option('without', 'Files', values.choices(OPTIONAL_COLUMNS), 'Columns to leave out of every file, comma separated', 'none')),
  output: preset('output', 'Files', values.path, 'Folder that holds one folder a pipeline', 'output'),
  pipeline: preset('as', 'Files', values.name, 'Name of the folder in the output folder, and of the lock', 'jobs', "the pipeline's"),
  keep: inFile(option('keep', 'Files', values.integer(1), 'Snapshots kept, the new one included; older ones are removed', 'all')),
  incremental: inFile(off('incremental', 'The run', 'Go on from the last snapshot where it is proven: read only what is new or may have changed')),
  fullEveryMs: inFile(preset('full-every', 'The run', values.duration('0s', '365d'), 'With --incremental: read everything when that was last done so long ago', '7d')),
  overlapMs: inFile(preset('overlap', 'The run', values.duration('0s', '30d'), 'With --incremental: how late before the last run a job may appear in the list', '1h')),
  changes: inFile(preset('changes', 'Files', values.switched, 'Write changes.*: what was created, updated or deleted since the last snapshot; --no-changes: do not', 'true')),
  report: inFile(off('report', 'Files', 'Write report.html, a page to look at, and report.sql, the SQL of its numbers')),
  timeZone: inFile(preset('time-zone', 'Files', values.timeZone, 'Time zone of the days and hours of the report, such as Europe/Paris', 'UTC')),
  maxShrink: inFile(option('max-shrink', 'The run', values.share, 'Share of jobs that may be gone since the last snapshot, such as 20%', '20%, none where jobs can leave a filter')),
  allowShrink: off('allow-shrink', 'The run', 'Publish however many jobs are gone'),
  replace: off('replace', 'The run', 'Let the export follow one of another API, account, filters or columns in its folder'),
  maxRejects: inFile(preset('max-rejects', 'The run', values.integer(0), 'Rows that may be set aside before the run fails', '0')),
  allowIncomplete: off('allow-incomplete', 'The run', 'Publish even when completeness is not proven; the manifest says so'),
  restart: off('restart', 'The run', 'Discard unfinished work instead of resuming it'),
  breakLock: off('break-lock', 'The run', 'Take over the lock of a run that is known to be dead'),
  resumeWithinMs: preset('resume-within', 'The run', values.duration('0s', '365d'), 'Age at which unfinished work is started afresh', '12h'),
  deadlineMs: option('deadline', 'The run', values.duration('1s', '24d'), 'Stop after so long, resumable, such as 30m', 'none'),
  keepTryingMs: preset('keep-trying', 'The run', values.duration('0s', '7d'), 'After what may pass by itself, such as an outage, go on again for so long, such as 3h', '0s'),
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
export type GivenOptions = Partial<Omit<ExportOptions, 'credentials'> & PipelineDefinition> & {
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

/** Fills in the defaults of the options that are not given. */
function withDefaults<Table extends Rows>(table: Table, given: Partial<Values<Table>>) {
  const defaults = collect(table, (option) => ('fallback' in option ? option.fallback : undefined));
  // Exactly the options that the type says are always there have a fallback.
  return { ...defaults, ...given } as Values<Table>;
}

/** Checked values by flag, as a command line gives them. */
export type Given = Readonly<Record<string, unknown>>;

/** The values of a table of options as a command line gives them. */
export function givenOf<Table extends Rows>(table: Table, given: Given) {
  return collect(table, ({ flag }) => given[flag]);
}

/** The same with the defaults of the options that are not given. */
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
    const own = ['credentials', 'filters', 'proxy', 'relative', 'description'];
    const source = fieldsOf(given, 'expected an object of options');
    refuseUnknown(source, [...own, ...Object.keys(RUN_OPTIONS)]);
    const { region, apiUrl, ...run } = withDefaults(RUN_OPTIONS, pick(RUN_OPTIONS, source));
    const url = apiUrl ?? (region && access.REGIONS[region].apiUrl);
    if (url === undefined) throw new values.Refusal('apiUrl: give it, or a region');
    const filters = values.within('filters', () => filtersOf(source.filters));
    const relative = { ...relativeDates(filters, now), ...given.relative };
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

/** Texts that each way to sign in needs. */
const SIGN_IN: { readonly [Kind in access.Credentials['kind']]: readonly string[] } = {
  none: [],
  token: ['token'],
  password: ['username', 'password'],
  client: ['clientId', 'clientSecret'],
};

const ENDPOINT = ['url', 'publicClientId', 'realm', 'passwordGrant', 'audience'] as const;

/** Nothing of what was given is repeated: it may be a secret. */
function credentialsOf(given: access.GivenCredentials, region?: access.Region): access.Credentials {
  const source = fieldsOf(given, 'expected an object such as { kind: "token", token }');
  const names: readonly string[] | undefined = SIGN_IN[given.kind];
  if (names === undefined) {
    throw new values.Refusal(`kind: expected one of ${Object.keys(SIGN_IN).join(', ')}`);
  }
  textsOf(source, names);
  if (given.kind === 'none' || given.kind === 'token') return given;
  const endpoint = { ...(region && access.REGIONS[region].endpoint), ...given.endpoint };
  const texts = values.within('endpoint', () => textsOf(endpoint, ENDPOINT));
  const url = values.within('endpoint.url', () => values.readValue(values.server, texts.url));
  return { ...given, endpoint: { ...texts, url } };
}

/** These fields, each of which must be some text. */
function textsOf<Name extends string>(source: Fields, names: readonly Name[]) {
  const texts = names.map((name): [Name, string] => {
    const text = source[name];
    if (typeof text === 'string' && text !== '') return [name, text];
    throw new values.Refusal(`${name}: expected some text`);
  });
  // Every name has its text: beyond what the type checker follows.
  return Object.fromEntries(texts) as Record<Name, string>;
}

/** Nothing of a proxy's address is repeated: there may be a password in it. */
function proxyOf(given: access.ProxySettings | undefined): access.ProxySettings {
  const source = fieldsOf(given, 'expected an object');
  refuseUnknown(source, ['http', 'https', 'noProxy']);
  const { noProxy, ...addresses } = textsOf(
    source,
    Object.keys(source).filter((name) => source[name] !== undefined),
  );
  for (const [name, address] of Object.entries(addresses)) {
    if (/^https?:\/\/[^/]/i.test(address) && URL.canParse(address)) continue;
    throw new values.Refusal(`${name}: expected the URL of an http or https proxy`);
  }
  return { ...addresses, ...(noProxy !== undefined && { noProxy }) };
}
