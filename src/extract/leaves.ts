import { DIGITS, dashed, KEY_DIGITS } from '../jobs/id-index.ts';
import { slices } from '../platform/ranges.ts';
import { type Answer, isFull, type List } from './list.ts';

const UUID_DIGITS = 32;
export const ODD_IDS = 'there are ids that are no lower-case UUIDs';
const TOO_SMALL = 'the pages are too small to read every prefix of the id whole';
/** Leaves for each page of the list: they are as many as that where all have just one job too many. */
const MOST_LEAVES = 16;
/** Leaves that are read in any case. */
const FEW_LEAVES = 1024;
/** Prefixes read before it is told that they are. */
const GROUP = 64;

/**
 * Reads the list prefix by prefix of the id, each so long that one answer holds every job that has it: no shift, no order
 * and no tie touches such an answer. docs/completeness.md, "Leaves".
 */
export class Leaves {
  /** Why this proves nothing; null while it may, and once it does. */
  barred: string | null = null;
  /** The last prefix, in order, up to which all are read. */
  upTo: string;
  #requests = 0;
  #most = FEW_LEAVES;
  readonly #list: List;
  readonly #root: string;

  /** @param root hex digits that every id of the export starts with; undefined: something else that no UUID does */
  constructor(list: List, root: string | undefined, upTo = '') {
    this.#list = list;
    this.#root = root ?? '';
    this.upTo = upTo;
    if (root === undefined) this.barred = 'no lower-case UUID starts with the prefix asked for';
  }

  /** Yields whenever answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    const { ledger, reader } = this.#list;
    const isRead = (digits: string): boolean =>
      digits === this.upTo || (digits < this.upTo && !this.upTo.startsWith(digits));
    const all = this.#plan(this.#root);
    this.#most = Math.max(FEW_LEAVES, MOST_LEAVES * Math.ceil(ledger.ids.size / reader.pageSize));
    if (all.length > this.#most) this.barred ??= TOO_SMALL;
    const planned = all.filter((digits) => !isRead(digits));
    for (const group of slices(planned, GROUP)) {
      if (this.barred !== null) break;
      await Promise.all(group.map((digits) => this.#visit(digits)));
      if (this.barred === null) this.upTo = group[group.length - 1];
      yield;
    }
    if (ledger.oddIds > 0) this.barred ??= ODD_IDS;
  }

  /** The prefixes under which the ids in hand are fewer than a page holds, as far as these can be told quickly. */
  #plan(digits: string): string[] {
    const { ledger, cap } = this.#list;
    const fits = ledger.ids.countPrefix(dashed(digits)) < cap;
    if (digits !== '' && (fits || digits.length >= KEY_DIGITS)) return [digits];
    return DIGITS.flatMap((digit) => this.#plan(digits + digit));
  }

  async #visit(digits: string): Promise<void> {
    if (this.barred !== null || (await this.#isWhole(digits))) return;
    if (this.#requests > this.#most) this.barred ??= TOO_SMALL;
    if (digits.length === UUID_DIGITS)
      this.barred ??= 'there are more jobs with one id than a page holds';
    else await Promise.all(DIGITS.map((digit) => this.#visit(digits + digit)));
  }

  /** Whether one answer holds all jobs with a prefix, which then are in hand. */
  async #isWhole(digits: string): Promise<boolean> {
    const answer = await this.#ask(digits, 0, this.#list.cap);
    if (answer.kind === 'refused') this.barred ??= answer.what;
    if (answer.kind !== 'page') return answer.kind === 'bad-job' && this.#isAlone(digits);
    this.#take(answer);
    const records = answer.rows.length + answer.damaged.length;
    return records === answer.total && !isFull(answer) && records < this.#list.seen.longest;
  }

  /** Whether the only job with a prefix is one that can be no row, which then is in hand. */
  async #isAlone(digits: string): Promise<boolean> {
    const behind = await this.#ask(digits, 1, 1);
    if (behind.kind !== 'page' || behind.total !== 1) return false;
    const only = await this.#ask(digits, 0, 1);
    this.#take(only);
    return only.kind === 'bad-job' || (only.kind === 'page' && only.total === 1);
  }

  #ask(digits: string, offset: number, limit: number): Promise<Answer> {
    this.#requests++;
    return this.#list.askPrefix(dashed(digits), offset, limit);
  }

  #take(answer: Answer): void {
    const { idStartsWith: prefix = '' } = answer.query;
    const { rows = [], short = false } = this.#list.take(answer) ?? {};
    // A job whose id is missing will be set aside; the server knows it.
    if (rows.some((row) => !(row.id ?? prefix).startsWith(prefix)))
      this.barred ??= 'the server does not honour id__starts_with';
    if (this.#list.ledger.oddIds > 0) this.barred ??= ODD_IDS;
    if (short) this.barred ??= 'an answer had fewer jobs than its own total leaves room for';
  }
}
