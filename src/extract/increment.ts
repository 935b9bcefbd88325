import type { BaseIndex } from '../jobs/base-index.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { dashed, prefixDigits } from './id-index.ts';
import { DIGITS } from './leaves.ts';
import { idOf } from './ledger.ts';
import { type Answer, BY_CREATION, isFull, type List, type PageRead, requestsFor } from './list.ts';
import type { ListReading } from './list-proof.ts';
import type { PageQuery } from './page.ts';
import type { IncrementState, Key, Verdict, WalkState } from './state.ts';
import { Walk } from './walk.ts';

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
/** Requests that are always made, however short the list. */
const FEW_REQUESTS = 24;

/** The last page of the list at some moment. */
interface End {
  /** Keys of its newest and of its oldest job, whose position is `at`. */
  readonly newest: Key;
  readonly oldest: Key;
  readonly at: number;
  readonly ids: readonly string[];
}

function endOf({ rows, total }: PageRead): End | undefined {
  if (rows.length === 0) return undefined;
  const [newest, oldest] = [rows[0], rows[rows.length - 1]].map((row) => BY_CREATION.keyOf(row));
  if (newest === null || oldest === null) return undefined;
  return { newest, oldest, at: total - rows.length, ids: rows.map(idOf) };
}

/** A walk behind which every job is in hand that was created before `high`. */
function seed(high: Key, covered: number, right: readonly string[]): WalkState {
  const segment = { low: null, high, start: covered, end: covered, left: [], right };
  return { covered, segments: [segment], barred: null };
}

const NEWEST = { offset: 0, direction: 'DESC', auxiliary: true } as const;

/** The first row of the base that is walked over again; 0 where nothing of it is old enough to go on from. */
export function walkedFrom({ index, trustedBefore }: KnownBase): number {
  const { created, rows } = index;
  let [low, high] = [0, rows];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (created[middle] < trustedBefore) low = middle + 1;
    else high = middle;
  }
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
  readonly #root: string;
  #walk: Walk;
  readonly #from: number;
  readonly #gone: Set<string>;
  #asked: boolean;
  #isCounting = false;
  #barred: string | null = null;
  /** The end of the list as of an answer: all jobs there were at its moment are in hand. */
  #end: End | undefined;

  /** @param idPrefix the filter `id__starts_with` of the list, '' for none */
  constructor(list: List, base: KnownBase, idPrefix: string, state?: IncrementState) {
    this.#base = base;
    this.#from = walkedFrom(base);
    this.#gone = new Set(state?.gone);
    this.#asked = state?.asked ?? false;
    this.#root = prefixDigits(idPrefix) ?? '';
    this.#list = list;
    list.watch = (answer) => this.#watch(answer);
    this.#walk = new Walk(BY_CREATION, list, state?.walk ?? this.#seed());
  }

  get gone(): readonly string[] {
    return [...this.#gone];
  }

  get state(): IncrementState {
    const { gone } = this;
    return { stage: 'increment', walk: this.#walk.state, asked: this.#asked, gone };
  }

  get isLastResort(): boolean {
    return this.#isCounting;
  }

  /** Yields whenever answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    yield* this.#walk.read();
    if (!this.#walk.isProven) this.#barred ??= this.#walk.barred ?? TOO_FAST;
    if (this.#barred === null && !this.#asked) {
      this.#missAll(this.#from, this.#base.index.rows);
      yield* this.#askOpen();
      this.#asked = this.#barred === null;
      yield;
    }
    this.#isCounting = true;
    let isEqual = false;
    for (let round = 0; round < ROUNDS && this.#barred === null && !isEqual; round++) {
      const page = yield* this.#readNewest();
      if (page === undefined) break;
      const difference = page.total - this.#inHand(this.#root);
      isEqual = difference === 0;
      const likely = requestsToFind(Math.abs(difference), page.total, this.#list.cap);
      if (!isEqual && this.#spent + likely > this.#most) this.#barred ??= TOO_DEAR;
      await this.#explain(this.#root, difference);
      yield;
    }
    if (!isEqual) this.#barred ??= 'the totals do not agree with the jobs in hand';
    const method = this.#barred === null ? 'incremental' : 'none';
    this.verdict = { method, reason: this.#barred ?? PROVEN, tried: [] };
  }

  /** A walk that has read the base up to the first row that is walked over again. */
  #seed(): WalkState {
    const from = this.#from;
    const ids = Array.from({ length: Math.min(JOINED_BY, from) }, (_, at) =>
      this.#idAt(from - 1 - at),
    );
    const edge = this.#base.index.created[from];
    return seed(Number.isSafeInteger(Number(edge)) ? Number(edge) : edge, from, ids);
  }

  #idAt(row: number): string {
    const { ids, idOffsets } = this.#base.index;
    return Buffer.from(ids.subarray(idOffsets[row], idOffsets[row + 1])).toString('utf8');
  }

  /** Looks at an answer before its rows are in hand. */
  #watch(answer: Answer): void {
    if (answer.kind === 'refused') return;
    if (answer.kind === 'bad-job' || answer.damaged.length > 0) this.#barred ??= UNREADABLE;
    if (answer.kind === 'bad-job') return;
    if (answer.query.direction === 'DESC') this.#end ??= endOf(answer);
    for (const row of answer.rows) {
      const id = idOf(row);
      this.#gone.delete(id);
      const created = BY_CREATION.keyOf(row);
      const isOld = created !== null && created < this.#base.trustedBefore;
      if (isOld && !this.#list.ledger.ids.has(id)) this.#barred ??= LATE;
    }
  }

  /** Takes the rows of the base that no answer has shown as gone. */
  #missAll(from: number, to: number): void {
    const { ledger } = this.#list;
    for (let row = from; row < to; row++)
      if (ledger.isUnseen(this.#base.index, row)) this.#gone.add(this.#idAt(row));
  }

  /** Asks for the jobs that were open when the base was made and that were not walked over. */
  async *#askOpen(): AsyncGenerator<void, void> {
    const { reader, ledger } = this.#list;
    const { index, groupsOf } = this.#base;
    const rows: number[] = [];
    for (let row = 0; row < this.#from; row++)
      if (index.isFinal[row] === 0 && ledger.isUnseen(index, row)) rows.push(row);
    const { windows } = reader.readAhead;
    const size = reader.pageSize;
    const groups = groupsOf(rows.map((row) => this.#idAt(row))).flatMap((ids) =>
      Array.from({ length: Math.ceil(ids.length / size) }, (_, at) =>
        ids.slice(at * size, (at + 1) * size),
      ),
    );
    for (let at = 0; at < groups.length && this.#barred === null; at += windows) {
      await Promise.all(groups.slice(at, at + windows).map((ids) => this.#askFor(ids)));
      yield;
    }
    for (const row of rows) if (ledger.isUnseen(index, row)) this.#gone.add(this.#idAt(row));
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

  /**
   * Reads the newest jobs until one answer reaches down to those that were in hand before: at its moment the server can
   * have no others. Where more are new than a page holds, the walk goes on first.
   */
  async *#readNewest(): AsyncGenerator<void, PageRead | undefined> {
    const list = this.#list;
    for (let round = 0; round < ROUNDS && this.#barred === null; round++) {
      const before = this.#end;
      list.seen.requests.leaves++;
      const answers = await list.read({ ...NEWEST, limit: list.pageSize });
      const [page] = answers.flatMap((answer) => this.#take(answer) ?? []);
      if (page === undefined || before === undefined || answers.length > 1) break;
      const end = endOf(page);
      if (!isFull(page) || (end !== undefined && end.oldest < before.newest)) {
        this.#end = end;
        return page;
      }
      this.#walk = new Walk(BY_CREATION, list, seed(before.oldest, before.at, before.ids));
      this.#end = undefined;
      yield* this.#walk.read();
      if (!this.#walk.isProven) break;
    }
    this.#barred ??= this.#walk.barred ?? TOO_FAST;
    return undefined;
  }

  /** Finds the jobs under a prefix of the id by which total and hand differ, prefix by prefix. */
  async #explain(digits: string, difference: number): Promise<void> {
    const deeper: { digits: string; difference: number }[] = [];
    let rest = difference;
    for (let at = 0; at < DIGITS.length && rest !== 0; at += AT_ONCE) {
      const children = DIGITS.slice(at, at + AT_ONCE).map((digit) => digits + digit);
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
    if ([...ids].some((id) => !id.startsWith(prefix)))
      this.#barred ??= 'the server does not honour id__starts_with';
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

const PROVEN =
  'every job is in the snapshot it goes on from, or was read since, and the totals of the server agree with both';
const TOO_FAST = 'new jobs came too fast';
const UNREADABLE = 'there are jobs that cannot be read';
const LATE = 'a job turned up whose creation time is older than the overlap';
const SHORT = 'an answer had fewer jobs than its own total leaves room for';
const TOO_DEAR = 'to find what is gone would take more requests than to read everything';

/**
 * Requests it takes, about, to find so many jobs that are evenly spread over prefixes of the id.
 *
 * @param jobs in the list
 * @param cap jobs of a page
 */
export function requestsToFind(missing: number, jobs: number, cap: number): number {
  let requests = 0;
  for (let prefixes = 1; prefixes === 1 || jobs / prefixes >= cap; prefixes *= DIGITS.length) {
    const share = missing < prefixes * DIGITS.length ? UNTIL_EXPLAINED : 1;
    requests += Math.min(prefixes, missing) * share * DIGITS.length;
  }
  return Math.ceil(requests);
}
