/** An instant: microseconds since 1970-01-01T00:00:00Z. */
export type Micros = bigint;

/** Microseconds since the epoch: a number where that is exact, as it is from the year 1684 to 2255. */
export type Instant = number | Micros;

/** `YYYY-MM-DD`, `T`, `t` or a space, `HH:MM`, then optionally `:SS`, a fraction and an offset, also behind a space. */
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?(?: ?(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?))?$/;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** The first microsecond of the year 1, and of the year 10000: most readers know no time outside. */
const [FIRST, BEHIND_LAST] = [-62_135_596_800_000_000n, 253_402_300_800_000_000n];
/** Of an integer of 64 bits. */
const MOST_DIGITS = 19;
const MICROS_PER_SECOND = 1_000_000;
const MICROS_DIGITS = 6;
const SECONDS_PER_DAY = 86_400;
const ZERO = 0x30;
const [DASH, COLON, DOT, PLUS, LETTER_T, LETTER_Z] = [0x2d, 0x3a, 0x2e, 0x2b, 0x54, 0x5a];
const DAYTIME_LENGTH = 'T00:00:00.000Z'.length;
/** 00 to 59. */
const PAIRS = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, '0'));
const SECONDS_LENGTH = '2021-11-10T15:24:38'.length;

/**
 * Reads every timestamp shape the API has been seen to send, and what is like them without doubt: ISO 8601, naive (then
 * UTC) or with an offset, and seconds since the epoch, also with an exponent, each with any number of fraction digits.
 * Digits beyond microseconds are cut (towards the past).
 *
 * @param text the text as sent; for a JSON number, its digits as sent
 * @returns microseconds since the epoch, or null when the text is no valid instant (Feb 30, hour 24, free text) or one
 * outside the years 1 to 9999, UTC
 * @see docs/columns.md "Timestamps"
 */
export function parseTimestamp(text: string): Micros | null {
  // Seconds by decimal arithmetic: a double would alter the microseconds.
  const micros = fromIso(text) ?? scaledDecimal(text, MICROS_DIGITS)?.floor;
  return micros === undefined || micros < FIRST || micros >= BEHIND_LAST ? null : micros;
}

function fromIso(text: string): Micros | undefined {
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second = 0] = match
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const [fraction = '', sign, hours = 0, minutes = 0] = match.slice(7);
  const days = daysFromEpoch(year, month, day);
  if (Number.isNaN(days)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const seconds = days * SECONDS_PER_DAY + hour * 3600 + (minute - offset) * 60 + second;
  return (
    BigInt(seconds) * 1_000_000n +
    BigInt(fraction.slice(0, MICROS_DIGITS).padEnd(MICROS_DIGITS, '0'))
  );
}

/**
 * A decimal number times a power of ten, exactly, whatever its spelling (`2`, `2.0`, `2e3`).
 *
 * @returns the integer at or below it, and whether it is that integer; undefined for anything else, and for numbers of
 *   more than 19 digits before the point, which no 64 bits hold
 */
export function scaledDecimal(
  text: string,
  power: number,
): { readonly floor: bigint; readonly isWhole: boolean } | undefined {
  const match = DECIMAL.exec(text);
  if (!match) return undefined;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return { floor: 0n, isWhole: true };
  const kept = digits.length - fraction.length + Number(exponent) + power;
  if (kept > MOST_DIGITS) return undefined;
  const [before, behind] = [digits.slice(0, Math.max(0, kept)), digits.slice(Math.max(0, kept))];
  const magnitude = BigInt(before.padEnd(kept, '0'));
  const isWhole = !/[1-9]/.test(behind);
  return { floor: sign === '-' ? -magnitude - (isWhole ? 0n : 1n) : magnitude, isWhole };
}

/** Most instants of a column are of the date of the one before. */
let writtenDay = Number.NaN;
let writtenDate = '';

/**
 * Writes an instant the one way this project writes it: `2021-11-10T15:24:38.172109Z`.
 * Years outside 0000 to 9999 follow ISO 8601's expanded form, as `Date.prototype.toISOString` does.
 *
 * @throws RangeError for an instant past the years that `Date` knows
 */
export function formatTimestamp(micros: Micros): string {
  const fraction = Number(micros % 1_000_000n);
  const seconds = Number(micros / 1_000_000n) - (fraction < 0 ? 1 : 0);
  const day = Math.floor(seconds / SECONDS_PER_DAY);
  if (day !== writtenDay) {
    writtenDate = new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, -DAYTIME_LENGTH);
    writtenDay = day;
  }
  const second = seconds - day * SECONDS_PER_DAY;
  const [h, m, s] = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  const digits = String(fraction < 0 ? fraction + MICROS_PER_SECOND : fraction).padStart(6, '0');
  return `${writtenDate}T${PAIRS[h]}:${PAIRS[m]}:${PAIRS[s]}.${digits}Z`;
}

/** Days since 1970-01-01 of a Gregorian date; NaN for one that is none, such as 30 February. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const date = new Date(0);
  const millis = date.setUTCFullYear(year, month - 1, day);
  const isDate = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isDate ? millis / (SECONDS_PER_DAY * 1000) : Number.NaN;
}

/** Nearly all jobs of a page were created on one date. */
let knownDate = Number.NaN;
let knownDays = Number.NaN;

/**
 * Reads the shape in which nearly all timestamps come, `2021-11-10T15:24:38.172109` with nothing, `Z` or `+00:00` behind
 * it, without making a string or a bigint of it.
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
  const year = pair(bytes, start) * 100 + pair(bytes, start + 2);
  const month = pair(bytes, start + 5);
  const day = pair(bytes, start + 8);
  const date = (year * 100 + month) * 100 + day;
  if (date !== knownDate) {
    knownDate = date;
    knownDays = daysFromEpoch(year, month, day);
  }
  const hour = pair(bytes, start + 11);
  const minute = pair(bytes, start + 14);
  const second = pair(bytes, start + 17);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  const seconds = knownDays * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
  const micros = seconds * MICROS_PER_SECOND + fractionAt(bytes, rest, end);
  return Number.isSafeInteger(micros) ? micros : Number.NaN;
}

/** Microseconds of a fraction up to the end or to UTC's offset; NaN for anything else. */
function fractionAt(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let micros = 0;
  if (bytes[at] === DOT) {
    for (let unit = 100_000; ++at < end && isDigit(bytes[at]); unit = Math.floor(unit / 10))
      micros += (bytes[at] - ZERO) * unit;
    if (at === start + 1) return Number.NaN;
  }
  const isUtc =
    at === end ||
    (at + 1 === end && bytes[at] === LETTER_Z) ||
    (at + 6 === end &&
      bytes[at] === PLUS &&
      bytes[at + 3] === COLON &&
      pair(bytes, at + 1) + pair(bytes, at + 4) === 0);
  return isUtc ? micros : Number.NaN;
}

/** Two digits as a number, NaN when one of them is none. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = bytes[at];
  const units = bytes[at + 1];
  return isDigit(tens) && isDigit(units) ? (tens - ZERO) * 10 + units - ZERO : Number.NaN;
}

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
