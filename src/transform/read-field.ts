import type { CellTypes } from '../jobs/columns.ts';
import { scaledDecimal } from '../jobs/timestamp.ts';
import { MINUS, OF_FALSE, OF_TRUE, OPEN_LIST, ZERO } from '../json/json-scanner.ts';
import type { RawJob } from '../json/raw-job.ts';

/** A value that is not of its column's type. It is set to null, flagged, and its raw form kept in `extra`. */
export const UNPARSABLE: unique symbol = Symbol('unparsable');

/** What reading one field gives: its value, null for null or absent, or `UNPARSABLE`. */
export type Read<T> = T | null | typeof UNPARSABLE;

/** Decimal digits that a double holds whatever they are. */
const SAFE_DIGITS = 15;

/** Reads a field, by its place, as a value of a type of column. Texts and JSON go into their columns as bytes instead. */
export const READ: {
  readonly [T in Exclude<keyof CellTypes, 'string' | 'json'>]: (
    job: RawJob,
    field: number,
  ) => Read<CellTypes[T]>;
} = {
  /** A JSON number that is whole and fits 64 bits, whatever its spelling (`2`, `2.0`, `2e3`). */
  int64(job, field) {
    if (job.isNull(field)) return null;
    const short = shortWhole(job.bytes, job.startOf(field), job.endOf(field));
    if (!Number.isNaN(short)) return short;
    const number = scaledDecimal(digitsOf(job, field), 0);
    const fits = number?.isWhole && BigInt.asIntN(64, number.floor) === number.floor;
    return fits ? number.floor : UNPARSABLE;
  },

  /** A JSON number that a double comes near. */
  float64(job, field) {
    if (job.isNull(field)) return null;
    const value = Number(digitsOf(job, field) || Number.NaN);
    return Number.isFinite(value) ? value : UNPARSABLE;
  },

  bool(job, field) {
    if (job.isNull(field)) return null;
    const first = job.bytes[job.startOf(field)];
    return first === OF_TRUE ? true : first === OF_FALSE ? false : UNPARSABLE;
  },

  /** Text or number in any shape of `parseTimestamp`. */
  timestamp(job, field) {
    return job.isNull(field) ? null : (job.instant(field) ?? UNPARSABLE);
  },

  /** A list of strings; null inside it stays null. Halves of surrogate pairs are left as they are. */
  strings(job, field) {
    if (job.isNull(field)) return null;
    const start = job.startOf(field);
    if (job.bytes[start] !== OPEN_LIST) return UNPARSABLE;
    const end = job.endOf(field);
    if (end - start === 2) return [];
    const items: unknown[] = JSON.parse(job.bytes.toString('utf8', start, end));
    const strings = items.filter((item) => item === null || typeof item === 'string');
    return strings.length === items.length ? strings : UNPARSABLE;
  },
};

function digitsOf(job: RawJob, field: number): string {
  return job.digits(job.fields.names[field]) ?? '';
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
