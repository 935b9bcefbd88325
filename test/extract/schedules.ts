import { type Change, HONEST, type ModelOptions, Random } from './list-options.ts';

/**
 * How often an exporter is expected to prove the list. `either`: a proof and a refusal are both
 * honest, since what can be proven hangs on luck or on how hard one tries.
 */
export type Expected = 'always' | 'mostly' | 'either' | 'never';

export interface Schedule {
  readonly seed: number;
  readonly kind: string;
  readonly expected: Expected;
  readonly model: ModelOptions;
  /** Rows that the exporter asks for at once, at most. */
  readonly pageSize: number;
  /** Requests that the exporter may have under way at once. */
  readonly readAhead: number;
  /** Turns of the microtask queue that a request, and its answer, take at most. */
  readonly hops: number;
}

type Draft = Partial<ModelOptions> & { readonly pageSize?: number };
type Draw = (random: Random, pageSize: number) => Draft;

const STILL: Draft = {};
const GROWTH: ModelOptions['changes'] = { create: 1, createTied: 1, createSkewed: 1 };
const MIXED: ModelOptions['changes'] = {
  create: 3,
  createTied: 1,
  createSkewed: 1,
  insertOld: 1,
  deleteAnywhere: 2,
  deleteOldest: 1,
  deleteNewest: 1,
  deleteCluster: 0.3,
  leave: 1,
  enter: 1,
  update: 2,
  swapTies: 2,
  shuffleTies: 1,
};
/** What else happens while an adversary is at work. */
const QUIET: ModelOptions['changes'] = { update: 1, swapTies: 1 };

const few = (random: Random): readonly [number, number] => [1, random.between(1, 4)];
const drift = (random: Random): Draft => ({
  ties: few(random),
  outside: 40,
  rate: random.between(1, 10) / 10,
  changes: MIXED,
});
/** Half of them still, half drifting. */
const perhaps = (random: Random): Draft => (random.chance(0.5) ? drift(random) : STILL);
const beyondPage = (random: Random, pageSize: number): readonly [number, number] => [
  pageSize + 1,
  pageSize * random.between(2, 6),
];
const aside = (random: Random): 'ignored' | 'refused' => random.pick(['ignored', 'refused']);

/** Kinds of schedules, with what is expected of each; the numbers are those of the lists. */
const KINDS: Readonly<Record<string, readonly [Expected, Draw]>> = {
  // 1 to 6: where a careless proof is wrong.
  '1 end never read': [
    'mostly',
    (random) => ({
      ties: few(random),
      rate: 0.2,
      changes: QUIET,
      adversary: { kind: 'emptyEnd', chance: random.pick([0.3, 0.9]) },
    }),
  ],
  '2 total and reach capped': [
    'always',
    (random) => {
      const at = random.between(60, 250);
      return { ties: few(random), total: { kind: 'capped', at }, reach: at };
    },
  ],
  // A list that looks as short as its cap, and so do its leaves; DESC shows other rows than ASC.
  '2 capped below a page': [
    'either',
    (random, pageSize) => {
      const at = random.between(3, pageSize - 1);
      return { ...perhaps(random), total: { kind: 'capped', at }, reach: at };
    },
  ],
  '2 total capped': [
    'mostly',
    (random) => ({ ...perhaps(random), total: { kind: 'capped', at: random.between(20, 250) } }),
  ],
  '2 total of the page': ['mostly', (random) => ({ ...perhaps(random), total: { kind: 'rows' } })],
  '2 total so far': [
    'mostly',
    (random) => ({ ...perhaps(random), total: { kind: 'offsetAndRows' } }),
  ],
  '2 total cached': [
    'mostly',
    (random) => ({ ...drift(random), total: { kind: 'cached', answers: random.between(5, 1000) } }),
  ],
  '2 total off': [
    'mostly',
    (random) => ({
      ...perhaps(random),
      total: { kind: 'offBy', by: random.pick([-30, -3, -1, 1, 3, 30]) },
    }),
  ],
  '3 cancelled out in a filter': [
    'mostly',
    (random) => ({
      ties: [1, 3],
      outside: 60,
      rate: 0.1,
      changes: QUIET,
      adversary: { kind: 'leaveEnterSwap', chance: random.pick([0.1, 0.5]) },
    }),
  ],
  '3 cancelled out by clocks': [
    'mostly',
    (random) => ({
      ties: [1, 3],
      rate: 0.1,
      changes: QUIET,
      adversary: { kind: 'deleteSkewSwap', chance: random.pick([0.1, 0.5]) },
    }),
  ],
  '4 equal counts': [
    'mostly',
    (random) => ({
      ties: [1, 3],
      adversary: { kind: 'equalDigits', chance: random.pick([0.1, 0.4]) },
    }),
  ],
  // Dense enough that the disorder shows: a client cannot see what never shows.
  '5 sorted by second': [
    'either',
    (random) => ({
      ...perhaps(random),
      gap: 200_000,
      sortedBy: 'second',
      tieOrder: random.pick(['mirrored', 'shuffled']),
    }),
  ],
  '5 sorted by text': [
    'either',
    (random) => ({ ...perhaps(random), sortedBy: 'text', shapes: 'mixed' }),
  ],
  '6 replicas that lag': [
    'mostly',
    (random) => ({
      ...drift(random),
      replicas: random.between(2, 3),
      lag: random.between(1, 30),
    }),
  ],
  // 7 to 11: where a careful proof refuses too much.
  '7 still, ties shuffled': [
    'always',
    (random) => ({ ties: [1, random.pick([2, 5, 20, 60])], tieOrder: 'shuffled' }),
  ],
  '7 the same without the order of ids': [
    'always',
    (random) => ({
      ties: [1, random.pick([2, 5, 20, 60])],
      tieOrder: 'shuffled',
      idOrder: aside(random),
    }),
  ],
  '8 ties past a page, still': [
    'always',
    (random, pageSize) => ({
      ties: beyondPage(random, pageSize),
      tieOrder: random.pick(['mirrored', 'kept', 'shuffled']),
      idOrder: random.pick(['honoured', 'ignored', 'refused']),
    }),
  ],
  '8 ties past a page, drifting': [
    'mostly',
    (random, pageSize) => ({
      ...drift(random),
      ties: beyondPage(random, pageSize),
      changes: { ...MIXED, create: 0.2 },
      tieOrder: random.pick(['mirrored', 'kept', 'shuffled']),
    }),
  ],
  '9 draining': [
    'mostly',
    (random) => ({
      ties: few(random),
      rate: random.pick([0.7, 1]),
      changes: { [random.pick<Change>(['deleteAnywhere', 'deleteOldest', 'leave'])]: 1 },
    }),
  ],
  '9 growing': [
    'mostly',
    (random) => ({ ties: few(random), rate: 1 / random.between(1, 4), changes: GROWTH }),
  ],
  '10 no prefix': [
    'always',
    (random) => ({ ties: few(random), prefix: aside(random), refusal: random.pick([422, 500]) }),
  ],
  '10 no descending order': [
    'always',
    (random) => ({
      ties: few(random),
      descending: aside(random),
      refusal: random.pick([422, 500]),
    }),
  ],
  '10 no order of ids': [
    'mostly',
    (random) => ({ ...drift(random), idOrder: aside(random), refusal: random.pick([422, 500]) }),
  ],
  '10 only offsets': [
    'either',
    (random) => ({
      ...perhaps(random),
      idOrder: aside(random),
      prefix: 'refused',
      descending: 'refused',
      refusal: random.pick([422, 500]),
    }),
  ],
  // Totals stay right: rows that neither pages nor totals show are seen by no client.
  '11 rows hidden': ['never', () => ({ jobs: 300, hidden: 0.1 })],
  '11 rows dropped by chance': [
    'either',
    (random) => ({ ...perhaps(random), dropped: random.pick([0.001, 0.01, 0.1]) }),
  ],
  '11 offset ignored, no prefix': ['never', () => ({ offset: 'ignored', prefix: 'refused' })],
  '11 offset ignored': ['either', () => ({ offset: 'ignored' })],
  // The rows made up come behind the real ones, and the order shows that.
  '11 without end': ['either', () => ({ endless: true })],
  '11 pages capped': [
    'either',
    (random, pageSize) => ({
      ...perhaps(random),
      longestPage: random.between(2, pageSize - 1),
    }),
  ],
  '11 pages broken off': [
    'either',
    (random) => ({ ...perhaps(random), short: random.pick([0.02, 0.2]) }),
  ],
  // Lists at the edge of being one.
  'edge: none': ['always', () => ({ jobs: 0 })],
  'edge: one or two': ['always', (random) => ({ jobs: random.between(1, 2), ties: [1, 2] })],
  'edge: about a page': [
    'always',
    (random, pageSize) => ({ jobs: pageSize + random.between(-1, 1), ties: few(random) }),
  ],
  'edge: all equal, about a page': [
    'always',
    (random, pageSize) => ({ jobs: pageSize + random.between(-1, 1), ties: [1000, 1000] }),
  ],
  'edge: all equal, many': [
    'always',
    (random) => ({
      ties: [1000, 1000],
      tieOrder: random.pick(['mirrored', 'kept', 'shuffled']),
      idOrder: random.pick(['honoured', 'refused']),
    }),
  ],
  'edge: few and drifting': [
    'either',
    (random) => ({ ...drift(random), jobs: random.between(0, 12) }),
  ],
  // Everything at once.
  'still, small ties': [
    'always',
    (random) => ({ ties: few(random), tieOrder: random.pick(['mirrored', 'kept']), pageSize: 100 }),
  ],
  'drift of every sort': ['mostly', (random) => ({ ...drift(random), shapes: 'mixed' })],
  'heavy drift': [
    'either',
    (random) => ({ ...drift(random), rate: random.between(2, 8), tieOrder: 'shuffled' }),
  ],
  'drift and a poor server': [
    'either',
    (random) => ({
      ...drift(random),
      ties: [1, random.pick([1, 3, 30])],
      tieOrder: random.pick(['mirrored', 'kept', 'shuffled']),
      idOrder: random.pick(['honoured', 'ignored', 'refused']),
      prefix: random.pick(['honoured', 'ignored', 'refused']),
      descending: random.pick(['honoured', 'honoured', 'ignored', 'refused']),
      total: random.pick<ModelOptions['total']>([
        { kind: 'right' },
        { kind: 'rows' },
        { kind: 'offsetAndRows' },
        { kind: 'cached', answers: 20 },
        { kind: 'capped', at: 100 },
      ]),
      replicas: 2,
      lag: random.pick([0, 0, 5]),
      adversary: {
        kind: random.pick(['emptyEnd', 'leaveEnterSwap', 'deleteSkewSwap', 'equalDigits']),
        chance: random.pick([0, 0.2]),
      },
    }),
  ],
};

export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/**
 * The schedule of a seed. Neighbouring seeds go round the kinds, so that any run of seeds covers
 * them evenly.
 *
 * Left out is what no client can see: rows that neither pages nor totals show, replicas that are
 * all behind from before the run (`throughout` leaves their past changes out), disorder that never shows.
 */
export function schedule(seed: number): Schedule {
  const kind = KIND_NAMES[seed % KIND_NAMES.length];
  const [expected, draw] = KINDS[kind];
  const random = new Random(seed);
  const drawn = random.between(5, 40);
  const { pageSize = drawn, ...draft } = draw(random, drawn);
  return {
    seed,
    kind,
    expected,
    model: { ...HONEST, jobs: random.between(150, 450), ...draft },
    pageSize,
    readAhead: random.pick([1, 2, 4, 8]),
    hops: random.pick([0, 3, 20]),
  };
}
