/** An instant: microseconds since 1970-01-01T00:00:00Z. */
export type Micros = bigint;

const EPOCH_SECONDS = /^(-?)(\d{1,12})(?:\.(\d+))?$/;
const MICROS_PER_SECOND = 1_000_000;
const SECONDS_PER_DAY = 86_400;
const ZERO = 0x30;

/**
 * Reads every timestamp shape the API has been seen to send: ISO 8601, naive (then UTC) or with an offset, and seconds
 * since the epoch, each with any number of fraction digits. Digits beyond microseconds are cut (towards the past).
 *
 * @param text the text as sent; for a JSON number, its digits as sent
 * @returns microseconds since the epoch, or null when the text is no valid instant (Feb 30, hour 24, free text)
 * @see docs/columns.md "Timestamps"
 */
export function parseTimestamp(text: string): Micros | null {
  return text.charAt(4) === '-' && text.charAt(7) === '-' ? fromIso(text) : fromEpochSeconds(text);
}

/** `YYYY-MM-DD`, `T` or a space, `HH:MM`, then optionally `:SS`, a fraction and an offset. */
function fromIso(text: string): Micros | null {
  const [year, month, day] = [digitsAt(text, 0, 4), digitsAt(text, 5, 2), digitsAt(text, 8, 2)];
  const [hour, minute] = [digitsAt(text, 11, 2), digitsAt(text, 14, 2)];
  const separator = text.charAt(10);
  if ((separator !== 'T' && separator !== ' ') || text.charAt(13) !== ':') return null;
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

function fromEpochSeconds(text: string): Micros | null {
  const match = EPOCH_SECONDS.exec(text);
  if (!match) return null;
  const [, sign, whole = '0', fraction = ''] = match;
  const magnitude = toMicros(Number(whole), Number(fraction.slice(0, 6).padEnd(6, '0')));
  if (sign !== '-') return magnitude;
  const cutsSomething = /[1-9]/.test(fraction.slice(6));
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

/** Nothing, `Z`, `+HH`, `+HHMM` or `+HH:MM` up to the end of the text; null for anything else. */
function offsetMinutes(text: string, start: number): number | null {
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
export function daysInMonth(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

/** Days since 1970-01-01 of a proleptic Gregorian date: years start in March, so that the leap day comes last. */
export function daysFromEpoch(year: number, month: number, day: number): number {
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
