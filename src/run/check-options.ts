import { resolve } from 'node:path';
import type { Credentials } from '../jobs/options.ts';
import type { Filters, PipelineDefinition, Region } from '../jobs/pipeline.ts';
import { parseTimestamp } from '../jobs/timestamp.ts';
import { EXIT, type ExitCode, ExportError } from '../platform/errors.ts';
import {
  collect,
  type ExportOptions,
  FILTER_OPTIONS,
  type GivenCredentials,
  type GivenOptions,
  type Option,
  type ProxySettings,
  REGIONS,
  type Rows,
  RUN_OPTIONS,
  withDefaults,
} from './options.ts';
import * as values from './values.ts';

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
  const place: Place = { exitCode: EXIT.usage, nameOf };
  const own = ['credentials', 'filters', 'proxy', 'relative', 'description'];
  const source = fieldsOf(given, place, 'expected an object of options');
  refuseUnknown(source, [...own, ...Object.keys(RUN_OPTIONS)], place);
  const { region, apiUrl, ...run } = withDefaults(RUN_OPTIONS, pick(RUN_OPTIONS, source, place));
  const url = apiUrl ?? (region && REGIONS[region].apiUrl);
  if (url === undefined) throw refused(place, 'apiUrl', 'give it, or a region');
  const filters = filtersOf(source.filters, place);
  const relative = { ...relativeDates(filters, now), ...given.relative };
  const dates = Object.entries(relative).map(([name, { at }]) => [name, at]);
  const options: ExportOptions = {
    ...run,
    output: resolve(run.output),
    apiUrl: url,
    filters: { ...filters, ...Object.fromEntries(dates) },
    credentials: credentialsOf(given.credentials, region, place),
    ...(dates.length > 0 ? { relative } : {}),
    ...(given.proxy ? { proxy: proxyOf(given.proxy, place) } : {}),
  };
  refuseEmptyRanges(options.filters, place);
  const { host, hostname } = new URL(url);
  if (options.credentials.kind === 'none' && !values.isLoopback(hostname)) {
    throw refused({ ...place, exitCode: EXIT.config }, 'credentials', `none are given for ${host}`);
  }
  checked.add(options);
  return options;
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
  const place: Place = { exitCode: EXIT.config, nameOf: (name) => name, where: `${file}: ` };
  const source = fieldsOf(exported, place, 'expected "export default definePipeline({ ... })"');
  const options = Object.entries<Option>(RUN_OPTIONS).filter(([, { inFile }]) => inFile);
  const names = ['description', 'filters', ...options.map(([name]) => name), '$schema'];
  refuseUnknown(source, names, place);
  const { description } = source;
  if (typeof description !== 'string' || description.trim() === '') {
    throw refused(place, 'description', 'expected one line of text');
  }
  return {
    description,
    ...pick(RUN_OPTIONS, source, place),
    filters: filtersOf(source.filters, place),
  };
}

/** Where options come from, for messages. */
interface Place {
  readonly exitCode: ExitCode;
  readonly nameOf: (name: string) => string;
  readonly where?: string;
}

function refused({ exitCode, nameOf, where = '' }: Place, name: string, problem: string) {
  return new ExportError(`${where}${nameOf(name)}: ${problem}`, { exitCode, stage: 'cli' });
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, { exitCode, where = '' }: Place, otherwise: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new ExportError(`${where}${otherwise}`, { exitCode, stage: 'cli' });
}

function refuseUnknown(
  source: Fields,
  names: readonly string[],
  { exitCode, where = '' }: Place,
): void {
  const unknown = Object.keys(source).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const next = values.hint(unknown, names, `known are ${names.join(', ')}`);
  const problem = `no option is called ${values.quote(unknown)}; ${next}`;
  throw new ExportError(`${where}${problem}`, { exitCode, stage: 'cli' });
}

/** The options of a table that are given, checked. */
function pick<Table extends Rows>(table: Table, source: Fields, place: Place) {
  return collect(table, ({ kind }, name) => {
    if (source[name] === undefined) return undefined;
    return attempt(place, name, () => values.readValue(kind, source[name]));
  });
}

function attempt<T>(place: Place, name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof values.Refusal ? refused(place, name, error.message) : error;
  }
}

function filtersOf(given: unknown, place: Place): Filters {
  const within = { ...place, where: `${place.where ?? ''}filters: ` };
  const source = fieldsOf(given ?? {}, within, 'expected an object');
  refuseUnknown(source, Object.keys(FILTER_OPTIONS), within);
  return pick(FILTER_OPTIONS, source, within);
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

function refuseEmptyRanges(filters: Filters, { exitCode, nameOf }: Place): void {
  const time = (date = '') => parseTimestamp(date);
  const { minRuns = 0, maxRuns = Number.POSITIVE_INFINITY } = filters;
  const [start, end] = [time(filters.startDate), time(filters.endDate)];
  const ranges = [
    ['minRuns', 'maxRuns', minRuns > maxRuns],
    ['startDate', 'endDate', start !== null && end !== null && start > end],
  ] as const;
  for (const [low, high, empty] of ranges) {
    if (!empty) continue;
    const [from, to] = [low, high].map((name) => `${nameOf(name)} ${filters[name]}`);
    const problem = `${from} lies past ${to}: no job matches both; swap them or drop one`;
    throw new ExportError(problem, { exitCode, stage: 'cli' });
  }
}

/** Texts that each way to sign in needs. */
const SIGN_IN: { readonly [Kind in Credentials['kind']]: readonly string[] } = {
  none: [],
  token: ['token'],
  password: ['username', 'password'],
  client: ['clientId', 'clientSecret'],
};

const ENDPOINT = ['url', 'publicClientId', 'realm', 'passwordGrant', 'audience'] as const;

/** Nothing of what was given is repeated: it may be a secret. */
function credentialsOf(
  given: GivenCredentials,
  region: Region | undefined,
  place: Place,
): Credentials {
  const within = { ...place, where: `${place.where ?? ''}credentials: ` };
  const source = fieldsOf(given, within, 'expected an object such as { kind: "token", token }');
  const names: readonly string[] | undefined = SIGN_IN[given.kind];
  if (names === undefined) {
    throw refused(within, 'kind', `expected one of ${Object.keys(SIGN_IN).join(', ')}`);
  }
  requireTexts(source, names, within);
  if (given.kind === 'none' || given.kind === 'token') return given;
  const endpoint = { ...(region && REGIONS[region].endpoint), ...given.endpoint };
  requireTexts(endpoint, ENDPOINT, { ...within, where: `${within.where}endpoint: ` });
  const { url, publicClientId = '', realm = '', passwordGrant = '', audience = '' } = endpoint;
  const checkedUrl = attempt(within, 'endpoint.url', () => values.readValue(values.server, url));
  return {
    ...given,
    endpoint: { url: checkedUrl, publicClientId, realm, passwordGrant, audience },
  };
}

function requireTexts(source: Fields, names: readonly string[], place: Place): void {
  const missing = names.find((name) => typeof source[name] !== 'string' || source[name] === '');
  if (missing !== undefined) throw refused(place, missing, 'expected some text');
}

/** Nothing of a proxy's address is repeated: there may be a password in it. */
function proxyOf(given: ProxySettings, place: Place): ProxySettings {
  const within = { ...place, where: `${place.where ?? ''}proxy: ` };
  const source = fieldsOf(given, within, 'expected an object');
  refuseUnknown(source, ['http', 'https', 'noProxy'], within);
  const names = Object.keys(source).filter((name) => source[name] !== undefined);
  requireTexts(source, names, within);
  for (const name of ['http', 'https'] as const) {
    const address = given[name];
    if (address === undefined || (/^https?:\/\/[^/]/i.test(address) && URL.canParse(address)))
      continue;
    throw refused(within, name, 'expected the URL of an http or https proxy');
  }
  return given;
}
