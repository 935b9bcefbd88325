import {
  type Adversary,
  CHANGES,
  type Change,
  type ListQuery,
  type ModelJob,
  type ModelOptions,
  type Random,
} from './list-options.ts';

/** A job as the server knows it. Never changed: an update makes another row. */
export interface Row {
  readonly job: ModelJob;
  /** True creation time, in microseconds since 1970. */
  readonly instant: number;
  /** What the server sorts by: equal keys are ties. */
  readonly key: number | string;
  /** Decides between ties. */
  readonly rank: number;
  /** Counted, but never shown. */
  readonly hidden: boolean;
}

/** The jobs that match the filter at one moment, in both orders. */
export interface State {
  readonly byTime: readonly Row[];
  readonly byId: readonly Row[];
}

const START = 1_700_000_000_000_000;
/** The furthest that one host's clock is behind another's. */
const SKEW = 5_000_000;
/** The most jobs that go at once at the end of the list. */
const MOST_GONE = 6;

export function compareTimes(a: Row, b: Row): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.rank - b.rank || compareIds(a, b);
}

export function compareIds(a: Row, b: Row): number {
  return a.job.id < b.job.id ? -1 : a.job.id > b.job.id ? 1 : 0;
}

/** The number of rows, all at the front, for which `before` holds. */
export function countBefore(rows: readonly Row[], before: (row: Row) => boolean): number {
  let least = 0;
  let most = rows.length;
  while (least < most) {
    const middle = (least + most) >>> 1;
    if (before(rows[middle])) least = middle + 1;
    else most = middle;
  }
  return least;
}

/** A time in one of the shapes in which the API was seen to write them. */
export function timeText(micros: number, shape: number): string {
  const zone = shape === 2 ? 7_200_000 : 0;
  const iso = new Date(Math.floor(micros / 1000) + zone).toISOString();
  const full = iso.slice(0, -1) + String(1000 + (micros % 1000)).slice(1);
  if (shape === 0) return full;
  if (shape === 1) return `${full}+00:00`;
  if (shape === 2) return `${full}+02:00`;
  if (shape === 3) return `${full}Z`;
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** The true list: it changes as told, and knows which jobs were there all the time. */
export class ChangingList {
  readonly #options: ModelOptions;
  readonly #random: Random;
  readonly #weights: readonly (readonly [Change, number])[];
  readonly #throughout: Set<string>;
  readonly #outside: Row[] = [];
  #state: State;
  #newest = START;
  /** Updates so far: the clock of `updated_at`. */
  #updates = 0;

  constructor(options: ModelOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#weights = CHANGES.map((change) => [change, options.changes[change] ?? 0]);
    const rows: Row[] = [];
    while (rows.length < options.jobs) rows.push(...this.#batch(options.jobs - rows.length));
    this.#state = { byTime: rows.toSorted(compareTimes), byId: rows.toSorted(compareIds) };
    while (this.#outside.length < options.outside) this.#outside.push(this.#row(this.#oldTime()));
    this.#throughout = new Set(rows.map(({ job }) => job.id));
  }

  /** The list of this moment; later changes leave it as it is. */
  get state(): State {
    return this.#state;
  }

  /** Ids of the jobs that never left the list since it was made. */
  get throughout(): ReadonlySet<string> {
    return this.#throughout;
  }

  /** One change, drawn by the weights; one that finds no job to change does nothing. */
  change(): void {
    let left = this.#random.between(0, 999) / 1000;
    left *= this.#weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [change, weight] of this.#weights) {
      if (left < weight) {
        this.#apply(change);
        return;
      }
      left -= weight;
    }
  }

  /** The changes that do most harm to the answer of this query. */
  attack(kind: Adversary, query: ListQuery): void {
    const { length } = this.#state.byTime;
    const ascending = query.direction === 'ASC';
    if (query.idStartsWith || query.orderBy === 'id' || length === 0) return;
    const edge = ascending ? query.offset : length - query.offset;
    if (kind === 'emptyEnd') {
      const rest = length - query.offset;
      if (!ascending || query.offset === 0 || rest < 1 || rest > MOST_GONE) return;
      for (let gone = 0; gone < rest; gone += 1) this.#apply('deleteOldest');
      return;
    }
    const lost = this.#swapNear(edge);
    const { byTime } = this.#state;
    const read = ascending ? byTime.slice(0, edge) : byTime.slice(Math.max(0, edge));
    if (read.length === 0) return;
    if (kind === 'equalDigits') {
      const digit = lost?.job.id[0];
      const twins = read.filter((row) => row !== lost && row.job.id[0] === digit);
      if (twins.length === 0) return;
      this.#remove(this.#random.pick(twins));
      this.#add(this.#row(this.#oldTime()));
      return;
    }
    this.#remove(this.#random.pick(read), kind === 'leaveEnterSwap');
    this.#apply(kind === 'leaveEnterSwap' ? 'enter' : 'createSkewed');
  }

  #apply(change: Change): void {
    const { byTime } = this.#state;
    const random = this.#random;
    const any = byTime.length === 0 ? undefined : random.between(0, byTime.length - 1);
    if (change === 'create') {
      for (const row of this.#batch(Number.POSITIVE_INFINITY)) this.#add(row);
    } else if (change === 'createTied') this.#add(this.#row(this.#newest));
    else if (change === 'createSkewed') {
      this.#add(this.#row(this.#newest - random.between(1, SKEW)));
    } else if (change === 'insertOld') this.#add(this.#row(this.#oldTime()));
    else if (change === 'enter') this.#enter();
    else if (any === undefined) return;
    else if (change === 'swapTies') this.#swapNear(any);
    else if (change === 'shuffleTies') this.#shuffleTies(byTime[any]);
    else if (change === 'update') {
      const row = byTime[any];
      this.#replace(row, this.#updated(row));
    } else {
      const first = change === 'deleteOldest' ? 0 : change === 'deleteNewest' ? -1 : any;
      const many = change === 'deleteCluster' ? random.between(2, 5) : 1;
      const gone = byTime.slice(first).slice(0, many);
      for (const row of gone) this.#remove(row, change === 'leave');
    }
  }

  /** Jobs that are created together: they share one time, newer than all before. */
  #batch(most: number): Row[] {
    this.#newest += this.#random.between(1, this.#options.gap);
    const many = Math.min(most, this.#random.between(...this.#options.ties));
    return Array.from({ length: many }, () => this.#row(this.#newest));
  }

  #row(instant: number): Row {
    const random = this.#random;
    const { shapes, sortedBy, hidden } = this.#options;
    const created = timeText(instant, shapes === 'mixed' ? random.between(0, 4) : 0);
    const second = Math.floor(instant / 1_000_000);
    return {
      job: { id: random.uuid(), created_at: created, updated_at: created, revision: 0 },
      instant,
      key: sortedBy === 'instant' ? instant : sortedBy === 'second' ? second : created,
      rank: random.bits(),
      hidden: random.chance(hidden),
    };
  }

  /** A time of the past: that of a job in the list, one between, or one before all. */
  #oldTime(): number {
    const rows = this.#state.byTime;
    if (rows.length > 0 && this.#random.chance(0.3)) return this.#random.pick(rows).instant;
    const span = this.#newest - START + SKEW;
    return this.#newest - Math.floor((span * this.#random.bits()) / 2 ** 32) - 1;
  }

  #updated(row: Row): Row {
    this.#updates += 1;
    const revision = row.job.revision + 1;
    const updated_at = timeText(this.#newest + this.#updates, 0);
    return { ...row, job: { ...row.job, updated_at, revision } };
  }

  #add(row: Row): void {
    this.#state = {
      byTime: inserted(this.#state.byTime, row, compareTimes),
      byId: inserted(this.#state.byId, row, compareIds),
    };
  }

  #remove(row: Row, mayReturn = false): void {
    this.#state = {
      byTime: removed(this.#state.byTime, row, compareTimes),
      byId: removed(this.#state.byId, row, compareIds),
    };
    this.#throughout.delete(row.job.id);
    if (mayReturn) this.#outside.push(row);
  }

  /** Puts another version of a row in its place; the job stays in the list. */
  #replace(old: Row, row: Row): void {
    this.#state = {
      byTime: inserted(removed(this.#state.byTime, old, compareTimes), row, compareTimes),
      byId: inserted(removed(this.#state.byId, old, compareIds), row, compareIds),
    };
  }

  #enter(): void {
    if (this.#outside.length === 0) return;
    const [row] = this.#outside.splice(this.#random.between(0, this.#outside.length - 1), 1);
    if (row) this.#add(this.#updated(row));
  }

  /**
   * Two tied rows at a place of the list, or within two rows of it, change places.
   *
   * @returns the one that came forward
   */
  #swapNear(place: number): Row | undefined {
    for (const at of [place, place + 1, place - 1, place + 2, place - 2]) {
      const [front, back] = [this.#state.byTime[at - 1], this.#state.byTime[at]];
      if (front === undefined || back === undefined || front.key !== back.key) continue;
      const forward = { ...back, rank: front.rank };
      this.#replace(front, { ...front, rank: back.rank });
      this.#replace(back, forward);
      return forward;
    }
    return undefined;
  }

  #shuffleTies({ key }: Row): void {
    const { byTime } = this.#state;
    const first = countBefore(byTime, (row) => row.key < key);
    const last = countBefore(byTime, (row) => row.key <= key);
    for (const row of byTime.slice(first, last)) {
      this.#replace(row, { ...row, rank: this.#random.bits() });
    }
  }
}

type Compare = (a: Row, b: Row) => number;

function inserted(rows: readonly Row[], row: Row, compare: Compare): readonly Row[] {
  return rows.toSpliced(
    countBefore(rows, (other) => compare(other, row) < 0),
    0,
    row,
  );
}

/** @throws Error where the row is not in the list: a mistake of the model itself */
function removed(rows: readonly Row[], row: Row, compare: Compare): readonly Row[] {
  const at = countBefore(rows, (other) => compare(other, row) < 0);
  if (rows[at] !== row) throw new Error(`the model lost track of the job ${row.job.id}`);
  return rows.toSpliced(at, 1);
}
