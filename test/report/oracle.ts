import { AS_OF, type Row } from './generated.ts';

const DAY = 86_400_000;
const TOLERATED = AS_OF + DAY;

/* The numbers of the page, computed anew from the rows. */

export const isFailed = ({ status }: Row) => status === 'ERROR' || status === 'TIMED_OUT';
export const isEnded = (row: Row) => row.status === 'DONE' || isFailed(row);

export function waitOf({ created_at, start_timestamp }: Row): number | null {
  if (start_timestamp === null || start_timestamp < created_at || start_timestamp >= TOLERATED)
    return null;
  return (start_timestamp - created_at) / 1000;
}

export function runOf({ start_timestamp, end_timestamp, anomalies }: Row): number | null {
  if (start_timestamp === null || end_timestamp === null || end_timestamp >= TOLERATED) return null;
  return anomalies.includes('implausible:end_timestamp')
    ? null
    : (end_timestamp - start_timestamp) / 1000;
}

export const isRecent = (instant: number | null) =>
  instant !== null && instant >= AS_OF - 28 * DAY && instant < TOLERATED;

/** Linear between the two nearest. */
export function quantile(values: readonly (number | null)[], share: number): number | null {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)] ?? 0;
  const high = sorted[Math.ceil(at)] ?? 0;
  return low + (high - low) * (at - Math.floor(at));
}

export function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** The date and the hour in a time zone, by Intl. */
export function localParts(
  instant: number,
  timeZone: string,
): { date: string; hour: number; weekday: string } {
  const style = {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    weekday: 'short',
  } as const;
  const parts = new Map(
    new Intl.DateTimeFormat('en-GB', style)
      .formatToParts(instant)
      .map(({ type, value }) => [type, value]),
  );
  const get = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  return {
    date: `${get('year')}-${get('month')}-${get('day')}`,
    hour: Number(get('hour')),
    weekday: get('weekday').toLowerCase(),
  };
}

/** Monday of the week of a date. */
export function weekOf(date: string): string {
  const instant = Date.parse(date);
  const sinceMonday = (new Date(instant).getUTCDay() + 6) % 7;
  return new Date(instant - sinceMonday * DAY).toISOString().slice(0, 10);
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
