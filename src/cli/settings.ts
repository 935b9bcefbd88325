import { EXIT, ExportError } from '../platform/errors.ts';
import type { Environment } from './context.ts';
import { type Flag, type FlagWithDefault, VARIABLE_PREFIX, variableOf } from './flag.ts';
import { hint, quote } from './messages.ts';

/** What the command line held, by flag name, as yargs read it. */
export type Given = Readonly<Record<string, unknown>>;

/** The values of flags, command line over environment. Each is checked when asked for. */
export interface Settings {
  /**
   * @returns undefined when neither the command line nor the environment sets the flag
   * @throws ExportError (64) naming the flag or the variable when the value is refused
   */
  readonly get: <T>(flag: Flag<T>) => T | undefined;
  /** The same, then `otherwise` (a pipeline's value), then the flag's default. */
  readonly resolve: <T>(flag: FlagWithDefault<T>, otherwise?: T) => T;
  /** The flag or the variable that a value came from, for messages. */
  readonly nameOf: (flag: Flag) => string;
}

export function settingsOf(given: Given, environment: Environment, help: string): Settings {
  const get = <T>(flag: Flag<T>): T | undefined => {
    const source = sourceOf(flag, given, environment);
    if (source === undefined) return undefined;
    const value = flag.kind.parse(source.texts);
    if (value === undefined) throw refused(source, flag.kind.accepts, help);
    return value;
  };
  return {
    get,
    resolve: (flag, otherwise) => get(flag) ?? otherwise ?? flag.fallback,
    nameOf: (flag) => sourceOf(flag, given, environment)?.name ?? `--${flag.name}`,
  };
}

interface Source {
  readonly name: string;
  readonly texts: readonly string[];
}

/** An empty variable counts as unset: that is how schedulers and CI pass on what they do not have. */
function sourceOf(flag: Flag, given: Given, environment: Environment): Source | undefined {
  const raw = given[flag.name];
  if (raw !== undefined) return { name: `--${flag.name}`, texts: givenTexts(flag, raw) };
  const name = variableOf(flag);
  const text = environment[name];
  return text === undefined || text === '' ? undefined : { name, texts: [text.trim()] };
}

/** Of a flag given twice the last counts, so that a wrapper's defaults can be overridden; lists add up. */
function givenTexts(flag: Flag, raw: unknown): string[] {
  const all = (Array.isArray(raw) ? raw : [raw]).map(String);
  return flag.kind.written === 'list' ? all : all.slice(-1);
}

function refused(source: Source, accepts: string, help: string): ExportError {
  const got = quote(source.texts.join(','));
  return new ExportError(`${source.name}: expected ${accepts}, got ${got}; see ${help}`, {
    exitCode: EXIT.usage,
    stage: 'cli',
  });
}

/**
 * A misspelt variable would silently export other jobs than meant, so an unknown one is an error.
 *
 * @throws ExportError (64) naming the variable, never its value
 */
export function refuseUnknownVariables(environment: Environment, flags: readonly Flag[]): void {
  const known = new Set(flags.map(variableOf));
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith(VARIABLE_PREFIX) && !known.has(name),
  );
  if (unknown === undefined) return;
  const names = [...known].map((name) => name.slice(VARIABLE_PREFIX.length));
  const rest = unknown.slice(VARIABLE_PREFIX.length);
  const next = hint(rest, names, 'unset it, or see pasqal-jobs export --help', VARIABLE_PREFIX);
  throw new ExportError(`${unknown}: no such variable; ${next}`, {
    exitCode: EXIT.usage,
    stage: 'cli',
  });
}
