import type { JobKeys } from './job-table.ts';
import { type JobField, type Members, OPTIONAL_FIELDS } from './members.ts';
import { isoSeconds, isoText, microDigits, type Random } from './values.ts';

/** How an oddity changes a job. */
export interface Twist {
  /** Changes what the filters see too, before the job is stored. */
  readonly keys?: (keys: JobKeys, random: Random) => void;
  /** Changes only the text that is sent. */
  readonly members?: (members: Members, keys: JobKeys, random: Random) => void;
}

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

/** Writes all four timestamps of a job in one shape. */
function shape(write: (micros: number) => string): Twist {
  return {
    members: (members, { createdAt, updatedAt, startedAt, endedAt }) => {
      members.set('created_at', write(createdAt));
      members.set('updated_at', write(updatedAt));
      if (startedAt !== null) members.set('start_timestamp', write(startedAt));
      if (endedAt !== null) members.set('end_timestamp', write(endedAt));
    },
  };
}

function epochSeconds(micros: number): string {
  return `${Math.floor(micros / 1_000_000)}.${microDigits(micros)}`;
}

export const TIME_TWISTS: Readonly<Record<TimeOddity, Twist>> = {
  'time-naive': shape((t) => `"${isoSeconds(t)}.${microDigits(t)}"`),
  'time-offset': shape((t) => `"${isoSeconds(t + 2 * HOUR)}.${microDigits(t)}+02:00"`),
  'time-zulu': shape((t) => `"${isoSeconds(t)}.${microDigits(t)}Z"`),
  'time-millis': shape((t) => `"${isoSeconds(t)}.${microDigits(t).slice(0, 3)}Z"`),
  'time-seconds': shape((t) => `"${isoSeconds(t)}Z"`),
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
};

/** Fields, numbers and strings: legal JSON that a careless reader alters or drops. */
export const DATA_ODDITIES = [
  'null-fields',
  'absent-fields',
  'absent-sequence',
  'empty-errors',
  'null-runs',
  'other-status',
  'unknown-status',
  'extra-fields',
  'extra-numbers',
  'proto-keys',
  'duplicate-keys',
  'runs-past-double',
  'runs-past-int64',
  'runs-fraction',
  'runs-decimal-point',
  'order-past-double',
  'progress-over-100',
  'variables-big-integers',
  'variables-huge-exponent',
  'variables-many-digits',
  'variables-nested',
  'variables-list',
  'text-nul',
  'text-emoji',
  'text-escapes',
  'text-empty',
  'wrong-type-runs',
  'wrong-type-errors',
  'wrong-type-progress',
  'wrong-type-sequence',
  'wrong-type-parent',
  'wrong-type-updated',
] as const;
export type DataOddity = (typeof DATA_ODDITIES)[number];

/** The first integers a double cannot tell apart: 2^53 and 2^53 + 1. */
const PAST_DOUBLE = ['9007199254740992', '9007199254740993'] as const;
const DIGITS = '3.14159265358979323846264338327950288';
const NESTED = `${'[{"x":'.repeat(30)}"deep"${'}]'.repeat(30)}`;
const PROTO = '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"toString":"text"}';

function field(name: string, ...texts: readonly string[]): Twist {
  return { members: (members, _keys, random) => members.set(name, random.pick(texts)) };
}

export const DATA_TWISTS: Readonly<Record<DataOddity, Twist>> = {
  'null-fields': {
    members: (members) => {
      for (const name of OPTIONAL_FIELDS) members.set(name, 'null');
    },
  },
  'absent-fields': {
    members: (members) => {
      for (const name of OPTIONAL_FIELDS) members.remove(name);
    },
  },
  'absent-sequence': { members: (members) => members.remove('sequence') },
  'empty-errors': field('errors', '[]'),
  'null-runs': {
    keys: (keys) => {
      keys.runs = null;
    },
  },
  'other-status': {
    keys: (keys, random) => {
      keys.status = random.pick(['TIMED_OUT', 'PAUSED', 'CANCELING']);
    },
  },
  'unknown-status': {
    keys: (keys) => {
      keys.status = 'HIBERNATING';
    },
  },
  'extra-fields': {
    members: (members) => {
      members.set('ordered_jobs', 'null');
      members.set('device_type', '"FRESNEL"');
      members.set('result_links', '{"raw":["a","b"],"counts":{"0110":12}}');
    },
  },
  'extra-numbers': {
    members: (members) => {
      members.set('cost', DIGITS);
      members.set('budget', '1e400');
      members.set('serial', PAST_DOUBLE[1]);
    },
  },
  'proto-keys': {
    members: (members) => {
      members.set('variables', PROTO);
      members.set('__proto__', '{"polluted":true}');
      members.set('constructor', '"text"');
    },
  },
  'duplicate-keys': {
    members: (members) => {
      members.prepend('"runs"', '1');
      members.prepend('"variables"', '{"first":true}');
      members.set('tag', '{"key":1,"key":2}');
    },
  },
  'runs-past-double': field('runs', ...PAST_DOUBLE),
  'runs-past-int64': field('runs', '9223372036854775808', '1e400'),
  'runs-fraction': field('runs', '100.5'),
  'runs-decimal-point': field('runs', '500.0', '5e2'),
  'order-past-double': field('creation_order', '9223372036854775807', PAST_DOUBLE[1]),
  'progress-over-100': field('progress', '101', '-1'),
  'variables-big-integers': field(
    'variables',
    `{"at":${PAST_DOUBLE[0]},"past":${PAST_DOUBLE[1]},"minus":-${PAST_DOUBLE[1]},"huge":${'1234567890'.repeat(6)}}`,
  ),
  'variables-huge-exponent': field('variables', '{"up":1e400,"down":-1E-400,"zero":-0.0}'),
  'variables-many-digits': field('variables', `{"pi":${DIGITS},"list":[0.1,${DIGITS},1.0]}`),
  'variables-nested': field('variables', `{"tree":${NESTED}}`),
  'variables-list': field('variables', '[1,[2,[3]],{"a":null}]', '"text"', '7', 'false'),
  'text-nul': {
    members: (members) => {
      members.set('slurm_job_id', '"a\\u0000b"');
      members.set('errors', '["nul \\u0000 inside","\\u0000"]');
    },
  },
  'text-emoji': {
    members: (members) => {
      members.set('slurm_job_id', '"\u{1F9EA}-\\ud83e\\uddea-é-e\u0301"');
      members.set('variables', '{"\u{1F52C}":"\u{1F468}\u200D\u{1F469}\u200D\u{1F467}"}');
    },
  },
  'text-escapes': field('errors', '["\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u2028\u2029\\u007f"]'),
  'text-empty': {
    members: (members) => {
      members.set('slurm_job_id', '""');
      members.set('errors', '[""]');
      members.set('sequence', '""');
    },
  },
  'wrong-type-runs': field('runs', '"many"', 'true', '[500]'),
  'wrong-type-errors': field('errors', '"one text"', '["text",1,null]', '{"0":"text"}'),
  'wrong-type-progress': field('progress', '{}', '"100"'),
  'wrong-type-sequence': field('sequence', '42', '{"version":"1"}', '[]'),
  'wrong-type-parent': field('parent_id', '7', 'false'),
  'wrong-type-updated': field('updated_at', 'true', '[]', '""'),
};

/** Jobs that no table can hold as they are: each one leads to a reject, so they are sent only when asked for. */
export const REJECT_ODDITIES = [
  'lone-surrogate',
  'lone-surrogate-nested',
  'lone-surrogate-key',
  'id-absent',
  'id-null',
  'id-number',
  'batch-null',
  'project-absent',
  'status-null',
  'status-number',
  'created-absent',
  'created-null',
  'created-impossible',
  'created-no-time',
  'created-object',
] as const;
export type RejectOddity = (typeof REJECT_ODDITIES)[number];

function absent(name: JobField): Twist {
  return { members: (members) => members.remove(name) };
}

export const REJECT_TWISTS: Readonly<Record<RejectOddity, Twist>> = {
  'lone-surrogate': field('slurm_job_id', '"half \\ud83e a pair"'),
  'lone-surrogate-nested': field('variables', '{"list":["\\udc00"]}'),
  'lone-surrogate-key': field('variables', '{"\\ud800":1}'),
  'id-absent': absent('id'),
  'id-null': field('id', 'null'),
  'id-number': field('id', '12'),
  'batch-null': field('batch_id', 'null'),
  'project-absent': absent('project_id'),
  'status-null': field('status', 'null'),
  'status-number': field('status', '3'),
  'created-absent': absent('created_at'),
  'created-null': field('created_at', 'null'),
  'created-impossible': field('created_at', '"2025-02-30T12:00:00+00:00"'),
  'created-no-time': field('created_at', '"yesterday"'),
  'created-object': field('created_at', '{"seconds":1}'),
};

/** Rare but legal payloads: an export keeps every one of these jobs. */
export const ODDITIES = [...TIME_ODDITIES, ...DATA_ODDITIES] as const;

export type OddityKind = (typeof ODDITIES)[number] | (typeof REJECT_ODDITIES)[number];

const TWISTS: Readonly<Record<OddityKind, Twist>> = {
  ...TIME_TWISTS,
  ...DATA_TWISTS,
  ...REJECT_TWISTS,
};

export function twistOf(kind: OddityKind): Twist {
  return TWISTS[kind];
}

/**
 * Which oddity a slot has. One job in `1 / rate` is odd and the kinds take turns, so that a list of `kinds / rate`
 * jobs shows every one.
 */
export function oddityOf(
  slot: number,
  kinds: readonly OddityKind[],
  rate: number,
): OddityKind | undefined {
  if (kinds.length === 0 || rate <= 0) return undefined;
  const before = Math.floor(slot * rate);
  return Math.floor((slot + 1) * rate) > before ? kinds[before % kinds.length] : undefined;
}
