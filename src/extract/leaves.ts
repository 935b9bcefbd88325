import { dashed } from '../jobs/id-index.ts';
import type { Setting } from './order.ts';
import type { Damaged, PageQuery } from './page.ts';
import { type Answer, badJob } from './windows.ts';

const DIGITS = [...'0123456789abcdef'];
const UUID_DIGITS = 32;
const ODD_IDS = 'there are ids that are no lower-case UUIDs';
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
  /** Why this proves nothing; null while it may. */
  barred: string | null = null;
  requests = 0;
  isProven = false;
  /** The last prefix, in order, up to which all are read. */
  upTo: string;
  #most = FEW_LEAVES;
  readonly #setting: Setting;
  readonly #root: string;
  readonly #longest: () => number;

  /**
   * @param root hex digits that every id of the export starts with
   * @param longest the longest list that any answer of the run has reached: a cap makes every leaf look whole
   */
  constructor(setting: Setting, root: string, longest: () => number, upTo = '') {
    this.#setting = setting;
    this.#root = root;
    this.#longest = longest;
    this.upTo = upTo;
  }

  /** Yields whenever answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    const { ids } = this.#setting.ledger;
    const isRead = (digits: string): boolean =>
      digits === this.upTo || (digits < this.upTo && !this.upTo.startsWith(digits));
    const all = this.#plan(this.#root);
    const { pageSize } = this.#setting.reader;
    this.#most = Math.max(FEW_LEAVES, MOST_LEAVES * Math.ceil(ids.size / pageSize));
    if (all.length > this.#most) this.barred ??= TOO_SMALL;
    const planned = all.filter((digits) => !isRead(digits));
    for (let at = 0; at < planned.length && this.barred === null; at += GROUP) {
      const group = planned.slice(at, at + GROUP);
      await Promise.all(group.map((digits) => this.#visit(digits)));
      if (this.barred === null) this.upTo = group[group.length - 1];
      yield;
    }
    if (this.#setting.ledger.oddIds > 0) this.barred ??= ODD_IDS;
    this.isProven = this.barred === null;
  }

  /** The prefixes under which the ids in hand are fewer than a page holds. */
  #plan(digits: string): string[] {
    const { ledger, sizing } = this.#setting;
    const fits = ledger.ids.countPrefix(dashed(digits)) < sizing.cap;
    if (digits !== '' && (fits || digits.length >= UUID_DIGITS - 1)) return [digits];
    return DIGITS.flatMap((digit) => this.#plan(digits + digit));
  }

  async #visit(digits: string): Promise<void> {
    if (this.barred !== null) return;
    const answer = await this.#ask(digits, 0, this.#setting.sizing.cap);
    if (answer.kind === 'refused') this.barred ??= answer.what;
    else if (answer.kind === 'bad-job') {
      if (!(await this.#isAlone(digits))) await this.#visitChildren(digits);
    } else if (!this.#isWhole(answer)) await this.#visitChildren(digits);
  }

  async #visitChildren(digits: string): Promise<void> {
    if (this.requests > this.#most) this.barred ??= TOO_SMALL;
    if (digits.length === UUID_DIGITS)
      this.barred ??= 'there are more jobs with one id than a page holds';
    else await Promise.all(DIGITS.map((digit) => this.#visit(digits + digit)));
  }

  #isWhole({ query, rows, damaged, total, short }: Extract<Answer, { kind: 'page' }>): boolean {
    const { ledger } = this.#setting;
    const prefix = query.idStartsWith ?? '';
    for (const row of rows) {
      ledger.take(row);
      const id = row.string('id');
      // A job whose id is missing will be set aside; the server knows it.
      if (id && !id.startsWith(prefix))
        this.barred ??= 'the server does not honour id__starts_with';
    }
    this.#setAside(damaged);
    if (ledger.oddIds > 0) this.barred ??= ODD_IDS;
    if (short) this.barred ??= 'an answer had fewer jobs than its own total leaves room for';
    const records = rows.length + damaged.length;
    return records === total && records < query.limit && records < this.#longest();
  }

  /** Whether the only job with a prefix is one that can be no row, which then is in hand. */
  async #isAlone(digits: string): Promise<boolean> {
    const behind = await this.#ask(digits, 1, 1);
    if (behind.kind !== 'page' || behind.total !== 1) return false;
    const only = await this.#ask(digits, 0, 1);
    if (only.kind === 'page') return this.#isWhole(only) || only.total === 1;
    if (only.kind === 'bad-job') {
      const { reason, raw, known } = only;
      this.#setting.ledger.setAside({ reason, offset: null, raw }, known);
    }
    return only.kind === 'bad-job';
  }

  #setAside(damaged: readonly Damaged[]): void {
    for (const { reason, bytes } of damaged)
      this.#setting.ledger.setAside({ reason, offset: null, raw: bytes }, bytes);
  }

  async #ask(digits: string, offset: number, limit: number): Promise<Answer> {
    const { reader, note } = this.#setting;
    const idStartsWith = dashed(digits);
    const query: PageQuery = { offset, limit, idStartsWith, auxiliary: true };
    this.requests++;
    const read = await reader.fetchPage(query, reader.signal);
    const isRead = read.kind === 'page' || read.kind === 'refused';
    const answer: Answer = isRead ? { ...read, query } : badJob(query, read);
    note(answer);
    return answer;
  }
}
