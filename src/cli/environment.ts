import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ProxySettings } from '../jobs/options.ts';
import { errorCode } from '../platform/errors.ts';
import type { Given, Option } from '../run/options.ts';
import { hint, parse, path as pathKind, Refusal, within } from '../run/values.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'PASQAL_JOBS_';

/** The environment variable that sets an option: `page-size` is `PASQAL_JOBS_PAGE_SIZE`. */
export function variableOf({ flag }: Pick<Option, 'flag'>): string {
  return PREFIX + flag.toUpperCase().replaceAll('-', '_');
}

/** What is given for an option: what messages call it, and the texts. Undefined: nothing. */
type Told = (option: Option) => readonly [name: string, texts: readonly string[]] | undefined;

/**
 * The checked values of options that flags or variables give, by flag. Of one that is given twice the last counts, so
 * that a wrapper's defaults can be overridden; lists add up, and `@file` in a list stands for the lines of a file.
 *
 * @param folder the working folder: relative paths start there
 * @throws Refusal naming a flag or a variable
 */
export function valuesOf(options: readonly Option[], folder: string, told: Told): Given {
  const parseTexts = ({ kind }: Option, texts: readonly string[]): unknown => {
    if (kind.written === 'list')
      return parse(
        kind,
        texts.flatMap((text) => itemsOf(text, folder)),
      );
    const value = parse(kind, texts.slice(-1));
    return kind === pathKind ? resolve(folder, String(value)) : value;
  };
  const values = options.flatMap((option) => {
    const [name, texts] = told(option) ?? [];
    if (name === undefined || texts === undefined) return [];
    return [[option.flag, within(name, () => parseTexts(option, texts))] as const];
  });
  return Object.fromEntries(values);
}

/** What variables tell. An empty one counts as unset: that is how schedulers and CI pass on what they do not have. */
export function variablesOf(environment: Environment): Told {
  return (option) => {
    const name = variableOf(option);
    const text = environment[name]?.trim();
    return text ? [name, [text]] : undefined;
  };
}

function itemsOf(text: string, folder: string): string[] {
  if (!text.startsWith('@')) return text.split(',').map((item) => item.trim());
  const file = resolve(folder, text.slice(1));
  const lines = readText(file).split(/\r?\n/);
  const items = lines.map((line) => line.trim()).filter(Boolean);
  if (items.length > 0) return items;
  throw new Refusal(`${file} has no line with a value`);
}

/** A small file that a person wrote. @throws Refusal naming the path */
export function readText(path: string): string {
  try {
    return withoutMark(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Refusal(`cannot read ${path} (${errorCode(cause) ?? 'unreadable'})`, { cause });
  }
}

/** Without what an editor or a shell left around it: a byte order mark, line breaks at the end. */
export function withoutMark(text: string): string {
  return text.replace(/^\uFEFF/, '').replace(/(?:\r?\n)+$/, '');
}

/** What Kubernetes and Docker links set for a service that is called `pasqal-jobs`. */
const PLATFORM =
  /^PASQAL_JOBS_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?)$/;

/**
 * A misspelt variable would silently export other jobs than meant, so an unknown one is an error.
 *
 * @throws Refusal naming the variable, never its value
 */
export function refuseUnknownVariables(environment: Environment, options: readonly Option[]): void {
  const known = options.map(variableOf);
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith(PREFIX) && !known.includes(name) && !PLATFORM.test(name),
  );
  if (unknown === undefined) return;
  const [word = '', ...names] = [unknown, ...known].map((name) => name.slice(PREFIX.length));
  const next = hint(word, names, 'unset it', PREFIX);
  throw new Refusal(`${unknown}: no such variable; ${next}`);
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
