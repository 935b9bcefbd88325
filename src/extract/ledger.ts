import type { Micros } from '../jobs/timestamp.ts';
import { FORM, QUOTE } from '../json/json-scanner.ts';
import type { Page } from '../json/page.ts';
import { JOB_FIELDS, type RawJob } from '../json/raw-job.ts';
import { IdIndex } from './id-index.ts';
import { createdAt, idOf, isNewer } from './row-key.ts';

const ID = JOB_FIELDS.indexOf('id');

/**
 * Creation times that no single answer has been shown to enclose: between two windows there is at least the time of
 * the row they share. `offset` is about where the list has them.
 */
export interface OpenInterval {
  readonly offset: number;
  readonly from: Micros | null;
  readonly to: Micros | null;
}

/** The newest jobs when the run started: their common creation time, and which they were. */
export interface Newest {
  readonly time: Micros;
  readonly ids: ReadonlySet<string>;
}

/** The counters of a walk; all of it is plain data, so that it can be written beside a checkpoint. */
export interface LedgerCounts {
  firstTotal: number;
  lastTotal: number;
  minTotal: number;
  maxTotal: number;
  /** Jobs in hand that were created after the newest job at the start of the run. */
  appended: number;
  /** Rows that came again outside a seam. */
  duplicates: number;
  seamsChecked: number;
  seamsRepaired: number;
  seamsBroken: number;
}

/** What the walk has seen so far: the ids in hand, the evidence for and against a still list, and what is left to prove. */
export class Ledger {
  readonly ids = new IdIndex();
  readonly counts: LedgerCounts = {
    firstTotal: 0,
    lastTotal: 0,
    minTotal: Number.POSITIVE_INFINITY,
    maxTotal: 0,
    appended: 0,
    duplicates: 0,
    seamsChecked: 0,
    seamsRepaired: 0,
    seamsBroken: 0,
  };
  readonly open: OpenInterval[] = [];
  /** Rows that came again after they were handed out: a newer version supersedes. Only ever appended to. */
  readonly again: RawJob[] = [];
  /** Null where it cannot be told: then growth cannot be told from other changes. */
  newestAtStart: Newest | null = null;

  /** Notes the length of the list as one answer gave it. */
  noteTotal({ total }: Page): void {
    const { counts } = this;
    counts.lastTotal = total;
    counts.minTotal = Math.min(counts.minTotal, total);
    counts.maxTotal = Math.max(counts.maxTotal, total);
  }

  /** Takes the rows that are not in hand yet and returns them; the others are counted as having come again. */
  take(rows: readonly RawJob[]): RawJob[] {
    const fresh = rows.filter((row) => {
      if (this.#addId(row)) return true;
      this.counts.duplicates++;
      this.again.push(row.copy());
      return false;
    });
    this.counts.appended += this.#countAppended(fresh);
    return fresh;
  }

  #addId(row: RawJob): boolean {
    const start = row.startOf(ID) + 1;
    const end = row.endOf(ID) - 1;
    const isPlainText = row.bytes[start - 1] === QUOTE && row.formOf(ID) === FORM.plain;
    const added = isPlainText ? this.ids.addBytes(row.bytes, start, end) : undefined;
    return added ?? this.ids.add(idOf(row));
  }

  /** Takes the rows that are not in hand yet; that the others come again is expected here, and not counted. */
  takeMissing(rows: readonly RawJob[]): RawJob[] {
    return this.take(rows.filter((row) => !this.ids.has(idOf(row))));
  }

  /** Notes that a row handed out before came again in its seam, where that is expected and only news matter. */
  meetAgain(before: RawJob, row: RawJob): void {
    if (isNewer(row, before)) this.again.push(row.copy());
  }

  /** Puts a row of a resumed run back in hand. */
  restore(id: string, created: Micros | null): void {
    this.ids.add(id);
    if (this.#isAppended(id, created)) this.counts.appended++;
  }

  /** Rows come in order of creation: where the last is older than the newest at the start, none is appended. */
  #countAppended(rows: readonly RawJob[]): number {
    const last = rows.at(-1);
    const time = last && createdAt(last);
    if (!time || !this.newestAtStart || time < this.newestAtStart.time) return 0;
    return rows.filter((row) => this.#isAppended(idOf(row), createdAt(row))).length;
  }

  #isAppended(id: string, created: Micros | null): boolean {
    const newest = this.newestAtStart;
    if (created === null || newest === null || created < newest.time) return false;
    return created > newest.time || !newest.ids.has(id);
  }

  /**
   * True when nothing but new jobs behind the newest one can have changed the list since the run started: the totals
   * only grew, and by exactly the jobs in hand that are newer. Then no job was deleted, and counting proves.
   */
  onlyGrew(): boolean {
    const { firstTotal, lastTotal, minTotal, maxTotal, appended } = this.counts;
    return minTotal >= firstTotal && maxTotal <= lastTotal && firstTotal + appended === lastTotal;
  }

  /** True when the ids in hand are as many as the list is long. */
  isFull(): boolean {
    return this.ids.size === this.counts.lastTotal;
  }

  /** True when the walk itself met any sign that the list changed, other than by new jobs at its end. */
  wasDisturbed(): boolean {
    const { duplicates, seamsRepaired, seamsBroken } = this.counts;
    return duplicates + seamsRepaired + seamsBroken > 0 || !this.onlyGrew() || !this.isFull();
  }
}
