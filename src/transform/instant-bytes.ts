import { daysFromEpoch, daysInMonth } from '../jobs/timestamp.ts';
import { COLON, DOT, isDigit, PLUS, ZERO } from '../json/json-scanner.ts';

const [DASH, LETTER_T, LETTER_Z] = [0x2d, 0x54, 0x5a];
const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
const SECONDS_LENGTH = '2021-11-10T15:24:38'.length;
const MICROS_DIGITS = 6;

let knownDate = Number.NaN;
let knownDays = 0;

/**
 * Reads the shape in which nearly all timestamps come, `2021-11-10T15:24:38.172109` with up to six digits and nothing,
 * `Z` or `+00:00` behind it, without making a string or a bigint of it.
 *
 * @param bytes ASCII or UTF-8, the text from `start` (inclusive) to `end` (exclusive)
 * @returns microseconds since the epoch, or NaN for anything else and beyond what a double holds: `parseTimestamp` decides
 */
export function instantAt(bytes: Uint8Array, start: number, end: number): number {
  const rest = start + SECONDS_LENGTH;
  if (
    end < rest ||
    bytes[start + 4] !== DASH ||
    bytes[start + 7] !== DASH ||
    bytes[start + 10] !== LETTER_T ||
    bytes[start + 13] !== COLON ||
    bytes[start + 16] !== COLON
  )
    return Number.NaN;
  const date =
    pair(bytes, start) * 1_000_000 +
    pair(bytes, start + 2) * 10_000 +
    pair(bytes, start + 5) * 100 +
    pair(bytes, start + 8);
  const hour = pair(bytes, start + 11);
  const minute = pair(bytes, start + 14);
  const second = pair(bytes, start + 17);
  if (date !== knownDate && !learnDate(date)) return Number.NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  const seconds = knownDays * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
  const micros = seconds * MICROS_PER_SECOND + fractionAt(bytes, rest, end);
  return Number.isSafeInteger(micros) ? micros : Number.NaN;
}

/** @returns whether there is such a date */
function learnDate(date: number): boolean {
  const [year, month, day] = [Math.floor(date / 10_000), Math.floor(date / 100) % 100, date % 100];
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return false;
  knownDate = date;
  knownDays = daysFromEpoch(year, month, day);
  return true;
}

/** Microseconds of a fraction up to the end or to UTC's offset; NaN for anything else. */
function fractionAt(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let micros = 0;
  if (bytes[at] === DOT) {
    let digits = 0;
    for (at++; at < end && isDigit(bytes[at]); at++, digits++)
      micros = micros * 10 + bytes[at] - ZERO;
    if (digits === 0 || digits > MICROS_DIGITS) return Number.NaN;
    for (; digits < MICROS_DIGITS; digits++) micros *= 10;
  }
  return at === end || isUtc(bytes, at, end) ? micros : Number.NaN;
}

function isUtc(bytes: Uint8Array, at: number, end: number): boolean {
  if (end - at === 1) return bytes[at] === LETTER_Z;
  return (
    end - at === 6 &&
    bytes[at] === PLUS &&
    bytes[at + 3] === COLON &&
    pair(bytes, at + 1) === 0 &&
    pair(bytes, at + 4) === 0
  );
}

/** Two digits as a number, NaN when one of them is none. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at];
  const units = bytes[at + 1];
  return isDigit(tens) && isDigit(units) ? (tens - ZERO) * 10 + units - ZERO : Number.NaN;
}
