import { type BaseIndex, DIGITS, dashed, IdList, prefixDigits } from '../jobs/id-index.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { firstWhere, slices } from '../platform/ranges.ts';
import { ODD_IDS } from './leaves.ts';
import { idOf } from './ledger.ts';
import { type Answer, BY_CREATION, List, type PageRead, requestsFor } from './list.ts';
import type { ListReading } from './list-proof.ts';
import { NewJobs, seed } from './new-jobs.ts';
import type { PageQuery } from './page.ts';
import type { IncrementState, Verdict, WalkState } from './state.ts';

/** A proven snapshot that an export goes on from. */
export interface KnownBase {
  readonly index: BaseIndex;
  /** No job is taken to appear any more that was created before it, microseconds since the epoch. */
  readonly trustedBefore: Micros;
  /** Cuts a list of ids into pieces that fit a request line. */
  readonly groupsOf: (ids: readonly string[]) => readonly (readonly string[])[];
}

/** Ids of the base by which the first answer is joined to it: some of them may have been deleted. */
const JOINED_BY = 200;
/** Times that totals are compared: between two of them the list may have moved. */
const ROUNDS = 6;
/** Children of a prefix that are asked for at once, while the difference is not explained. */
const AT_ONCE = 4;
/** Share of the children of a prefix that are asked for, about, until a single job is found. */
const UNTIL_EXPLAINED = 0.7;
/** Requests that a list of its own takes: it is walked over and compared. */
const LEAST_REQUESTS = 3;
/** Requests that are always made, however short the list. */
const FEW_REQUESTS = 24;

/** The first row of the base that is walked over again; 0 where nothing of it is old enough to go on from. */
function walkedFrom({ index, trustedBefore }: KnownBase): number {
  const { created, rows } = index;
  let low = firstWhere(0, rows, (row) => created[row] >= trustedBefore);
  // What is trusted ends with a job, and strictly before that there must be one for the first answer to begin with.
  const edge = created[low - 1];
  while (low > 0 && created[low - 1] === edge) low--;
  return low;
}

/**
 * Reads what a list has more, other or less than a proven snapshot of it: new jobs by a walk that goes on where the snapshot
 * is sure, jobs that were open by their ids, and what is gone by totals, which then mean sets: docs/completeness.md,
 * "Incremental". `verdict` is there once `read()` has ended; `none` means that the list is to be read whole.
 */
export class Increment implements ListReading {
  verdict: Verdict | undefined;
  readonly settled = null;
  readonly #list: List;
  readonly #base: KnownBase;
  readonly #ids: IdList;
  /** All jobs that are new, and the lists in which they are read: itself, unless it has to be divided. */
  readonly #whole: NewJobs;
  #lists: readonly NewJobs[];
  readonly #from: number;
  readonly #gone: Set<string>;
  #asked: boolean;
  #isCounting = false;
  #barred: string | null = null;

  /** @param idPrefix the filter `id__starts_with` of the list, '' for none */
  constructor(list: List, base: KnownBase, idPrefix: string, state?: IncrementState) {
    this.#base = base;
    this.#ids = new IdList(base.index.ids);
    this.#from = walkedFrom(base);
    this.#gone = new Set(state?.gone);
    this.#asked = state?.asked ?? false;
    this.#list = list;
    this.#whole = this.#newJobs(list, prefixDigits(idPrefix) ?? '', state?.walk);
    this.#lists = [this.#whole];
  }

  get gone(): readonly string[] {
    return [...this.#gone];
  }

  get state(): IncrementState {
    const { gone } = this;
    return { stage: 'increment', walk: this.#whole.state, asked: this.#asked, gone };
  }

  get isLastResort(): boolean {
    return this.#isCounting;
  }

  /** Yields whenever answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    yield* this.#whole.read();
    yield* this.#divide();
    for (const { barred } of this.#lists) this.#barred ??= barred;
    if (this.#barred === null && !this.#asked) {
      yield* this.#askOpen();
      this.#miss();
      this.#asked = this.#barred === null;
      yield;
    }
    this.#isCounting = true;
    const unequal = new Set(this.#lists);
    for (let round = 0; round < ROUNDS && this.#barred === null && unequal.size > 0; round++) {
      for (const list of unequal) if (yield* this.#compare(list)) unequal.delete(list);
      const isDivided = unequal.size === 0 && this.#lists.length > 1;
      if (isDivided && !(await this.#agrees())) for (const list of this.#lists) unequal.add(list);
      yield;
    }
    const isEqual = unequal.size === 0;
    if (!isEqual) this.#barred ??= 'the totals do not agree with the jobs in hand';
    const method = this.#barred === null ? 'incremental' : 'none';
    this.verdict = { method, reason: this.#barred ?? PROVEN, tried: [] };
  }

  /** @param digits of the ids in the list */
  #newJobs(list: List, digits: string, state?: WalkState): NewJobs {
    const watch = (answer: Answer) => this.#watch(answer);
    return new NewJobs(list, digits, state ?? this.#seed(digits), watch);
  }

  /** A walk that has read the base, or what of it has ids of a prefix, up to the first row that is walked over again. */
  #seed(digits: string): WalkState | undefined {
    const isUnder = digits === '' ? () => true : this.#ids.under(digits);
    const ids: string[] = [];
    let covered = 0;
    for (let row = this.#from - 1; row >= 0; row--) {
      if (!isUnder(row)) continue;
      covered++;
      if (covered <= JOINED_BY) ids.push(this.#ids.textAt(row));
    }
    if (covered === 0) return undefined;
    const edge = this.#base.index.created[this.#from];
    return seed(Number.isSafeInteger(Number(edge)) ? Number(edge) : edge, covered, ids);
  }

  /**
   * Where more jobs share a creation time than a page holds, reads what is new prefix by prefix of the ids, each as a
   * list of its own.
   */
  async *#divide(): AsyncGenerator<void, void> {
    const { reader, ledger, seen } = this.#list;
    for (;;) {
      const tied = this.#lists.filter(({ isTied }) => isTied);
      if (tied.length === 0) return;
      const divided = tied.flatMap(({ digits }) => DIGITS.map((digit) => digits + digit));
      if (ledger.oddIds > 0) this.#barred ??= ODD_IDS;
      if (this.#spent + LEAST_REQUESTS * divided.length > this.#most) this.#barred ??= TOO_DEAR;
      if (this.#barred !== null) return;
      const lists = divided.map((digits) =>
        this.#newJobs(new List(reader, ledger, seen, dashed(digits)), digits),
      );
      this.#lists = [...this.#lists.filter((list) => !tied.includes(list)), ...lists];
      for (const some of slices(lists, AT_ONCE)) {
        await Promise.all(some.map((list) => exhaust(list.read())));
        yield;
      }
    }
  }

  /** Looks at an answer before its rows are in hand. */
  #watch(answer: Answer): void {
    if (answer.kind === 'refused') return;
    if (answer.kind === 'bad-job' || answer.damaged.length > 0) this.#barred ??= UNREADABLE;
    if (answer.kind === 'bad-job') return;
    const { idStartsWith = '' } = answer.query;
    for (const row of answer.rows) {
      const id = idOf(row);
      if (idStartsWith !== '' && !id.startsWith(idStartsWith)) this.#barred ??= DISHONEST;
      this.#gone.delete(id);
      const created = BY_CREATION.keyOf(row);
      const isOld = created !== null && created < this.#base.trustedBefore;
      if (isOld && !this.#list.ledger.ids.has(id)) this.#barred ??= LATE;
    }
  }

  /** Asks for the jobs that were open when the base was made and that were not walked over. */
  async *#askOpen(): AsyncGenerator<void, void> {
    const { reader, ledger } = this.#list;
    const { index, groupsOf } = this.#base;
    const ids: string[] = [];
    for (let row = 0; row < this.#from; row++)
      if (index.isFinal[row] === 0 && ledger.isUnseen(row)) ids.push(this.#ids.textAt(row));
    const groups = groupsOf(ids).flatMap((group) => slices(group, reader.pageSize));
    for (const some of slices(groups, reader.readAhead.windows)) {
      if (this.#barred !== null) return;
      await Promise.all(some.map((group) => this.#askFor(group)));
      yield;
    }
  }

  /** Takes the rows of the base as gone that were walked over, or asked for, and that no answer has shown. */
  #miss(): void {
    const { isFinal, rows } = this.#base.index;
    for (let row = 0; row < rows; row++) {
      const isWanted = row >= this.#from || isFinal[row] === 0;
      if (isWanted && this.#list.ledger.isUnseen(row)) this.#gone.add(this.#ids.textAt(row));
    }
  }

  async #askFor(ids: readonly string[]): Promise<void> {
    this.#list.seen.requests.id++;
    const query: PageQuery = { offset: 0, limit: ids.length, ids, auxiliary: true };
    const asked = new Set(ids);
    for (const answer of await this.#list.read(query)) {
      const page = this.#take(answer);
      if (page?.rows.some((row) => !asked.has(idOf(row))))
        this.#barred ??= 'the server does not honour the filter id';
      if (page && page.total > ids.length) this.#barred ??= SHORT;
    }
  }

  /** @returns the answer, its rows taken; undefined when it is none that can be gone on with */
  #take(answer: Answer): PageRead | undefined {
    if (answer.kind === 'refused') this.#barred ??= answer.what;
    else if (answer.kind === 'bad-job' || answer.damaged.length > 0) this.#barred ??= UNREADABLE;
    else {
      if (answer.short) this.#barred ??= SHORT;
      return this.#list.take(answer);
    }
    return undefined;
  }

  /** Compares the total of a list with the jobs of it in hand, and finds those by which they differ. */
  async *#compare(list: NewJobs): AsyncGenerator<void, boolean> {
    const page = yield* list.readNewest((answer) => this.#take(answer));
    this.#barred ??= list.barred;
    if (page === undefined || this.#barred !== null) return false;
    const difference = page.total - this.#inHand(list.digits);
    if (difference === 0) return true;
    const likely = requestsToFind(Math.abs(difference), page.total, this.#list.cap);
    if (this.#spent + likely > this.#most) this.#barred ??= TOO_DEAR;
    await this.#explain(list.digits, difference);
    return false;
  }

  /** Whether the lists together are the whole: ids that no prefix has would be in none of them. */
  async #agrees(): Promise<boolean> {
    const list = this.#list;
    const [page] = (await list.askNewest()).flatMap((answer) => this.#take(answer) ?? []);
    if (list.ledger.oddIds > 0) this.#barred ??= ODD_IDS;
    return page !== undefined && page.total === this.#inHand(this.#whole.digits);
  }

  /** Finds the jobs under a prefix of the id by which total and hand differ, prefix by prefix. */
  async #explain(digits: string, difference: number): Promise<void> {
    const deeper: { digits: string; difference: number }[] = [];
    let rest = difference;
    for (const some of slices(DIGITS, AT_ONCE)) {
      if (rest === 0) break;
      const children = some.map((digit) => digits + digit);
      for (const child of await Promise.all(children.map((one) => this.#count(one)))) {
        rest -= child.difference;
        if (child.difference !== 0 && !child.isExplained) deeper.push(child);
      }
    }
    await Promise.all(deeper.map((child) => this.#explain(child.digits, child.difference)));
  }

  /** Compares the jobs under a prefix with those in hand; the server's are taken where one answer holds them all. */
  async #count(digits: string) {
    const { ledger, cap } = this.#list;
    const prefix = dashed(digits);
    const before = this.#inHand(digits);
    const limit = before < cap ? cap : 1;
    if (this.#spent >= this.#most) this.#barred ??= TOO_DEAR;
    if (this.#barred !== null) return { digits, difference: 0, isExplained: true };
    const page = this.#take(await this.#list.askPrefix(prefix, 0, limit));
    const { rows, total } = page ?? { rows: [], total: before };
    const ids = new Set(rows.map(idOf));
    const isExplained = ids.size === total && total < limit;
    if (isExplained)
      for (const id of ledger.ids.idsWithPrefix(prefix)) if (!ids.has(id)) this.#gone.add(id);
    return { digits, difference: total - before, isExplained };
  }

  #inHand(digits: string): number {
    const prefix = dashed(digits);
    const gone = [...this.#gone].filter((id) => id.startsWith(prefix));
    return this.#list.ledger.ids.countPrefix(prefix) - gone.length;
  }

  get #spent(): number {
    return Object.values(this.#list.seen.requests).reduce((sum, some) => sum + some, 0);
  }

  /** Requests past which reading the list whole is cheaper. */
  get #most(): number {
    const { reader, seen } = this.#list;
    return Math.max(FEW_REQUESTS, requestsFor(seen.totals.last, reader.pageSize));
  }
}

async function exhaust(reading: AsyncIterable<void>): Promise<void> {
  for await (const _ of reading);
}

const PROVEN =
  'every job is in the snapshot it goes on from, or was read since, and the totals of the server agree with both';
const UNREADABLE = 'there are jobs that cannot be read';
const LATE = 'a job turned up whose creation time is older than the overlap';
const DISHONEST = 'the server does not honour id__starts_with';
const SHORT = 'an answer had fewer jobs than its own total leaves room for';
const TOO_DEAR = 'to find what is new or gone would take more requests than to read everything';

/**
 * Requests it takes, about, to find so many jobs that are evenly spread over prefixes of the id.
 *
 * @param jobs in the list
 * @param cap jobs of a page
 */
function requestsToFind(missing: number, jobs: number, cap: number): number {
  let requests = 0;
  for (let prefixes = 1; prefixes === 1 || jobs / prefixes >= cap; prefixes *= DIGITS.length) {
    const share = missing < prefixes * DIGITS.length ? UNTIL_EXPLAINED : 1;
    requests += Math.min(prefixes, missing) * share * DIGITS.length;
  }
  return Math.ceil(requests);
}
