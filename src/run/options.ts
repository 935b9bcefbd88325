import { OPTIONAL_COLUMNS } from '../jobs/columns.ts';
import type { Manifest } from '../jobs/manifest.ts';
import type { Credentials, TokenEndpoint } from '../jobs/options.ts';
import {
  COMPRESSIONS,
  type Filters,
  FORMATS,
  type PipelineDefinition,
  REGIONS as REGION_NAMES,
  type Region,
} from '../jobs/pipeline.ts';
import { FILTERS, type FilterTable, type FilterType, flagOf } from '../jobs/query.ts';
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
  region: option('region', 'Server', values.choice(REGION_NAMES), 'Region of the platform: picks the API and the place to sign in', 'fr'),
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

/** Proxies on the way to the API and to the place to sign in. */
export interface ProxySettings {
  /** For http and https URLs. A password in it is never shown. */
  readonly http?: string;
  readonly https?: string;
  /** Hosts that are reached without one, as in `NO_PROXY`. */
  readonly noProxy?: string;
}

/** A date given relative to the start of the run, and the date it stands for. */
export interface RelativeDate {
  readonly written: string;
  readonly at: string;
}

/** Everything an export needs to know, checked, defaults filled in. `output` is absolute. */
export type ExportOptions = Omit<Values<typeof RUN_OPTIONS>, 'region' | 'apiUrl'> & {
  readonly apiUrl: string;
  readonly credentials: Credentials;
  readonly filters: Filters;
  /** Which dates of `filters` were written relative to now (`-7d`). */
  readonly relative?: { readonly [Name in 'startDate' | 'endDate']?: RelativeDate };
  readonly proxy?: ProxySettings;
};

export interface ExportResult {
  /** Absolute path of the published snapshot. */
  readonly folder: string;
  readonly manifest: Manifest;
}

type Named = Extract<Credentials, { readonly endpoint: TokenEndpoint }>;
type WithoutEndpoint<C> = C extends Named
  ? Omit<C, 'endpoint'> & { readonly endpoint?: Partial<TokenEndpoint> }
  : C;

/** `Credentials` whose place to sign in, or parts of it, may be left to the region. */
export type GivenCredentials = WithoutEndpoint<Credentials>;

/** What `runExport` takes: `{ region, credentials }` or `{ apiUrl, credentials }`, a pipeline definition, anything else. */
export type GivenOptions = Partial<Omit<ExportOptions, 'credentials'> & PipelineDefinition> & {
  readonly region?: Region;
  readonly credentials: GivenCredentials;
};

const AUDIENCE = 'https://apis.pasqal.cloud/account/api/v1';

/** Where each region's API is, and where its tokens come from. Source: docs/api.md "Sign-in". */
export const REGIONS: Readonly<
  Record<Region, { readonly apiUrl: string; readonly endpoint: TokenEndpoint }>
> = {
  fr: {
    apiUrl: 'https://apis.pasqal.cloud/core-fast',
    endpoint: {
      url: 'https://pasqal.eu.auth0.com/oauth/token',
      publicClientId: 'PeZvo7Atx7IVv3iel59asJSb4Ig7vuSB',
      realm: 'pcs-users',
      passwordGrant: 'http://auth0.com/oauth/grant-type/password-realm',
      audience: AUDIENCE,
    },
  },
  sa: {
    apiUrl: 'https://apis.sa.pasqal.cloud/core-fast',
    endpoint: {
      url: 'https://auth.sa.pasqal.cloud/realms/pasqal-cloud/protocol/openid-connect/token',
      publicClientId: 'cloud-sdk',
      realm: 'pasqal-cloud',
      passwordGrant: 'password',
      audience: AUDIENCE,
    },
  },
};

/** Collects a value for each option of a table, leaving out what is undefined. */
export function collect<Table extends Rows>(
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
export function withDefaults<Table extends Rows>(
  table: Table,
  given: Partial<Values<Table>>,
): Values<Table> {
  const defaults = collect(table, (option) => ('fallback' in option ? option.fallback : undefined));
  // Exactly the options that the type says are always there have a fallback.
  return { ...defaults, ...given } as Values<Table>;
}
