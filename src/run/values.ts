import { inspect } from 'node:util';
import { closestMatch } from 'leven';
import { parseTimestamp } from '../jobs/timestamp.ts';
import { type ExitCode, ExportError } from '../platform/errors.ts';

/** What is wrong with a value. The message completes `<name of the value>: `. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Runs a check of what has a name: a refusal says the name first. */
export function within<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new Refusal(`${name}: ${error.message}`, { cause: error.cause });
  }
}

/** Runs a check at the border of the program: a refusal ends it, with this exit code. */
export function orExit<T>(exitCode: ExitCode, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ExportError(error.message, { exitCode, stage: 'cli', cause: error.cause });
  }
}

/** What a value may be. The same check serves the command line, the environment, pipeline files and the library. */
export interface Kind<T> {
  /** How the value is written in TypeScript and JSON. A `switch` needs no value on the command line. */
  readonly written: 'string' | 'number' | 'milliseconds' | 'switch' | 'list';
  /** Completes "expected ..." in a message. */
  readonly accepts: string;
  /** Values a shell may offer. */
  readonly choices?: readonly string[];
  /** Messages do not repeat the value: it may be a secret. */
  readonly hidden?: boolean;
  /** The same in JSON Schema, for the editors of pipeline files. */
  readonly schema: Readonly<Record<string, unknown>>;
  /**
   * Reads the items of a list, or one text for anything else; undefined when they are refused.
   *
   * @throws Refusal for a reason of its own
   */
  readonly read: (texts: readonly string[]) => T | undefined;
}

function kind<T>(
  accepts: string,
  read: (text: string) => T | undefined,
  more: Partial<Kind<T>> = {},
): Kind<T> {
  const schema = { type: 'string', minLength: 1 };
  return { written: 'string', accepts, schema, read: ([text = '']) => read(text), ...more };
}

/**
 * @param texts items of a list, one text for anything else
 * @param given the value as messages repeat it
 * @throws Refusal
 */
export function parse<T>(
  kind: Kind<T>,
  texts: readonly string[],
  given: unknown = texts.join(),
): T {
  return kind.read(texts) ?? refuse(kind, given);
}

function refuse({ accepts, hidden }: Kind<unknown>, value: unknown): never {
  throw new Refusal(`expected ${accepts}${hidden ? '' : `, got ${quote(value)}`}`);
}

/**
 * Reads a value that is no text yet, from a pipeline file or a program.
 *
 * @throws Refusal, for a value of another type too
 */
export function readValue<T>(kind: Kind<T>, value: unknown): T {
  const { written } = kind;
  if (written === 'list') {
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
    if (isList) return parse(kind, value, value);
  } else if (typeof value === TYPES[written]) {
    return parse(kind, [written === 'milliseconds' ? `${value}ms` : String(value)], value);
  }
  return refuse(kind, value);
}

const TYPES = { string: 'string', number: 'number', milliseconds: 'number', switch: 'boolean' };

export const text = kind('some text', (given) => given || undefined);
export const secret = { ...text, hidden: true };

/** A time zone by its name, as in the IANA's list. */
export const timeZone = kind('a time zone such as Europe/Paris', (given) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
});

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  const read = (given: string) => {
    const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  };
  const schema = { type: 'integer', minimum: min, maximum: max };
  return kind(`a whole number ${range}`, read, { written: 'number', schema });
}

export const switched = kind(
  'true or false',
  (given) => (/^(?:true|false|0|1)$/.test(given) ? /true|1/.test(given) : undefined),
  { written: 'switch', schema: { type: 'boolean' } },
);

export function choice<T extends string>(choices: readonly T[]): Kind<T> {
  const read = (given: string) => choices.find((known) => known === given);
  const accepts = `one of ${choices.join(', ')}`;
  return kind(accepts, read, { choices, schema: { enum: choices } });
}

/** A list of at least one item; repeated items count once. */
function listOf<T>(accepts: string, item: Kind<T>): Kind<readonly T[]> {
  const schema = { type: 'array', minItems: 1, items: item.schema };
  const read = (texts: readonly string[]) => {
    const items = texts.map((text) => item.read([text])).filter((one) => one !== undefined);
    return items.length > 0 && items.length === texts.length ? [...new Set(items)] : undefined;
  };
  return { ...item, accepts, written: 'list', schema, read };
}

export const texts = listOf('a comma-separated list without empty items', text);

export function choices<T extends string>(known: readonly T[]): Kind<readonly T[]> {
  return listOf(`a comma-separated list of ${known.join(', ')}`, choice(known));
}

/** Milliseconds. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 6e4, h: 3.6e6, d: 8.64e7 };

/**
 * Reads a length of time as people write it: a whole number and a unit (`500ms`, `90s`, `15m`, `12h`, `2d`).
 *
 * @returns milliseconds, or undefined when the text is no such thing
 */
export function parseDuration(given: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(given) ?? [];
  const scale = UNITS[unit];
  return scale === undefined ? undefined : Number(amount) * scale;
}

/** A length of time between two others, all written as `parseDuration` reads them. Its value is milliseconds. */
export function duration(min: string, max: string): Kind<number> {
  const [minimum = 0, maximum = 0] = [min, max].map(parseDuration);
  const read = (given: string) => {
    const ms = parseDuration(given);
    return ms !== undefined && ms >= minimum && ms <= maximum ? ms : undefined;
  };
  const accepts = `a length of time from ${min} to ${max}, such as 500ms, 90s, 15m, 12h or 2d`;
  const schema = { type: 'integer', minimum, maximum };
  return kind(accepts, read, { written: 'milliseconds', schema });
}

/** A share of a whole: `20%` or `0.2`. */
export const share = kind(
  'a share from 0% to 100%, such as 20%',
  (given) => {
    const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,20})?)(%?)$/.exec(given) ?? [];
    const value = Number(digits) / (percent ? 100 : 1);
    return value >= 0 && value <= 1 ? value : undefined;
  },
  { written: 'number', schema: { type: 'number', minimum: 0, maximum: 1 } },
);

/** A century: further back there is no job, and soon no date. */
const MOST_AGE_MS = 36_500 * 8.64e7;

/**
 * A date-time as the API takes it, or so long before now (`-7d`), which stays as it is written. A bare date stands for
 * its midnight, UTC; anything else is passed on as given.
 */
export const dateTime = kind(
  'an ISO 8601 date or date-time, such as 2026-01-31 or 2026-01-31T18:00:00Z, or -7d',
  (given) => {
    const age = ageOf(given);
    if (age !== undefined) return age <= MOST_AGE_MS ? given : undefined;
    const full = /^\d{4}-\d{2}-\d{2}$/.test(given) ? `${given}T00:00:00Z` : given;
    return /^\d{4}-\d{2}-\d{2}T/.test(full) && parseTimestamp(full) !== null ? full : undefined;
  },
  { schema: { type: 'string' } },
);

/** @returns milliseconds of a date that is written relative to now, such as `-7d`; undefined for any other */
export function ageOf(date: string): number | undefined {
  return date.startsWith('-') ? parseDuration(date.slice(1)) : undefined;
}

/** A name of a folder of its own: no separator, nothing hidden, nothing that leads elsewhere. */
export const name = kind(
  'a name of letters, digits, "-", "_" and "." that begins with a letter or a digit',
  (given) => (/^[A-Za-z0-9][\w.-]{0,99}$/.test(given) ? given : undefined),
);

/** A path on this machine, as given. */
export const path = kind('a path', (given) => {
  const scheme = /^[a-z][a-z0-9+.-]+:\/\//i.exec(given)?.[0];
  if (scheme !== undefined) {
    throw new Refusal(
      `expected a path on this machine, got ${quote(`${scheme}...`)}; export to a folder and copy it from there`,
    );
  }
  if (/^(["']).*\1$/s.test(given)) {
    throw new Refusal(`the quotes around ${given} became part of the path; write it without`);
  }
  return given || undefined;
});

/** True for hosts that never leave this machine: localhost, 127.0.0.0/8 and ::1. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/**
 * The address of a server that credentials may be sent to, without a slash at its end: https, or http on a loopback
 * host; nothing but host, port and path. One with a password in it is refused without being repeated.
 */
export const server = kind('an https URL', (given) => {
  if (!URL.canParse(given)) {
    const got = given.includes('@') ? '' : `, got ${quote(given)}`;
    throw new Refusal(`expected a URL such as https://example.com/api${got}`);
  }
  const { username, password, protocol, hostname, search, hash, href } = new URL(given);
  if (username + password !== '') {
    throw new Refusal(
      'expected a URL without a user name or password in it; they have places of their own',
    );
  }
  if (protocol === 'http:' && !isLoopback(hostname)) {
    throw new Refusal(
      `plain http would show tokens to the network, so it is for loopback hosts only; use https, got ${quote(given)}`,
    );
  }
  if (search + hash !== '') {
    throw new Refusal('expected a base URL without ? or #; filters have options of their own');
  }
  return /^https?:$/.test(protocol) ? href.replace(/\/+$/, '') : undefined;
});

/** The address of a proxy. There may be a password in it. */
export const proxy = kind(
  'the URL of an http or https proxy',
  (given) => (/^https?:\/\/[^/]/i.test(given) && URL.canParse(given) ? given : undefined),
  { hidden: true },
);

/** A value in a message: on one line, printable, and not much longer than a line. */
export function quote(value: unknown): string {
  const breakLength = Number.POSITIVE_INFINITY;
  return inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: 60, breakLength });
}

/** What to do about an unknown name: `did you mean x?`, or `otherwise` when none is within a third of its length. */
export function hint(given: string, names: readonly string[], otherwise: string, prefix = '') {
  const maxDistance = Math.max(1, Math.floor(given.length / 3));
  const nearest = closestMatch(given, names, { maxDistance });
  return nearest === undefined ? otherwise : `did you mean ${prefix}${nearest}?`;
}
