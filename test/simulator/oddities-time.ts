import { field, type Twist } from './members.ts';
import { isoSeconds, isoText, microDigits } from './values.ts';

/** Timestamps: every shape the API has been seen to send, and instants that make a reader look twice. */
export const TIME_ODDITIES = [
  'time-naive',
  'time-offset',
  'time-zulu',
  'time-millis',
  'time-seconds',
  'time-space',
  'time-epoch-text',
  'time-epoch-number',
  'time-long-fraction',
  'time-year-2655-text',
  'time-year-2655-number',
  'time-before-2015',
  'time-impossible',
  'time-no-time',
  'end-before-start',
  'start-before-created',
] as const;
export type TimeOddity = (typeof TIME_ODDITIES)[number];

const HOUR = 3_600_000_000;

/** Shapes and years that not every reader of ISO 8601 and JSON takes. */
export const EXACTING_TIMES = [
  'time-epoch-exponent',
  'time-epoch-exponent-text',
  'time-lowercase',
  'time-year-0000',
  'time-year-10000',
] as const;
export type ExactingTime = (typeof EXACTING_TIMES)[number];

/**
 * Writes all four timestamps of a job in one shape.
 *
 * @param unit microseconds that the shape can tell apart: the list is in the order of what it shows, so that a
 *   `created_at` which would lose digits stays as it is
 */
function shape(write: (micros: number) => string, unit = 1): Twist {
  return {
    members: (members, { createdAt, updatedAt, startedAt, endedAt }) => {
      if (createdAt % unit === 0) members.set('created_at', write(createdAt));
      members.set('updated_at', write(updatedAt));
      if (startedAt !== null) members.set('start_timestamp', write(startedAt));
      if (endedAt !== null) members.set('end_timestamp', write(endedAt));
    },
  };
}

/** `1.704067200500000e9`, which needs seconds of ten digits, as those of 2001 to 2286 are. */
function epochExponent(micros: number): string {
  const [seconds, fraction] = epochSeconds(micros).split('.');
  return `${seconds[0]}.${seconds.slice(1)}${fraction}e9`;
}

function epochSeconds(micros: number): string {
  return `${Math.floor(micros / 1_000_000)}.${microDigits(micros)}`;
}

export const TIME_TWISTS: Readonly<Record<TimeOddity | ExactingTime, Twist>> = {
  'time-naive': shape((t) => `"${isoSeconds(t)}.${microDigits(t)}"`),
  'time-offset': shape((t) => `"${isoSeconds(t + 2 * HOUR)}.${microDigits(t)}+02:00"`),
  'time-zulu': shape((t) => `"${isoSeconds(t)}.${microDigits(t)}Z"`),
  'time-millis': shape((t) => `"${isoSeconds(t)}.${microDigits(t).slice(0, 3)}Z"`, 1000),
  'time-seconds': shape((t) => `"${isoSeconds(t)}Z"`, 1_000_000),
  'time-space': shape((t) => `"${isoText(t).replace('T', ' ')}"`),
  'time-epoch-text': shape((t) => `"${epochSeconds(t)}"`),
  'time-epoch-number': shape(epochSeconds),
  'time-long-fraction': shape((t) => `"${isoSeconds(t)}.${microDigits(t)}999Z"`),
  'time-year-2655-text': {
    members: (members) => members.set('end_timestamp', '"21636558026.698066"'),
  },
  'time-year-2655-number': {
    members: (members) => members.set('end_timestamp', '21636558026.698066'),
  },
  'time-before-2015': {
    members: (members) => members.set('start_timestamp', '"1970-01-01T00:00:00+00:00"'),
  },
  'time-impossible': {
    members: (members) => members.set('end_timestamp', '"2025-02-30T12:00:00.000000+00:00"'),
  },
  'time-no-time': { members: (members) => members.set('updated_at', '"a while ago"') },
  'end-before-start': {
    keys: (keys) => {
      keys.startedAt ??= keys.createdAt + HOUR;
      keys.endedAt = keys.startedAt - 1_500_001;
    },
  },
  'start-before-created': {
    keys: (keys) => {
      keys.startedAt = keys.createdAt - 250_000;
    },
  },
  'time-epoch-exponent': shape(epochExponent),
  'time-epoch-exponent-text': shape((t) => `"${epochExponent(t)}"`),
  'time-lowercase': shape((t) => `"${isoSeconds(t).replace('T', 't')}.${microDigits(t)}z"`),
  'time-year-0000': field('end_timestamp', '"0000-06-15T12:00:00.000000+00:00"'),
  'time-year-10000': field(
    'end_timestamp',
    '"10000-01-01T00:00:00Z"',
    '"+010000-01-01T00:00:00Z"',
    '"9999-12-31T23:59:59.999999-01:00"',
  ),
};
