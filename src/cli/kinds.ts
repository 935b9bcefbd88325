import { parseTimestamp } from '../jobs/timestamp.ts';
import { parseDuration } from './duration.ts';

/** What a flag's value may be. The same check serves the command line, the environment and pipeline files. */
export interface Kind<T> {
  /** Completes "expected ..." in a message. */
  readonly accepts: string;
  /** How the value is written in a pipeline file. A `switch` needs no value on the command line. */
  readonly written: 'string' | 'number' | 'switch' | 'list';
  /** Values a shell may offer. */
  readonly choices?: readonly string[];
  /** @returns the value, or undefined when the text is refused. Lists get every text given, others exactly one. */
  readonly parse: (texts: readonly string[]) => T | undefined;
}

function one<T>(
  accepts: string,
  written: 'string' | 'number' | 'switch',
  parse: (text: string) => T | undefined,
): Kind<T> {
  return { accepts, written, parse: ([text]) => (text === undefined ? undefined : parse(text)) };
}

export function text(accepts = 'some text'): Kind<string> {
  return one(accepts, 'string', (given) => given || undefined);
}

export function integer(min: number, max = Number.MAX_SAFE_INTEGER): Kind<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return one(`a whole number ${range}`, 'number', (given) => {
    const value = /^-?\d{1,16}$/.test(given) ? Number(given) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

const SWITCH = new Map([
  ['true', true],
  ['false', false],
  ['1', true],
  ['0', false],
]);

export const switched: Kind<boolean> = one('true or false', 'switch', (given) => SWITCH.get(given));

export function choice<T extends string>(choices: readonly T[]): Kind<T> {
  const accepts = `one of ${choices.join(', ')}`;
  return { ...one(accepts, 'string', (given) => choices.find((c) => c === given)), choices };
}

/** A comma-separated list of at least one item; repeated flags add up, repeated items count once. */
function listOf<T>(accepts: string, item: (text: string) => T | undefined): Kind<readonly T[]> {
  const parse = (texts: readonly string[]) => {
    const items = texts.flatMap((given) => given.split(',')).map((part) => item(part.trim()));
    const known = items.filter((value) => value !== undefined);
    return items.length > 0 && known.length === items.length ? [...new Set(known)] : undefined;
  };
  return { accepts, written: 'list', parse };
}

export const texts: Kind<readonly string[]> = listOf(
  'a comma-separated list without empty items',
  (given) => given || undefined,
);

export function choices<T extends string>(known: readonly T[]): Kind<readonly T[]> {
  const list = listOf(`a comma-separated list of ${known.join(', ')}`, (given) =>
    known.find((name) => name === given),
  );
  return { ...list, choices: known };
}

/** A length of time between two others, both written as `parseDuration` reads them. Its value is milliseconds. */
export function duration(min: string, max: string): Kind<number> {
  const accepts = `a length of time from ${min} to ${max}, such as 500ms, 90s, 15m, 12h or 2d`;
  const least = parseDuration(min) ?? 0;
  const most = parseDuration(max) ?? 0;
  return one(accepts, 'string', (given) => {
    const ms = parseDuration(given);
    return ms !== undefined && ms >= least && ms <= most ? ms : undefined;
  });
}

const DATE_ONLY = /^\d{4}-\d{2}-\d{2}$/;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T/;

/** A date-time as the API takes it. A bare date stands for its midnight, UTC; anything else is passed on as given. */
export const dateTime: Kind<string> = one(
  'an ISO 8601 date or date-time, such as 2026-01-31 or 2026-01-31T18:00:00Z',
  'string',
  (given) => {
    const full = DATE_ONLY.test(given) ? `${given}T00:00:00Z` : given;
    return DATE_TIME.test(full) && parseTimestamp(full) !== null ? full : undefined;
  },
);
