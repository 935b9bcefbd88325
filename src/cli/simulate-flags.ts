import { type Flag, withDefault } from './flag.ts';
import { LOG_FLAGS } from './flags.ts';
import { duration, integer, switched, text, texts } from './kinds.ts';

/** What `simulate` serves, and how badly it behaves. */
export const SIMULATE_FLAGS = {
  jobs: withDefault(
    {
      name: 'jobs',
      group: 'Simulated jobs',
      kind: integer(0, 50_000_000),
      description: 'Jobs in the list at the start',
    },
    '1000',
  ),
  seed: withDefault(
    {
      name: 'seed',
      group: 'Simulated jobs',
      kind: integer(0, 0xffff_ffff),
      description: 'The same seed makes the same jobs, faults and changes',
    },
    '1',
  ),
  sequenceBytes: withDefault(
    {
      name: 'sequence-bytes',
      group: 'Simulated jobs',
      kind: integer(0, 100_000_000),
      description: 'Length of the sequence of each job, bytes',
    },
    '100',
  ),
  oddities: withDefault(
    {
      name: 'oddities',
      group: 'Simulated jobs',
      kind: text('all, none, or a comma-separated list of kinds'),
      description: 'Rare payloads in one job of ten: all, none, or kinds, comma separated',
    },
    'none',
  ),
  port: withDefault(
    {
      name: 'port',
      group: 'Simulated server',
      kind: integer(0, 65_535),
      description: 'Port on 127.0.0.1; 0 takes a free one',
    },
    '0',
  ),
  latency: withDefault(
    {
      name: 'latency',
      group: 'Simulated server',
      kind: duration('0ms', '60s'),
      description: 'Delay of each page, such as 50ms',
    },
    '0ms',
  ),
  gzip: {
    name: 'gzip',
    group: 'Simulated server',
    kind: switched,
    description: 'Compress pages',
  },
  signIn: {
    name: 'sign-in',
    group: 'Simulated server',
    kind: switched,
    description: 'Require a token, and issue some',
  },
  rateLimit: {
    name: 'rate-limit',
    group: 'Simulated server',
    kind: text('requests a second'),
    description: 'Requests a second, such as 20 or 20,burst=5,retry-after=date',
    shownDefault: 'none',
  },
  faults: {
    name: 'fault',
    group: 'Simulated server',
    kind: texts,
    description: 'What goes wrong and how often, such as 503=0.05,truncated=0.01',
    shownDefault: 'none',
  },
  drift: {
    name: 'drift',
    group: 'Simulated server',
    kind: text('a rate of change'),
    description: 'Changes of the list while it is read, such as every=10,insert=3,delete=1',
    shownDefault: 'none',
  },
  json: LOG_FLAGS.json,
} as const satisfies Record<string, Flag>;
