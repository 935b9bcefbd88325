import { OPTIONAL_FIELDS } from './members.ts';
import type { Twist } from './twist.ts';

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
