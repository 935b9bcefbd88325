import { resolve } from 'node:path';
import type { Credentials } from '../jobs/options.ts';
import type { Filters, PipelineDefinition, Region } from '../jobs/pipeline.ts';
import { parseTimestamp } from '../jobs/timestamp.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
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
import {
  ageOf,
  hint,
  isLoopback,
  orExit,
  quote,
  Refusal,
  readValue,
  server,
  within,
} from './values.ts';

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
  return orExit(EXIT.usage, () => {
    const own = ['credentials', 'filters', 'proxy', 'relative', 'description'];
    const source = fieldsOf(given, 'expected an object of options');
    refuseUnknown(source, [...own, ...Object.keys(RUN_OPTIONS)]);
    const { region, apiUrl, ...run } = withDefaults(RUN_OPTIONS, pick(RUN_OPTIONS, source));
    const url = apiUrl ?? (region && REGIONS[region].apiUrl);
    if (url === undefined) throw new Refusal('apiUrl: give it, or a region');
    const filters = within('filters', () => filtersOf(source.filters));
    const relative = { ...relativeDates(filters, now), ...given.relative };
    const dates = Object.entries(relative).map(([name, { at }]) => [name, at]);
    const options: ExportOptions = {
      ...run,
      output: resolve(run.output),
      apiUrl: url,
      filters: { ...filters, ...Object.fromEntries(dates) },
      credentials: within('credentials', () => credentialsOf(given.credentials, region)),
      ...(dates.length > 0 && { relative }),
      ...(given.proxy && { proxy: within('proxy', () => proxyOf(given.proxy)) }),
    };
    refuseEmptyRanges(options.filters, nameOf);
    const { host, hostname } = new URL(url);
    if (options.credentials.kind === 'none' && !isLoopback(hostname)) {
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
      throw new Refusal('description: expected one line of text');
    }
    const filters = within('filters', () => filtersOf(source.filters));
    return { description, ...pick(RUN_OPTIONS, source), filters };
  };
  return orExit(EXIT.config, () => within(file, check));
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, otherwise: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Refusal(otherwise);
}

function refuseUnknown(source: Fields, names: readonly string[]): void {
  const unknown = Object.keys(source).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const next = hint(unknown, names, `known are ${names.join(', ')}`);
  throw new Refusal(`no option is called ${quote(unknown)}; ${next}`);
}

/** The options of a table that are given, checked. */
function pick<Table extends Rows>(table: Table, source: Fields) {
  return collect(table, ({ kind }, name) => {
    if (source[name] === undefined) return undefined;
    return within(name, () => readValue(kind, source[name]));
  });
}

function filtersOf(given: unknown): Filters {
  const source = fieldsOf(given ?? {}, 'expected an object');
  refuseUnknown(source, Object.keys(FILTER_OPTIONS));
  return pick(FILTER_OPTIONS, source);
}

function relativeDates({ startDate, endDate }: Filters, now: number) {
  const dates = Object.entries({ startDate, endDate }).flatMap(([name, written = '']) => {
    const age = ageOf(written);
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
    throw new Refusal(`${from} lies past ${to}: no job matches both; swap them or drop one`);
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
function credentialsOf(given: GivenCredentials, region: Region | undefined): Credentials {
  const source = fieldsOf(given, 'expected an object such as { kind: "token", token }');
  const names: readonly string[] | undefined = SIGN_IN[given.kind];
  if (names === undefined) {
    throw new Refusal(`kind: expected one of ${Object.keys(SIGN_IN).join(', ')}`);
  }
  textsOf(source, names);
  if (given.kind === 'none' || given.kind === 'token') return given;
  const endpoint = { ...(region && REGIONS[region].endpoint), ...given.endpoint };
  const texts = within('endpoint', () => textsOf(endpoint, ENDPOINT));
  const url = within('endpoint.url', () => readValue(server, texts.url));
  return { ...given, endpoint: { ...texts, url } };
}

/** These fields, each of which must be some text. */
function textsOf<Name extends string>(source: Fields, names: readonly Name[]) {
  const texts = names.map((name): [Name, string] => {
    const text = source[name];
    if (typeof text === 'string' && text !== '') return [name, text];
    throw new Refusal(`${name}: expected some text`);
  });
  // Every name has its text: beyond what the type checker follows.
  return Object.fromEntries(texts) as Record<Name, string>;
}

/** Nothing of a proxy's address is repeated: there may be a password in it. */
function proxyOf(given: ProxySettings | undefined): ProxySettings {
  const source = fieldsOf(given, 'expected an object');
  refuseUnknown(source, ['http', 'https', 'noProxy']);
  const { noProxy, ...addresses } = textsOf(
    source,
    Object.keys(source).filter((name) => source[name] !== undefined),
  );
  for (const [name, address] of Object.entries(addresses)) {
    if (/^https?:\/\/[^/]/i.test(address) && URL.canParse(address)) continue;
    throw new Refusal(`${name}: expected the URL of an http or https proxy`);
  }
  return { ...addresses, ...(noProxy !== undefined && { noProxy }) };
}
