import { field, type JobField, OPTIONAL_FIELDS, type Twist } from './members.ts';
import { EXACTING_TIMES, type ExactingTime, TIME_ODDITIES, TIME_TWISTS } from './oddities-time.ts';

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

/** Legal payloads that ask more of a reader than the others do. */
export const EXACTING_ODDITIES = [
  ...EXACTING_TIMES,
  'keys-case',
  'duplicate-keys-deep',
  'text-separators',
  'lone-surrogate',
  'lone-surrogate-errors',
  'lone-surrogate-nested',
  'lone-surrogate-key',
  'lone-surrogate-deep',
] as const;

const EXACTING_TWISTS: Readonly<
  Record<Exclude<(typeof EXACTING_ODDITIES)[number], ExactingTime>, Twist>
> = {
  'keys-case': {
    members: (members) => {
      members.set(
        'variables',
        '{"omega":1.5,"Omega":2.5,"OMEGA":[{"a":1,"A":2,"deep":{"b":1,"B":[]}}]}',
      );
      members.set('device', '"FRESNEL"');
      members.set('Device', '{"name":"fresnel"}');
      members.set('Status', '"done"');
      members.set('ID', 'null');
    },
  },
  'duplicate-keys-deep': {
    members: (members) => {
      members.set('variables', '{"a":1,"list":[{"b":{"c":1,"c":2},"b":{"c":3,"c":4}}],"a":"last"}');
      members.set('tag', '[[{"key":1,"key":null}]]');
    },
  },
  'text-separators': {
    members: (members) => {
      members.set('slurm_job_id', '"a\u2028b\u2029c\u0085d"');
      members.set('errors', '["line\u2028line","\u2029","\u0085"]');
      members.set('variables', '{"key\u2028\u2029\u0085":["value\u0085\u2028\u2029"]}');
    },
  },
  'lone-surrogate': field('slurm_job_id', '"half \\ud83e a pair"'),
  'lone-surrogate-errors': field('errors', '["\\udc00","fine","\\ud83e\\ud83e\\uddea"]'),
  'lone-surrogate-nested': field('variables', '{"list":["\\udc00"]}'),
  'lone-surrogate-key': field('variables', '{"\\ud800":1}'),
  'lone-surrogate-deep': {
    members: (members) => {
      members.set('variables', '{"a":[{"b":{"\\udfff":["x","\\ud800y"],"\\ud83e\\uddea":1}}]}');
      members.set('note', '{"\\ud800":{"\\udc00":"\\ud800"}}');
    },
  },
};

/**
 * Jobs that spoil every page they are on: `variables-nan` is no JSON, `invalid-utf8` holds a byte that UTF-8 never does
 * (`UNREADABLE`), `giant` has a sequence of `giantBytes`. Sent only when asked for by name.
 */
export const BREAKING_ODDITIES = ['variables-nan', 'invalid-utf8', 'giant'] as const;

/** The last byte of this character goes out as 0xff. JavaScript's strings cannot hold what is no text. */
export const UNREADABLE = '\u{10ffff}';

const BREAKING_TWISTS: Readonly<Record<(typeof BREAKING_ODDITIES)[number], Twist>> = {
  'variables-nan': field('variables', '{"omega":NaN,"ramp":[1,2]}'),
  'invalid-utf8': field('slurm_job_id', `"node ${UNREADABLE} 7"`),
  giant: {
    members: (members, { id }, _random, giant) => members.set('sequence', giant.text(id[0])),
  },
};

/** Jobs that no table can hold as they are: each one leads to a reject, so they are sent only when asked for. */
export const REJECT_ODDITIES = [
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
export const ODDITIES = [...TIME_ODDITIES, ...DATA_ODDITIES, ...EXACTING_ODDITIES] as const;

/** Every kind there is, in the order in which a list of them is shown. */
export const EVERY_ODDITY = [...ODDITIES, ...REJECT_ODDITIES, ...BREAKING_ODDITIES] as const;
export type OddityKind = (typeof EVERY_ODDITY)[number];

const TWISTS: Readonly<Record<OddityKind, Twist>> = {
  ...TIME_TWISTS,
  ...DATA_TWISTS,
  ...EXACTING_TWISTS,
  ...REJECT_TWISTS,
  ...BREAKING_TWISTS,
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
