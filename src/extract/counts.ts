import type { RawJob } from '../json/raw-job.ts';
import { dashed } from './id-index.ts';
import type { Ledger } from './ledger.ts';
import type { Page } from './page.ts';
import { type ListReader, wholePage } from './read-windows.ts';
import { idOf } from './row-key.ts';

/** What comparing the server's counts by id prefix with the ids in hand came to. */
export interface CountsOutcome {
  /** False when the server does not honour `id__starts_with`: its counts then say nothing. */
  readonly honoured: boolean;
  /** True when every prefix was read whole, in one answer each: that needs no counting to be a proof. */
  readonly readWhole: boolean;
  readonly deleted: number;
}

interface PrefixAnswer {
  readonly prefix: string;
  readonly page: Page;
}

const HEX_DIGITS = [...'0123456789abcdef'];
const UUID_DIGITS = 32;
const NO_ROWS = { kind: 'page', rows: [], damaged: [], bytes: 0, short: false } as const;

/** Requests the comparison is likely to take: one level for all, and some three more for each job that differs. */
export function countingRequests(ledger: Ledger, pageSize: number): number {
  const { lastTotal, duplicates } = ledger.counts;
  const oneLevelIsEnough = lastTotal <= HEX_DIGITS.length * pageSize * 0.6;
  const differing = Math.max(Math.abs(lastTotal - ledger.ids.size), duplicates);
  return HEX_DIGITS.length * (oneLevelIsEnough ? 1 : 1 + 3 * differing);
}

/**
 * Compares, prefix by prefix, how many jobs the server has with how many are in hand, and goes down only where they
 * differ, until a prefix fits one answer: that one no shift can touch, and it tells the missing from the deleted.
 * The missing are handed out.
 *
 * @param root hex digits that every id of the list starts with (from the filter); usually none
 */
export async function* compareCounts(
  reader: ListReader,
  ledger: Ledger,
  root: string,
): AsyncGenerator<RawJob[], CountsOutcome> {
  const counting = new Counting(reader, ledger);
  const honoured = yield* counting.descend(root, await counting.ask(root));
  const { page } = await counting.ask(root);
  ledger.noteTotal(page);
  return { honoured, readWhole: honoured && counting.readWhole, deleted: counting.deleted };
}

class Counting {
  deleted = 0;
  readWhole = true;
  readonly #reader: ListReader;
  readonly #ledger: Ledger;

  constructor(reader: ListReader, ledger: Ledger) {
    this.#reader = reader;
    this.#ledger = ledger;
  }

  /** Asks for the count under a prefix, and for the jobs as well where they may fit one answer. */
  async ask(digits: string): Promise<PrefixAnswer> {
    const { fetchPage, pageSize, signal } = this.#reader;
    const prefix = dashed(digits);
    const query = { offset: 0, idStartsWith: prefix };
    const mayFit = this.#ledger.ids.countPrefix(prefix) <= pageSize;
    const asked = { ...query, limit: mayFit ? pageSize : 1 };
    const whole = wholePage(await fetchPage(asked, signal), query);
    if (whole.kind === 'page') return { prefix, page: whole };
    const one = wholePage(await fetchPage({ ...query, limit: 1 }, signal), query);
    return {
      prefix,
      page: one.kind === 'page' ? one : { ...NO_ROWS, total: pageSize + 1 },
    };
  }

  /** @returns whether the filter was honoured all the way down */
  async *descend(digits: string, parent: PrefixAnswer): AsyncGenerator<RawJob[], boolean> {
    const answers = await Promise.all(HEX_DIGITS.map((digit) => this.ask(digits + digit)));
    if (!answers.every(startsWithPrefix) || !(await this.#addsUp(digits, parent, answers)))
      return false;
    for (const [index, answer] of answers.entries()) {
      const { page, prefix } = answer;
      if (page.rows.length === page.total) {
        const missing = this.#compareLeaf(answer);
        if (missing.length > 0) yield missing;
        continue;
      }
      const differs = page.total !== this.#ledger.ids.countPrefix(prefix);
      if (!differs || digits.length + 1 === UUID_DIGITS) {
        this.readWhole = false;
        continue;
      }
      if (!(yield* this.descend(digits + HEX_DIGITS[index], answer))) return false;
    }
    return true;
  }

  /** The children's totals must add up to the parent's, as of some moment between two answers for the parent. */
  async #addsUp(
    digits: string,
    parent: PrefixAnswer,
    children: readonly PrefixAnswer[],
  ): Promise<boolean> {
    const sum = children.reduce((total, { page }) => total + page.total, 0);
    if (sum === parent.page.total) return true;
    const { page: later } = await this.ask(digits);
    const [least, most] = [
      Math.min(parent.page.total, later.total),
      Math.max(parent.page.total, later.total),
    ];
    return least <= sum && sum <= most;
  }

  #compareLeaf({ prefix, page }: PrefixAnswer): RawJob[] {
    const { ids } = this.#ledger;
    const missing = this.#ledger.takeMissing(page.rows);
    if (ids.countPrefix(prefix) > page.total) {
      const present = new Set(page.rows.map(idOf));
      this.deleted += ids.idsWithPrefix(prefix).filter((id) => !present.has(id)).length;
    }
    return missing;
  }
}

function startsWithPrefix({ prefix, page }: PrefixAnswer): boolean {
  return page.rows.every((row) => idOf(row).startsWith(prefix));
}
