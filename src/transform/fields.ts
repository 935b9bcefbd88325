import { JOB_FIELDS } from '../jobs/job.ts';
import { type Micros, parseTimestamp } from '../jobs/timestamp.ts';
import { OPEN_LIST, QUOTE } from '../json/json-scanner.ts';
import type { RawJob } from '../json/raw-job.ts';
import { instantAt } from './instant-bytes.ts';

/** A value that is not of its column's type. It is set to null, flagged, and its raw form kept in `extra`. */
export const UNPARSABLE: unique symbol = Symbol('unparsable');

/** What reading one field gives: its value, null for null or absent, or `UNPARSABLE`. */
export type Read<T> = T | null | typeof UNPARSABLE;

/** Microseconds since the epoch: a number where that is exact, as it is until the year 2255. */
export type Instant = number | Micros;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;
const [MINUS, ZERO, LETTER_N] = [0x2d, 0x30, 0x6e];
/** Decimal digits that a double holds whatever they are. */
const SAFE_DIGITS = 15;

/** Whether a field is absent or null. */
export function isNull({ bytes }: RawJob, start: number): boolean {
  return start === 0 || bytes[start] === LETTER_N;
}

/** Whether a field is a string. */
export function isText(job: RawJob, field: number): boolean {
  return job.bytes[job.startOf(field)] === QUOTE;
}

/** Whether a field that is a string is the empty one. */
export function isEmptyText(job: RawJob, field: number): boolean {
  return job.endOf(field) - job.startOf(field) === '""'.length;
}

/** A JSON number that is whole and fits 64 bits, whatever its spelling (`2`, `2.0`, `2e3`). */
export function readInt64(job: RawJob, field: number): Read<number | bigint> {
  const start = job.startOf(field);
  if (isNull(job, start)) return null;
  const short = shortWhole(job.bytes, start, job.endOf(field));
  if (!Number.isNaN(short)) return short;
  const whole = wholeNumber(job.digits(JOB_FIELDS[field]) ?? '');
  return whole === undefined || whole < INT64_MIN || whole > INT64_MAX ? UNPARSABLE : whole;
}

/** A whole number of few digits; NaN for anything else. */
function shortWhole(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  if (end - first > SAFE_DIGITS) return Number.NaN;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return first === start ? value : -value;
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
export function readInstant(job: RawJob, field: number): Read<Instant> {
  const start = job.startOf(field);
  if (isNull(job, start)) return null;
  if (job.bytes[start] === QUOTE) {
    const micros = instantAt(job.bytes, start + 1, job.endOf(field) - 1);
    if (!Number.isNaN(micros)) return micros;
  }
  const text = job.text(JOB_FIELDS[field]);
  return (text === undefined ? null : parseTimestamp(text)) ?? UNPARSABLE;
}

/** A list of strings; null inside it stays null. */
export function readStrings(job: RawJob, field: number): Read<readonly (string | null)[]> {
  const start = job.startOf(field);
  if (isNull(job, start)) return null;
  if (job.bytes[start] !== OPEN_LIST) return UNPARSABLE;
  const end = job.endOf(field);
  if (end - start === 2) return [];
  const items: unknown[] = JSON.parse(job.bytes.toString('utf8', start, end));
  const strings = items.filter((item) => item === null || typeof item === 'string');
  return strings.length === items.length ? strings : UNPARSABLE;
}
