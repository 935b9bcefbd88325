import type { BaseIndex } from '../jobs/base-index.ts';
import { dashed, IdList, prefixDigits } from '../jobs/id-index.ts';
import type { Micros } from '../jobs/timestamp.ts';
import type { Key } from './coverage.ts';
import { idOf } from './ledger.ts';
import type { ListReading, Tried, Verdict } from './list-proof.ts';
import { BY_CREATION, type Setting } from './order.ts';
import type { PageQuery } from './page.ts';
import { Walk, type WalkState } from './walk.ts';
import { type Answer, isFull, type PageRead, readWindow, requestsFor } from './windows.ts';

/** A proven snapshot that an export goes on from. */
export interface KnownBase {
  readonly index: BaseIndex;
  /** No job is taken to appear any more that was created before it, microseconds since the epoch. */
  readonly trustedBefore: Micros;
  /** Cuts a list of ids into pieces that fit a request line. */
  readonly groupsOf: (ids: readonly string[]) => readonly (readonly string[])[];
}

/** Where an interrupted increment goes on. */
export interface IncrementState {
  readonly stage: 'increment';
  readonly walk: WalkState;
  /** Whether the jobs that were open have all been asked for. */
  readonly asked: boolean;
  /** Ids of jobs of the base that are no more. */
  readonly gone: readonly string[];
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
const DIGITS = [...'0123456789abcdef'];

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
export class Increment implements ListReading<IncrementState> {
  verdict: Verdict | undefined;
  readonly settled = null;
  readonly #setting: Setting;
  readonly #base: KnownBase;
  readonly #ids: IdList;
  readonly #root: string;
  #walk: Walk;
  readonly #from: number;
  readonly #gone: Set<string>;
  #asked: boolean;
  #isCounting = false;
  #barred: string | null = null;
  #open = 0;
  #counts = 0;
  #total = 0;
  /** The end of the list as of an answer: all jobs there were at its moment are in hand. */
  #end: End | undefined;
  /** Requests of walks before the last. */
  readonly #passed = { windows: 0, enclosing: 0 };

  /** @param idPrefix the filter `id__starts_with` of the list, '' for none */
  constructor(setting: Setting, base: KnownBase, idPrefix: string, state?: IncrementState) {
    this.#base = base;
    this.#ids = new IdList(base.index.ids);
    this.#from = walkedFrom(base);
    this.#gone = new Set(state?.gone);
    this.#asked = state?.asked ?? false;
    this.#root = prefixDigits(idPrefix) ?? '';
    this.#setting = { ...setting, note: (answer) => this.#note(answer, setting.note) };
    this.#walk = new Walk(BY_CREATION, this.#setting, state?.walk ?? this.#seed());
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

  get requests() {
    const windows = this.#passed.windows + this.#walk.windows;
    const enclosing = this.#passed.enclosing + this.#walk.enclosing;
    return { windows, enclosing, id: this.#open, leaves: this.#counts };
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
      if (!isEqual) await this.#explain(difference, page.total);
      yield;
    }
    const tried: Tried[] = [];
    const reason =
      this.#barred ?? (isEqual ? null : 'the totals do not agree with the jobs in hand');
    this.verdict =
      reason === null
        ? { method: 'incremental', reason: PROVEN, tried }
        : { method: 'none', reason, tried };
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
    return this.#ids.textAt(row);
  }

  #note(answer: Answer, note: Setting['note']): void {
    const { ledger } = this.#setting;
    const { trustedBefore } = this.#base;
    if (answer.kind !== 'page') {
      if (answer.kind === 'bad-job') this.#barred ??= UNREADABLE;
    } else {
      if (answer.damaged.length > 0) this.#barred ??= UNREADABLE;
      if (answer.query.direction === 'DESC') this.#end ??= endOf(answer);
      for (const row of answer.rows) {
        const id = idOf(row);
        this.#gone.delete(id);
        const created = BY_CREATION.keyOf(row);
        const isOld = typeof created !== 'string' && created !== null && created < trustedBefore;
        if (isOld && !ledger.ids.has(id)) this.#barred ??= LATE;
      }
    }
    note(answer);
  }

  /** Takes the rows of the base that no answer has shown as gone. */
  #missAll(from: number, to: number): void {
    const { ledger } = this.#setting;
    for (let row = from; row < to; row++) if (ledger.isUnseen(row)) this.#gone.add(this.#idAt(row));
  }

  /** Asks for the jobs that were open when the base was made and that were not walked over. */
  async *#askOpen(): AsyncGenerator<void, void> {
    const { reader, ledger } = this.#setting;
    const { index, groupsOf } = this.#base;
    const rows: number[] = [];
    for (let row = 0; row < this.#from; row++)
      if (index.isFinal[row] === 0 && ledger.isUnseen(row)) rows.push(row);
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
    for (const row of rows) if (ledger.isUnseen(row)) this.#gone.add(this.#idAt(row));
  }

  async #askFor(ids: readonly string[]): Promise<void> {
    const { reader, sizing } = this.#setting;
    this.#open++;
    const query: PageQuery = { offset: 0, limit: ids.length, ids, auxiliary: true };
    const asked = new Set(ids);
    for (const answer of await readWindow(reader, sizing, query)) {
      const page = this.#take(answer);
      if (page?.rows.some((row) => !asked.has(idOf(row))))
        this.#barred ??= 'the server does not honour the filter id';
      if (page && page.total > ids.length) this.#barred ??= SHORT;
    }
  }

  /** @returns the answer, its rows taken; undefined when it is none that can be gone on with */
  #take(answer: Answer): PageRead | undefined {
    const { ledger, note } = this.#setting;
    note(answer);
    if (answer.kind === 'refused') this.#barred ??= answer.what;
    if (answer.kind !== 'page') return undefined;
    if (answer.short) this.#barred ??= SHORT;
    for (const row of answer.rows) ledger.take(row);
    return answer;
  }

  /**
   * Reads the newest jobs until one answer reaches down to those that were in hand before: at its moment the server can
   * have no others. Where more are new than a page holds, the walk goes on first.
   */
  async *#readNewest(): AsyncGenerator<void, PageRead | undefined> {
    const { reader, sizing } = this.#setting;
    for (let round = 0; round < ROUNDS && this.#barred === null; round++) {
      const before = this.#end;
      const query: PageQuery = { ...NEWEST, limit: sizing.pageSize };
      this.#counts++;
      const answers = await readWindow(reader, sizing, query);
      const [page] = answers.flatMap((answer) => this.#take(answer) ?? []);
      if (page === undefined || before === undefined || answers.length > 1) break;
      const end = endOf(page);
      if (!isFull(page) || (end !== undefined && end.oldest < before.newest)) {
        this.#end = end;
        return page;
      }
      this.#passed.windows += this.#walk.windows;
      this.#passed.enclosing += this.#walk.enclosing;
      this.#walk = new Walk(BY_CREATION, this.#setting, seed(before.oldest, before.at, before.ids));
      this.#end = undefined;
      yield* this.#walk.read();
      if (!this.#walk.isProven) break;
    }
    this.#barred ??= this.#walk.barred ?? TOO_FAST;
    return undefined;
  }

  /** Finds the jobs by which totals and hand differ, prefix by prefix of the id. */
  async #explain(difference: number, total: number): Promise<void> {
    this.#total = total;
    const likely = requestsToFind(Math.abs(difference), total, this.#cap);
    if (this.#spent + likely > this.#most) this.#barred ??= TOO_DEAR;
    let differing = [{ digits: this.#root, difference }];
    while (differing.length > 0 && this.#barred === null) {
      const deeper: typeof differing = [];
      await Promise.all(
        differing.map(async ({ digits, difference: whole }) => {
          let rest = whole;
          for (let at = 0; at < DIGITS.length && rest !== 0; at += AT_ONCE) {
            const children = DIGITS.slice(at, at + AT_ONCE).map((digit) => digits + digit);
            for (const child of await Promise.all(children.map((one) => this.#count(one)))) {
              rest -= child.difference;
              if (child.difference !== 0 && !child.isExplained) deeper.push(child);
            }
          }
        }),
      );
      differing = deeper;
    }
  }

  /** Compares the jobs under a prefix with those in hand; the server's are taken where one answer holds them all. */
  async #count(digits: string) {
    const { reader, ledger } = this.#setting;
    const prefix = dashed(digits);
    const before = this.#inHand(digits);
    const limit = before < this.#cap ? this.#cap : 1;
    this.#counts++;
    if (this.#spent > this.#most) this.#barred ??= TOO_DEAR;
    if (this.#barred !== null) return { digits, difference: 0, isExplained: true };
    const query: PageQuery = { offset: 0, limit, idStartsWith: prefix, auxiliary: true };
    const read = await reader.fetchPage(query, reader.signal);
    const page = read.kind === 'page' ? this.#take({ ...read, query }) : undefined;
    if (page === undefined) this.#barred ??= read.kind === 'refused' ? read.what : UNREADABLE;
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
    let gone = 0;
    for (const id of this.#gone) if (id.startsWith(prefix)) gone++;
    return this.#setting.ledger.ids.countPrefix(prefix) - gone;
  }

  get #cap(): number {
    return this.#setting.sizing.cap;
  }

  get #spent(): number {
    const { windows, enclosing, id, leaves } = this.requests;
    return windows + enclosing + id + leaves;
  }

  /** Requests past which reading the list whole is cheaper. */
  get #most(): number {
    return Math.max(FEW_REQUESTS, requestsFor(this.#total, this.#setting.reader.pageSize));
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
