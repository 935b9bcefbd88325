import { isLosslessNumber } from 'lossless-json';
import { numberText, stringifyJson } from '../domain/json.ts';
import { type Micros, parseTimestamp } from '../domain/timestamp.ts';

/** A value that is not of its column's type. It is set to null, flagged, and its raw form kept in `extra`. */
export const UNPARSABLE: unique symbol = Symbol('unparsable');

/** What reading one field gives: its value, null for null or absent, or `UNPARSABLE`. */
export type Read<T> = T | null | typeof UNPARSABLE;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

export function readString(value: unknown): Read<string> {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : UNPARSABLE;
}

/** A JSON number that is whole and fits 64 bits, whatever its spelling (`2`, `2.0`, `2e3`). */
export function readInt64(value: unknown): Read<bigint> {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : UNPARSABLE;
  const whole = isLosslessNumber(value) ? wholeNumber(value.value) : undefined;
  return whole === undefined || whole < INT64_MIN || whole > INT64_MAX ? UNPARSABLE : whole;
}

/** The integer that a decimal number is, or undefined when it has a fraction or an absurd exponent. */
function wholeNumber(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = BigInt(whole + fraction) * (sign === '-' ? -1n : 1n);
  const power = Number(exponent) - fraction.length;
  if (power >= 0) return digits * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** Text or number in any shape of `parseTimestamp`, as microseconds that fit 64 bits. */
export function readTimestamp(value: unknown): Read<Micros> {
  if (value === null || value === undefined) return null;
  const text = typeof value === 'string' ? value : numberText(value);
  return (text === undefined ? null : parseTimestamp(text)) ?? UNPARSABLE;
}

/** A list of strings; null inside it stays null. */
export function readStrings(value: unknown): Read<readonly (string | null)[]> {
  if (value === null || value === undefined) return null;
  if (!Array.isArray(value)) return UNPARSABLE;
  const items: unknown[] = value;
  const strings = items.filter((item) => item === null || typeof item === 'string');
  return strings.length === items.length ? strings : UNPARSABLE;
}

/**
 * Any JSON value, as text with the digits that were sent.
 *
 * @throws RangeError when it is nested deeper than the stack is
 */
export function readJson(value: unknown): string | null {
  return value === null || value === undefined ? null : toJson(value);
}

/** The native writer is faster and exact, unless it meets a number that only `lossless-json` can write. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value);
  return text.includes('"isLosslessNumber"') ? stringifyJson(value) : text;
}
