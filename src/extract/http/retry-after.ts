const SECONDS = /^\d+(?:\.\d+)?$/;

/** The three date forms of RFC 9110 section 5.6.7: IMF-fixdate, RFC 850, asctime. */
const FIXDATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const RFC_850 = /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** A century: longer waits mean the same, and an instant that far away can still be written as a date. */
const LONGEST_MS = 100 * 365 * 86_400_000;

/**
 * How long a Retry-After header asks to wait (RFC 9110 section 10.2.3).
 *
 * @param value the header: seconds, or an HTTP-date
 * @param date the answer's own Date header; a date is measured against it, so that a wrong clock here does no harm
 * @param wall wall time here, milliseconds since the epoch: stands in when there is no usable Date header
 * @returns milliseconds, 0 for a date that has passed, or undefined when the header says nothing usable
 */
export function parseRetryAfter(
  value: string | undefined,
  date: string | undefined,
  wall: number,
): number | undefined {
  const text = value?.trim() ?? '';
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, LONGEST_MS);
  const until = parseHttpDate(text);
  if (until === undefined) return undefined;
  const now = parseHttpDate(date?.trim() ?? '') ?? wall;
  return Math.min(Math.max(until - now, 0), LONGEST_MS);
}

/** Milliseconds since the epoch, or undefined. `Date.parse` alone would take `-5` and `soon 1` for dates. */
function parseHttpDate(text: string): number | undefined {
  const shaped = FIXDATE.test(text) || RFC_850.test(text) || ASCTIME.test(text);
  const time = shaped ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`) : Number.NaN;
  return Number.isNaN(time) ? undefined : time;
}
