/** One request for a page of the list, free of any spelling on the wire. */
export interface ListQuery {
  readonly offset: number;
  readonly limit: number;
  readonly orderBy: 'created_at' | 'id';
  readonly direction: 'ASC' | 'DESC';
  readonly idStartsWith?: string;
}

export interface ModelJob {
  readonly id: string;
  readonly created_at: string;
  readonly updated_at: string;
  /** Changes of the job so far: the highest one seen is the newest content. */
  readonly revision: number;
}

export type ListAnswer =
  | { readonly kind: 'page'; readonly jobs: readonly ModelJob[]; readonly total: number }
  | { readonly kind: 'refused'; readonly status: 422 | 500 };

export const CHANGES = [
  'create',
  // A job that shares its time with the newest one, but comes later.
  'createTied',
  // A job from a host whose clock is behind: a little older than the newest.
  'createSkewed',
  'insertOld',
  'deleteAnywhere',
  'deleteOldest',
  'deleteNewest',
  'deleteCluster',
  'leave',
  'enter',
  'update',
  'swapTies',
  'shuffleTies',
] as const;

export type Change = (typeof CHANGES)[number];

/** Changes aimed at the very page that is being asked for. */
export type Adversary =
  /** The oldest jobs go while the last offset is asked, so that its page comes empty. */
  | 'emptyEnd'
  /** A job leaves, an older one enters, a tied one changes places across the page boundary. */
  | 'leaveEnterSwap'
  /** The same without a filter: a deletion, and a creation by a clock that is behind. */
  | 'deleteSkewSwap'
  /** A tie changes places, a job with the first hex digit of the lost one goes, an old one comes. */
  | 'equalDigits';

type Support = 'honoured' | 'ignored' | 'refused';

/** What the server says the number of matching jobs is. */
export type Total =
  | { readonly kind: 'right' | 'rows' | 'offsetAndRows' }
  | { readonly kind: 'capped'; readonly at: number }
  /** Counted anew after so many answers only, for each prefix by itself. */
  | { readonly kind: 'cached'; readonly answers: number }
  | { readonly kind: 'offBy'; readonly by: number };

/** What the list holds, how it changes, and how well the server answers. Times are microseconds. */
export interface ModelOptions {
  readonly jobs: number;
  /** Jobs that do not match the filter at the start, but may enter. */
  readonly outside: number;
  /** How many jobs share one `created_at`, drawn evenly for each group. */
  readonly ties: readonly [least: number, most: number];
  /** Longest time between two neighbouring groups. */
  readonly gap: number;
  /** Mean number of changes before each answer, for ever. */
  readonly rate: number;
  /** How often each change happens, in proportion. */
  readonly changes: Readonly<Partial<Record<Change, number>>>;
  readonly adversary?: { readonly kind: Adversary; readonly chance: number };
  /** `mirrored`: DESC is ASC read backwards; `kept`: ties stand alike in both; or anew each time. */
  readonly tieOrder: 'mirrored' | 'kept' | 'shuffled';
  /** What the server sorts by where `created_at` is asked for. */
  readonly sortedBy: 'instant' | 'second' | 'text';
  /** How times are written: one ISO shape, or every shape that was seen, mixed. */
  readonly shapes: 'iso' | 'mixed';
  readonly idOrder: Support;
  readonly prefix: Support;
  readonly descending: Support;
  readonly offset: 'honoured' | 'ignored';
  readonly refusal: 422 | 500;
  readonly total: Total;
  /** Offsets from here on are empty. */
  readonly reach: number;
  /** Rows of a page, whatever limit is asked for. */
  readonly longestPage: number;
  /** Share of the jobs that are counted, but never shown. */
  readonly hidden: number;
  /** Share of the rows that are counted, but missing from an answer by chance. */
  readonly dropped: number;
  /** Share of the answers that break off early. */
  readonly short: number;
  readonly replicas: number;
  /** Changes that a replica may be behind, before the run starts too. */
  readonly lag: number;
  /** Jobs are made up for any offset. */
  readonly endless: boolean;
}

/** A still list of a server that does everything right. */
export const HONEST: ModelOptions = {
  jobs: 300,
  outside: 0,
  ties: [1, 1],
  gap: 2_000_000,
  rate: 0,
  changes: {},
  tieOrder: 'mirrored',
  sortedBy: 'instant',
  shapes: 'iso',
  idOrder: 'honoured',
  prefix: 'honoured',
  descending: 'honoured',
  offset: 'honoured',
  refusal: 422,
  total: { kind: 'right' },
  reach: Number.POSITIVE_INFINITY,
  longestPage: Number.POSITIVE_INFINITY,
  hidden: 0,
  dropped: 0,
  short: 0,
  replicas: 1,
  lag: 0,
  endless: false,
};

/** Seeded randomness (splitmix32): the same seed gives the same numbers for ever. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    const a = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0aaad);
    const b = Math.imul(a ^ (a >>> 15), 0x735a2d97);
    return (b ^ (b >>> 15)) >>> 0;
  }

  /** A whole number from `least` to `most`, both included; spans up to 2^32. */
  between(least: number, most: number): number {
    return least + Math.floor((this.bits() / 2 ** 32) * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.bits() < share * 2 ** 32;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.between(0, values.length - 1)];
  }

  /** Shuffles in place (Fisher and Yates). */
  shuffle<T>(values: T[]): T[] {
    for (let last = values.length - 1; last > 0; last -= 1) {
      const other = this.between(0, last);
      [values[last], values[other]] = [values[other], values[last]];
    }
    return values;
  }

  uuid(): string {
    const [a, b, c, d] = [this.#word(), this.#word(), this.#word(), this.#word()];
    return `${a}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${d}`;
  }

  /** Eight hex digits. */
  #word(): string {
    // The leading 1 keeps the zeros in front.
    return (this.bits() + 2 ** 32).toString(16).slice(1);
  }
}
