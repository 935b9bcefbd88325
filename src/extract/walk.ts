import { Coverage, type Gap } from './coverage.ts';
import { type Lane, Lanes } from './lanes.ts';
import { idOf } from './ledger.ts';
import {
  type Answer,
  isFull,
  type List,
  type Order,
  offsetIgnored,
  type PageRead,
} from './list.ts';
import type { PageQuery } from './page.ts';
import type { Key, WalkState } from './state.ts';

/** Requests an open gap may take without getting anywhere. */
const IDLE_READS = 8;
/** Times that what is still open behind the walk is tried, each with the end of the list read anew. */
const ROUNDS = 6;
/** Windows that may bring the first page once more before the server is known to ignore offsets. */
const SAME_PAGES = 3;
/** Windows in a row with fewer rows than they count, after which the list is one that hides rows. */
const SHORT_PAGES = 5;
const SHORT = 'page after page has fewer jobs than its own total leaves room for';
/** Windows in a row without a job, besides those read at the same time, after which nothing more is read. */
const EMPTY_WINDOWS = 5;
/** Windows read behind twice the first total, where the end of the list does not show: a list may have none. */
const WINDOWS_BEYOND = 300;
/** The same where the newest job is known, which comes at last. */
const WINDOWS_TO_NEWEST = 3_000;
/** Requests that closing gaps may take, for each window. */
const MOST_ENCLOSING = 2;
/** Why a walk proves nothing where a batch is too large. */
export const TIED = 'more jobs share one creation time than one answer can enclose';
/** Why no walk proves anything where a job cannot be read: it is in no answer with others. */
export const UNREADABLE = 'there is a job that no answer can enclose: it cannot be read';
/** Why a walk ends at last, without the end of the list. */
const ENDLESS = 'the list goes on far behind the total that the server tells';

/**
 * One pass over the list in one order: windows up, the first page down, and what it takes to enclose what those leave
 * open. Rows go into the ledger; every job that was there throughout is in hand once `isProven` (docs/completeness.md).
 */
export class Walk {
  readonly coverage: Coverage;
  /** Why this order proves nothing; null while it may. */
  barred: string | null;
  /** Natural logarithm of one over the chance that answers are in order by accident. */
  evidence = 0;
  /** Whether it reads on to the end though it can prove nothing any more: for the rows. */
  readsOn = false;
  /** Whether one answer in each direction held the whole list, the same jobs. */
  isOnePage = false;
  readonly #order: Order;
  readonly #list: List;
  readonly #closing: Promise<void>[] = [];
  /** Where the gaps end that were tried to be closed on the way. */
  readonly #tried = new Set<Key>();
  readonly #lanes: Lanes;
  /** Windows read in order, and requests made to enclose what they left open. */
  #windows = 0;
  #enclosing = 0;
  #total = 0;
  #firstTotal = -1;
  /** Jobs that the first page in descending order holds, once it came as it should. */
  #newestJobs = 0;
  /** The lists that answers in ascending and in descending order claimed to hold whole. */
  readonly #wholeLists = new Map<PageQuery['direction'], string>();
  #beyond = 0;
  #windowsBeyond = 0;
  #firstIds: readonly string[] = [];
  #samePages = 0;
  /** What the server said when it refused the last request for the newest jobs. */
  #refused: string | null = null;
  #shortPages = 0;
  #emptyWindows = 0;
  /** The last key of all, and whether more may stand behind the furthest window. */
  #lastKey: Key | null = null;
  #goesOn = false;
  #settled: Key | null = null;

  constructor(order: Order, list: List, state?: WalkState) {
    this.#order = order;
    this.#list = list;
    this.coverage = new Coverage(state?.segments);
    this.#lanes = new Lanes(list, this.coverage, state?.covered ?? 0);
    this.#lastKey = state?.segments.find(({ low }) => low === null)?.high ?? null;
    this.barred = state?.barred ?? null;
  }

  get isProven(): boolean {
    return this.barred === null && this.coverage.isWhole;
  }

  get state(): WalkState {
    return { covered: this.#lanes.covered, segments: this.coverage.segments, barred: this.barred };
  }

  /** No job before this key is still expected; null when that cannot be told. */
  get settled(): Key | null {
    return this.barred === null ? this.#settled : null;
  }

  /** Reads the list to its end and closes the gaps, or leaves it once it can prove nothing. Yields when answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    if (this.#isLeft) return;
    const isResumed = this.#lanes.covered > 0;
    this.#lanes.restart();
    const newest = this.#readNewest();
    newest.catch(() => {});
    if (isResumed) await newest;
    else {
      const first = this.#lanes.begin(0);
      this.#takeWindow(first, await this.#readFirst());
      this.#lanes.leave(first);
    }
    yield;
    do {
      const read = this.#lanes.read(
        () => this.#open(),
        ({ offset }) => this.#query(offset),
      );
      for await (const { lane, answers } of read) {
        this.#takeWindow(lane, answers);
        await this.#close(this.#openBehind);
        yield;
        if (this.coverage.isWhole || this.#isLeft) break;
      }
      await newest;
    } while (this.#extend());
    await Promise.all(this.#closing);
    yield;
    for (let round = 0; round < ROUNDS && this.barred === null && !this.coverage.isWhole; round++) {
      this.#refused = null;
      if (round > 0 || this.#endIsOpen) await this.#readNewest();
      this.barred ??= this.#refused;
      await this.#close(this.coverage.gaps());
      await Promise.all(this.#closing);
      yield;
    }
  }

  /** The first window; a server may hand out fewer jobs than it is asked for: then as many are asked for from then on. */
  async #readFirst(): Promise<Answer[]> {
    const list = this.#list;
    const query = this.#query(0);
    const answers = await list.read(query);
    const [page] = answers;
    if (page.kind !== 'page' || !page.short || page.rows.length < 2) return answers;
    this.#take(page);
    const again = await list.read(query);
    const [second] = again;
    if (second.kind !== 'page' || second.rows.length !== page.rows.length) return again;
    list.cap = page.rows.length;
    list.pageSize = list.cap;
    return list.read(this.#query(0));
  }

  get #isLeft(): boolean {
    return this.barred !== null && !this.readsOn;
  }

  /** Whether the windows read have not reached the newest jobs in hand. */
  get #endIsOpen(): boolean {
    const last = this.coverage.segments.at(-1);
    if (last === undefined || last.high !== null) return true;
    return last.low !== null && (this.#lastKey === null || this.#lastKey <= last.low);
  }

  #query(offset: number, direction: 'ASC' | 'DESC' = 'ASC'): PageQuery {
    const { by } = this.#order;
    const auxiliary = by === 'id' || direction === 'DESC';
    return { offset, limit: this.#list.pageSize, orderBy: by, direction, auxiliary };
  }

  /** Position behind the list, as far as that is known. */
  get #listEnd(): number {
    const longest = 2 * this.#firstTotal + this.#mostBeyond * this.#list.pageSize;
    return Math.min(Math.max(this.#total, this.#beyond), longest);
  }

  /** Where the newest jobs are in hand, and windows are in order, they come nearer: the end is in sight. */
  get #mostBeyond(): number {
    const isInSight = this.barred === null && this.#newestJobs > 0;
    return isInSight ? WINDOWS_TO_NEWEST : WINDOWS_BEYOND;
  }

  /** The next stretch of the list. */
  #open(): Lane | undefined {
    if (this.#isLeft) return undefined;
    // Where the newest jobs are in hand, the windows only have to reach them.
    const inHand = this.barred === null ? this.#newestJobs : 0;
    const end = Math.max(this.#listEnd - inHand, this.#beyond - 1);
    return this.#lanes.open(end, this.barred === null);
  }

  /** Whether to read on behind the total, which may be capped, old, or that of a page. */
  #extend(): boolean {
    const isEnd = this.barred === null && !this.#endIsOpen;
    if (isEnd || this.#isLeft || !this.#goesOn) return false;
    if (this.#windowsBeyond > this.#mostBeyond) {
      this.barred ??= ENDLESS;
      return false;
    }
    const { reader, pageSize } = this.#list;
    const more = Math.min(Math.max(1, this.#windowsBeyond), reader.readAhead.windows);
    this.#windowsBeyond += more;
    this.#beyond = this.#lanes.reopen() + (more - 1) * (pageSize - 1) + 1;
    return true;
  }

  async #readNewest(): Promise<void> {
    for (const answer of await this.#list.read(this.#query(0, 'DESC'))) {
      const keys = this.#take(answer);
      if (keys.length > 0) this.#lanes.learn(keys, this.#windows);
    }
  }

  /** Takes what came for the next window of a lane. */
  #takeWindow(lane: Lane, answers: readonly Answer[]): void {
    const { ledger } = this.#list;
    const before = ledger.size;
    const keys = answers.flatMap((answer) => this.#take(answer));
    this.#windows += answers.length;
    this.#list.seen.requests[this.#order.hasTies ? 'windows' : 'id'] += answers.length;
    const isEmpty = answers.every(
      (answer) => answer.kind === 'page' && answer.rows.length + answer.damaged.length === 0,
    );
    this.#emptyWindows = isEmpty ? this.#emptyWindows + 1 : 0;
    // Behind the end of the list, whatever its total is: none of those read beside has brought a job.
    if (this.#emptyWindows > EMPTY_WINDOWS + this.#list.reader.readAhead.windows) {
      this.barred ??= SHORT;
      this.readsOn = false;
    }
    const high = keys.at(-1);
    const isNews = high !== undefined && (this.#lastKey === null || high > this.#lastKey);
    if (isNews) this.#lastKey = high;
    const told = this.barred === null ? keys : [];
    if (this.#lanes.advance(lane, answers, told))
      this.#goesOn =
        high !== undefined &&
        answers.every((answer) => answer.kind === 'page' && isFull(answer)) &&
        (ledger.size > before || isNews);
    if (told.length > 0) this.#lanes.learn(told, this.#windows);
    if (lane.readTo >= this.#listEnd) lane.isDone = true;
    const first = this.coverage.segments.find(({ low }) => low === null);
    if (first) this.#settled = this.#lanes.shownBehind(first.high) ?? this.#settled;
    if (lane.isDone) this.#lanes.leave(lane);
  }

  /** @returns the keys of its rows, in the order of the answer; none when they prove nothing */
  #take(answer: Answer): readonly Key[] {
    if (answer.kind === 'refused') {
      this.#refused = answer.what;
      if (this.#order.by === 'id') this.barred ??= answer.what;
    }
    const page = this.#list.take(answer);
    if (answer.kind === 'bad-job') this.barred ??= UNREADABLE;
    if (page === undefined) return [];
    const { query, rows, damaged, total } = page;
    const descends = query.direction === 'DESC';
    const keys = rows.map(this.#order.keyOf).filter((key) => key !== null);
    this.#total = total;
    if (this.#firstTotal < 0) this.#firstTotal = total;
    this.#watch(page, keys);
    if (this.barred !== null || !carries(page)) return keys;
    const isEnd = query.offset === 0;
    if (isEnd) this.#takeWhole(page);
    if (keys.length === 0) return keys;
    const ascending = descends ? keys.toReversed() : keys;
    const records = rows.length + damaged.length;
    const at = descends ? total - query.offset - records : query.offset;
    const [first, last] = [ascending[0], ascending[ascending.length - 1]];
    this.coverage.add({
      low: isEnd && !descends ? null : first,
      high: isEnd && descends ? null : last,
      jobs: rows.map(idOf),
      start: at + ascending.lastIndexOf(first) + 1,
      end: at + ascending.indexOf(last),
    });
    if (isEnd && descends) this.#newestJobs = records;
    return keys;
  }

  /** Notes what bars this order from proving anything. */
  #watch(answer: PageRead, keys: readonly Key[]): void {
    const { query, rows } = answer;
    const isInOrder = keys.every((key, at) => {
      if (at === 0) return true;
      const [earlier, later] =
        query.direction === 'DESC' ? [key, keys[at - 1]] : [keys[at - 1], key];
      return this.#order.hasTies ? earlier <= later : earlier < later;
    });
    if (!isInOrder) {
      this.barred ??= `an answer was not in the order of ${this.#order.by}`;
      return;
    }
    if (!this.#order.hasTies)
      for (let rank = 2; rank <= keys.length; rank++) this.evidence += Math.log(rank);
    this.#shortPages = answer.short ? this.#shortPages + 1 : 0;
    if (this.#shortPages >= SHORT_PAGES) this.barred ??= SHORT;
    const isTied = keys.length > 1 && keys[0] === keys.at(-1);
    if (isTied && (query.limit === this.#list.pageSize || !isFull(answer))) this.barred ??= TIED;
    if (query.direction === 'DESC' || !isFull(answer)) return;
    if (query.offset === 0) this.#firstIds = rows.map(idOf);
    const isFirst =
      this.#firstIds.length > 0 &&
      this.#firstIds.every((id, place) => place in rows && idOf(rows[place]) === id);
    this.#samePages = query.offset > 0 && isFirst ? this.#samePages + 1 : 0;
    if (this.#samePages >= SAME_PAGES) throw offsetIgnored(query.offset);
  }

  /** A list that is whole in one answer, the same from both sides; of no job or one there is no order either. */
  #takeWhole({ query, rows, damaged }: PageRead): void {
    const records = rows.length + damaged.length;
    if (records === query.limit || damaged.length > 0) return;
    const ids = rows.map(idOf).sort().join();
    this.#wholeLists.set(query.direction, ids);
    this.isOnePage = this.#wholeLists.get(query.direction === 'ASC' ? 'DESC' : 'ASC') === ids;
    if (this.isOnePage && records < 2) this.coverage.close();
  }

  /** What is open behind the windows read and was not tried to be closed. */
  get #openBehind(): Gap[] {
    const { covered } = this.#lanes;
    const isBehind = ({ to, end }: Gap) => to !== null && end <= covered && !this.#tried.has(to);
    return this.barred === null ? this.coverage.gaps().filter(isBehind) : [];
  }

  /** Starts to close gaps; waits while as many as may be read at once are being closed. */
  async #close(gaps: readonly Gap[]): Promise<void> {
    for (const gap of gaps) {
      const closed = this.#enclose(gap);
      closed.catch(() => {});
      this.#closing.push(closed);
      while (this.#closing.length > this.#list.atOnce) await this.#closing.shift();
    }
  }

  /** Reads around a gap until an answer begins before it and ends behind it, or it can be seen that none will. */
  async #enclose(gap: Gap): Promise<void> {
    const { pageSize } = this.#list;
    let rest = this.coverage.rest(gap);
    let offset = Math.floor((gap.start + gap.end - pageSize) / 2);
    let back = Math.ceil(pageSize / 2);
    if (gap.to !== null) this.#tried.add(gap.to);
    for (let idle = 0; rest !== undefined && idle < IDLE_READS; idle++) {
      const { from, to }: Gap = rest;
      if (this.barred !== null || to === null) return;
      offset = from === null ? 0 : Math.max(0, Math.min(offset, this.#total - pageSize));
      const answers = await this.#list.read(this.#query(offset));
      const keys = answers.flatMap((answer) => this.#take(answer));
      this.#list.seen.requests[this.#order.hasTies ? 'enclosing' : 'id']++;
      if (++this.#enclosing > MOST_ENCLOSING * (this.#windows + 50))
        this.barred ??= 'the list moved too fast to be enclosed';
      rest = this.coverage.rest(rest);
      if (rest === undefined || rest.from === null) continue;
      if (rest.from !== from || rest.to !== to) idle = -1;
      const start = rest.from;
      const [first, last] = [keys[0], keys.at(-1)];
      const isAll = offset + pageSize >= this.#total;
      if (first === undefined || last === undefined) {
        offset -= back;
      } else if (first >= start) {
        if (offset === 0) return;
        offset -= back;
        back *= 2;
      } else if (rest.to !== null && last <= rest.to) {
        // At the end of the list: the jobs behind the gap are gone.
        if (isAll) return;
        offset += Math.max(
          1,
          keys.findLastIndex((key) => key < start),
        );
      }
    }
  }
}

/**
 * Whether an answer is known to hold what stands between its ends. One that is short of what was asked for may be the end
 * of the list, or may hide jobs: it counts only where it claims to hold the list whole.
 */
function carries(answer: PageRead): boolean {
  return isFull(answer) || (answer.query.offset === 0 && !answer.short);
}
