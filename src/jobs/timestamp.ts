/** An instant: microseconds since 1970-01-01T00:00:00Z. */
export type Micros = bigint;

/** Microseconds since the epoch: a number where that is exact, as it is from the year 1684 to 2255. */
export type Instant = number | Micros;

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** The first microsecond of the year 1, and of the year 10000: most readers know no time outside. */
const [FIRST, BEHIND_LAST] = [-62_135_596_800_000_000n, 253_402_300_800_000_000n];
/** More digits before the point of a number of microseconds are past the year 9999. */
const MOST_DIGITS = 18;
const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
const ZERO = 0x30;
const [DASH, COLON, DOT, PLUS, LETTER_T, LETTER_Z] = [0x2d, 0x3a, 0x2e, 0x2b, 0x54, 0x5a];
const SECONDS_LENGTH = '2021-11-10T15:24:38'.length;
const MICROS_DIGITS = 6;

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
  const isIso = text.charAt(4) === '-' && text.charAt(7) === '-';
  const micros = isIso ? fromIso(text) : fromEpochSeconds(text);
  return micros === null || micros < FIRST || micros >= BEHIND_LAST ? null : micros;
}

/** `YYYY-MM-DD`, `T`, `t` or a space, `HH:MM`, then optionally `:SS`, a fraction and an offset. */
function fromIso(text: string): Micros | null {
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2)];
  const [hour, minute] = [digitsAt(text, 11, 2), digitsAt(text, 14, 2)];
  const separator = text.charAt(10);
  if (!'Tt '.includes(separator) || text.charAt(13) !== ':') return null;
  const hasSeconds = text.charAt(16) === ':';
  const second = hasSeconds ? digitsAt(text, 17, 2) : 0;
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return null;
  const fraction = hasSeconds ? readFraction(text, 19) : { micros: 0, end: 16 };
  const offset = fraction && offsetMinutes(text, fraction.end);
  if (fraction === null || offset === null) return null;
  const seconds =
    daysFromEpoch(year, month, day) * SECONDS_PER_DAY +
    hour * 3600 +
    (minute - offset) * 60 +
    second;
  return toMicros(seconds, fraction.micros);
}

/** By decimal arithmetic: a double would alter the microseconds. */
function fromEpochSeconds(text: string): Micros | null {
  const match = DECIMAL.exec(text);
  if (!match) return null;
  const [, sign, whole, fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  if (digits === '') return 0n;
  const kept = digits.length - fraction.length + Number(exponent) + 6;
  if (kept > MOST_DIGITS) return null;
  const magnitude = BigInt(digits.slice(0, Math.max(0, kept)).padEnd(kept, '0'));
  if (sign !== '-') return magnitude;
  const cutsSomething = /[1-9]/.test(digits.slice(Math.max(0, kept)));
  return -magnitude - (cutsSomething ? 1n : 0n);
}

function toMicros(seconds: number, micros: number): Micros {
  const sum = seconds * MICROS_PER_SECOND + micros;
  return Number.isSafeInteger(sum) ? BigInt(sum) : BigInt(seconds) * 1_000_000n + BigInt(micros);
}

/** The number that `count` decimal digits make, -1 when one of them is none. */
function digitsAt(text: string, start: number, count: number): number {
  let value = 0;
  for (let at = start; at < start + count; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** A point or comma and at least one digit; or nothing at all. */
function readFraction(text: string, start: number): { micros: number; end: number } | null {
  const mark = text.charAt(start);
  if (mark !== '.' && mark !== ',') return { micros: 0, end: start };
  let micros = 0;
  let end = start + 1;
  for (; digitsAt(text, end, 1) >= 0; end++) {
    if (end - start <= 6) micros = micros * 10 + digitsAt(text, end, 1);
  }
  const digits = end - start - 1;
  return digits === 0 ? null : { micros: micros * 10 ** Math.max(0, 6 - digits), end };
}

/** Nothing, or, also behind a space, `Z`, `+HH`, `+HHMM` or `+HH:MM` up to the end of the text; null for anything else. */
function offsetMinutes(text: string, end: number): number | null {
  const start = text.charAt(end) === ' ' && end + 1 < text.length ? end + 1 : end;
  const rest = text.length - start;
  const mark = text.charAt(start);
  if (rest === 0) return 0;
  if (rest === 1) return mark === 'Z' || mark === 'z' ? 0 : null;
  const hasColon = text.charAt(start + 3) === ':';
  const hours = digitsAt(text, start + 1, 2);
  const minutes = rest === 3 ? 0 : digitsAt(text, start + (hasColon ? 4 : 3), 2);
  const wellFormed = rest === 3 || rest === (hasColon ? 6 : 5);
  if (
    !wellFormed ||
    (mark !== '+' && mark !== '-') ||
    hours < 0 ||
    hours > 23 ||
    minutes < 0 ||
    minutes > 59
  )
    return null;
  return (mark === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** Days of a month, 1 to 12, of the proleptic Gregorian calendar. */
function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days since 1970-01-01 of a proleptic Gregorian date: years start in March, so that the leap day comes last. */
function daysFromEpoch(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}

/**
 * Writes an instant the one way this project writes it: `2021-11-10T15:24:38.172109Z`.
 * Years outside 0000 to 9999 follow ISO 8601's expanded form, as `Date.prototype.toISOString` does.
 */
export function formatTimestamp(micros: Micros): string {
  const inMillisecond = ((micros % 1000n) + 1000n) % 1000n;
  const millis = (micros - inMillisecond) / 1000n;
  const text = new Date(Number(millis)).toISOString();
  return `${text.slice(0, -1)}${inMillisecond.toString().padStart(3, '0')}Z`;
}

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

function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= ZERO + 9;
}
