import type { Completeness, ProofMethod } from '../jobs/manifest.ts';
import type { RowChunk, RowPosition } from '../json/page.ts';
import type { RawJob } from '../json/raw-job.ts';
import type { RunEvent } from '../platform/effects.ts';
import { compareCounts, countingRequests } from './counts.ts';
import { encloseAll } from './enclose.ts';
import { prefixDigits } from './id-index.ts';
import { Ledger } from './ledger.ts';
import type { ListReader } from './read-windows.ts';
import { Walk } from './walk.ts';
import { planWindows } from './windows.ts';

/** Full walks after the first, where nothing cheaper proves. */
const REWALKS = 3;

export interface ExtractionOptions {
  readonly reader: ListReader;
  /** The filter `id__starts_with` of the export, '' for none. */
  readonly idPrefix: string;
  readonly emit: (event: RunEvent) => void;
  /** Where an interrupted walk stopped; its ledger is given restored. Absent: from the start. */
  readonly resumeAt?: RowPosition;
  readonly ledger?: Ledger;
  /** False leaves out everything behind the walk: the way other tools export. For tests that show what it is worth. */
  readonly prove?: boolean;
}

/**
 * One export's reading of the list: the walk, then whatever it takes to prove that no job was lost.
 * `completeness` is there once `chunks()` has ended.
 */
export class Extraction {
  readonly ledger: Ledger;
  completeness: Completeness | undefined;
  readonly #options: ExtractionOptions;
  #requests = 0;
  #found = 0;
  #deleted = 0;
  #rewalks = 0;
  #spanned = 0;

  constructor(options: ExtractionOptions) {
    this.#options = options;
    this.ledger = options.ledger ?? new Ledger();
  }

  /** Every job once, in the order of the list; jobs found by reconciliation come last. */
  async *chunks(): AsyncGenerator<RowChunk> {
    const { reader, resumeAt, prove = true } = this.#options;
    const walk = new Walk(reader, this.ledger, resumeAt ?? null);
    yield* resumeAt ? walk.resume() : walk.fromStart();
    if (!this.ledger.wasDisturbed()) this.#conclude('seams', this.#stillReason());
    else if (prove) yield* this.#reconcile();
    else
      this.#conclude(
        'none',
        'the list changed during the walk, and reconciliation was switched off',
      );
  }

  #stillReason(): string {
    const { seamsChecked, appended } = this.ledger.counts;
    const grown = appended > 0 ? `; ${appended} jobs came in behind the newest` : '';
    return `all ${seamsChecked} seams match and the ids in hand are as many as the list is long${grown}`;
  }

  async *#reconcile(): AsyncGenerator<RowChunk> {
    const { reader: plain, emit } = this.#options;
    emit({
      type: 'log',
      level: 'info',
      message: 'the list changed during the walk; checking that nothing was lost',
    });
    const reader = this.#counted(plain);
    yield* this.#byCounts(reader);
    if (this.completeness) return;
    const { spanned, allSpanned } = yield* this.#handOut(encloseAll(reader, this.ledger));
    this.#spanned = spanned;
    if (allSpanned) {
      this.#conclude(
        'ties',
        'every creation time lies inside one answer that held all of its jobs',
      );
      return;
    }
    yield* this.#rewalk(reader);
    if (this.completeness) return;
    this.#conclude(
      'none',
      'the list changed too fast: neither counts by id, nor reading around every tie, nor walking it again could prove that nothing was lost',
    );
  }

  async *#byCounts(reader: ListReader): AsyncGenerator<RowChunk> {
    const root = prefixDigits(this.#options.idPrefix);
    const oneMoreWalk = planWindows(this.ledger.counts.lastTotal, reader.pageSize).length + 16;
    if (root === undefined || countingRequests(this.ledger, reader.pageSize) > oneMoreWalk) return;
    const outcome = yield* this.#handOut(compareCounts(reader, this.ledger, root));
    this.#deleted = outcome.deleted;
    if (!outcome.honoured) {
      const message =
        'the server does not honour id__starts_with, or the list changes too fast for counting';
      this.#options.emit({ type: 'log', level: 'warn', message });
    } else if (outcome.readWhole) {
      this.#conclude(
        'counts',
        'every id prefix was read whole, in one answer each, and compared with the ids in hand',
      );
    } else if (this.ledger.onlyGrew() && this.ledger.isFull()) {
      this.#conclude(
        'counts',
        'the counts of every id prefix match the ids in hand, and no job was deleted meanwhile',
      );
    }
  }

  async *#rewalk(reader: ListReader): AsyncGenerator<RowChunk> {
    while (this.#rewalks < REWALKS) {
      this.#rewalks++;
      const seen = new Ledger();
      const firstLimit = Math.max(
        2,
        reader.pageSize - this.#rewalks * Math.ceil(reader.pageSize / (REWALKS + 1)),
      );
      for await (const { rows } of new Walk(reader, seen).fromStart(firstLimit)) {
        yield* this.#release(this.ledger.takeMissing(rows));
      }
      this.ledger.counts.lastTotal = seen.counts.lastTotal;
      if (seen.wasDisturbed()) continue;
      this.#conclude(
        'rewalk',
        `walk ${this.#rewalks + 1} met no change, and every job it saw is in hand`,
      );
      return;
    }
  }

  async *#handOut<Outcome>(
    missing: AsyncGenerator<RawJob[], Outcome>,
  ): AsyncGenerator<RowChunk, Outcome> {
    for (;;) {
      const { done, value } = await missing.next();
      if (done) return value;
      yield* this.#release(value);
    }
  }

  *#release(rows: readonly RawJob[]): Generator<RowChunk> {
    if (rows.length === 0) return;
    this.#found += rows.length;
    yield { rows, lastOffset: null };
  }

  #counted(reader: ListReader): ListReader {
    return {
      ...reader,
      fetchPage: (query, signal) => {
        this.#requests++;
        return reader.fetchPage(query, signal);
      },
    };
  }

  #conclude(method: ProofMethod, reason: string): void {
    const { seamsChecked, seamsRepaired, seamsBroken } = this.ledger.counts;
    this.completeness = {
      proven: method !== 'none',
      method,
      reason,
      seams: {
        checked: seamsChecked,
        repaired: seamsRepaired,
        broken: seamsBroken,
        spanned: this.#spanned,
      },
      drift: this.ledger.wasDisturbed() || this.ledger.counts.appended > 0,
      reconciled:
        this.#requests === 0
          ? null
          : {
              requests: this.#requests,
              found: this.#found,
              deleted: this.#deleted,
              rewalks: this.#rewalks,
            },
    };
  }
}
