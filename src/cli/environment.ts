import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { Option, ProxySettings } from '../run/options.ts';
import { hint, path as pathKind, Refusal } from '../run/values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'PASQAL_JOBS_';

/** The environment variable that sets an option: `page-size` is `PASQAL_JOBS_PAGE_SIZE`. */
export function variableOf({ flag }: Pick<Option, 'flag'>): string {
  return PREFIX + flag.toUpperCase().replaceAll('-', '_');
}

/** Where a value comes from, and how it is called there. */
export interface Source {
  readonly name: string;
  /** Working folder: relative paths start here. */
  readonly folder: string;
  /** The command to read on with, where the message shall name it. */
  readonly help?: string;
}

/**
 * Checks the texts given for an option. Of one that is given twice the last counts, so that a wrapper's defaults can be
 * overridden; lists add up, and `@file` in a list stands for the lines of a file.
 *
 * @throws ExportError (64) naming the source
 */
export function parseTexts(option: Option, texts: readonly string[], source: Source): unknown {
  const { kind } = option;
  try {
    if (kind.written === 'list') {
      const items = texts.flatMap((text) => itemsOf(text, source.folder));
      return kind.parse(items.map((item) => item.trim()));
    }
    const value = kind.parse(texts.slice(-1));
    return option.kind === pathKind ? resolve(source.folder, String(value)) : value;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const next = source.help === undefined ? '' : `; see ${source.help}`;
    throw usage(`${source.name}: ${error.message}${next}`);
  }
}

function itemsOf(text: string, folder: string): string[] {
  if (!text.startsWith('@')) return text.split(',');
  const file = resolve(folder, text.slice(1));
  try {
    const lines = withoutMark(readFileSync(file, 'utf8')).split(/\r?\n/);
    const items = lines.filter((line) => line.trim() !== '');
    if (items.length > 0) return items;
  } catch (error) {
    throw new Refusal(`cannot read ${file} (${errorCode(error) ?? 'unreadable'})`);
  }
  throw new Refusal(`${file} has no line with a value`);
}

/** What an editor or a shell left around a secret or a list: a byte order mark, line breaks at the end. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/(?:\r?\n)+$/, '');
}

/**
 * The values that variables give to options, by flag. An empty variable counts as unset: that is how schedulers and CI
 * pass on what they do not have.
 *
 * @throws ExportError (64) naming a variable that is refused
 */
export function variableValues(
  environment: Environment,
  options: readonly Option[],
  source: Omit<Source, 'name'>,
): Record<string, unknown> {
  const given: Record<string, unknown> = {};
  for (const option of options) {
    const name = variableOf(option);
    const text = environment[name]?.trim() ?? '';
    if (text !== '') given[option.flag] = parseTexts(option, [text], { ...source, name });
  }
  return given;
}

/** What Kubernetes and Docker links set for a service that is called `pasqal-jobs`. */
const PLATFORM =
  /^PASQAL_JOBS_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/**
 * A misspelt variable would silently export other jobs than meant, so an unknown one is an error.
 *
 * @throws ExportError (64) naming the variable, never its value
 */
export function refuseUnknownVariables(environment: Environment, options: readonly Option[]): void {
  const known = new Set(options.map(variableOf));
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith(PREFIX) && !known.has(name) && !PLATFORM.test(name),
  );
  if (unknown === undefined) return;
  const names = [...known].map((name) => name.slice(PREFIX.length));
  const next = hint(
    unknown.slice(PREFIX.length),
    names,
    'unset it, or see pasqal-jobs export --help',
    PREFIX,
  );
  throw usage(`${unknown}: no such variable; ${next}`);
}

/**
 * The proxies of the environment, in upper or lower case; lower case wins, as in curl. An address without a scheme is an
 * http proxy's.
 */
export function proxyFrom(environment: Environment): ProxySettings | undefined {
  const read = (name: string) => environment[name.toLowerCase()] || environment[name] || undefined;
  const address = (name: string) =>
    read(name)
      ?.trim()
      .replace(/^(?![a-z][a-z0-9+.-]*:\/\/)/i, 'http://');
  const [http, https, noProxy] = [address('HTTP_PROXY'), address('HTTPS_PROXY'), read('NO_PROXY')];
  if (http === undefined && https === undefined) return undefined;
  return { ...(http && { http }), ...(https && { https }), ...(noProxy && { noProxy }) };
}

function usage(message: string): ExportError {
  return new ExportError(message, { exitCode: EXIT.usage, stage: 'cli' });
}
