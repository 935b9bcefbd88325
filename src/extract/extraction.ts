import type { Micros } from '../jobs/timestamp.ts';
import type { JsonValue } from '../json/json-value.ts';
import type { RawJob } from '../json/raw-job.ts';
import type { RunEvent } from '../platform/effects.ts';
import { prefixDigits } from './id-index.ts';
import { Leaves } from './leaves.ts';
import { Ledger, type SetAside } from './ledger.ts';
import { decodeState, encodeState, type Saved } from './state.ts';
import { BY_CREATION, BY_ID, type Setting, Walk } from './walk.ts';
import type { Answer, ListReader } from './windows.ts';

/** How completeness was proven: docs/completeness.md has a theorem for each. */
export type ProofMethod = 'enclosed' | 'id' | 'leaves' | 'none';

export interface Completeness {
  /** True only when every job that existed during the whole run is known to be in hand. */
  readonly proven: boolean;
  readonly method: ProofMethod;
  /** One sentence for people: what was seen, and why that is or is not a proof. */
  readonly reason: string;
  /** Methods that gave no proof, and why. */
  readonly tried: readonly { readonly method: ProofMethod; readonly reason: string }[];
  /** Pages asked for: windows of the walk, to enclose what those left open, in the order of the id, by prefix of the id. */
  readonly requests: {
    readonly windows: number;
    readonly enclosing: number;
    readonly id: number;
    readonly leaves: number;
  };
  /** Jobs that the walk had missed and a later method found. */
  readonly found: number;
  /** Whether the length of the list was seen to change. */
  readonly drift: boolean;
}

/** Rows on their way to the table. */
export interface RowChunk {
  /** Each job once, and again when it came in a newer version; in no promised order. */
  readonly rows: readonly RawJob[];
  readonly setAside: readonly SetAside[];
  /** In the normal course no job created before this is still to come; null when that cannot be told. */
  readonly settled: Micros | null;
  /** Where to go on once all rows up to here are durable. */
  readonly state: () => JsonValue;
}

export interface ExtractionOptions {
  readonly reader: ListReader;
  /** The filter `id__starts_with` of the export, '' for none. */
  readonly idPrefix: string;
  readonly emit: (event: RunEvent) => void;
  /** What `RowChunk.state` gave; the ledger then holds the rows up to there. */
  readonly resumeFrom?: JsonValue;
  readonly ledger?: Ledger;
}

/** Chance that answers come in the order of the id by accident, below which the server is taken to honour it: 1e-9. */
const ENOUGH_EVIDENCE = 21;

/**
 * One export's reading of the list: the walk in the order of creation, which proves itself in the normal course, and
 * what it takes otherwise. `completeness` is there once `chunks()` has ended.
 */
export class Extraction {
  readonly ledger: Ledger;
  completeness: Completeness | undefined;
  /** Length of the list, in the first answer and in the last. */
  readonly totals = { first: -1, last: 0 };
  readonly #options: ExtractionOptions;
  readonly #setting: Setting;
  readonly #walk: Walk;
  readonly #byId: Walk;
  readonly #leaves: Leaves;
  readonly #tried: { method: ProofMethod; reason: string }[] = [];
  #stage: Saved['stage'] = 'walk';
  #longest = 0;
  #drift = false;
  /** Jobs in hand behind the walk; -1 before its end. */
  #walked = -1;

  constructor(options: ExtractionOptions) {
    this.#options = options;
    this.ledger = options.ledger ?? new Ledger();
    const { reader } = options;
    const sizing = { pageSize: reader.pageSize, pageBytes: 0 };
    const note = (answer: Answer) => this.#note(answer);
    this.#setting = { reader, sizing, ledger: this.ledger, note };
    const saved = options.resumeFrom === undefined ? undefined : decodeState(options.resumeFrom);
    if (saved) {
      ({
        stage: this.#stage,
        longest: this.#longest,
        drift: this.#drift,
        walked: this.#walked,
      } = saved);
      Object.assign(this.totals, saved.totals);
      this.ledger.restoreAside(saved.aside);
      this.ledger.duplicates = saved.duplicates;
    }
    this.#walk = new Walk(BY_CREATION, this.#setting, saved?.walk);
    this.#byId = new Walk(BY_ID, this.#setting, saved?.byId);
    const root = prefixDigits(options.idPrefix) ?? '';
    this.#leaves = new Leaves(this.#setting, root, () => this.#longest, saved?.leaves);
  }

  /** Every job in hand; rows that later methods find come last. */
  async *chunks(): AsyncGenerator<RowChunk> {
    if (this.#stage === 'walk') {
      for await (const _ of this.#walk.read()) yield this.#chunk();
      this.#walked = this.ledger.size;
    }
    if (this.#walk.isProven)
      return this.#conclude(
        'enclosed',
        'every creation time lies inside an answer that held all of its jobs',
      );
    this.#giveUp('enclosed', this.#walk.barred ?? 'the list moved too fast to be enclosed');
    if (this.#stage !== 'leaves') {
      this.#stage = 'id';
      for await (const _ of this.#byId.read()) yield this.#chunk();
    }
    const { isProven, isOnePage, evidence } = this.#byId;
    if (isProven && (isOnePage || evidence > ENOUGH_EVIDENCE))
      return this.#conclude('id', 'every id lies inside an answer that held all of its neighbours');
    this.#giveUp('id', this.#whyNotById());
    this.#stage = 'leaves';
    if (prefixDigits(this.#options.idPrefix) === undefined)
      this.#leaves.barred = 'no id starts with the prefix asked for';
    for await (const _ of this.#leaves.read()) yield this.#chunk();
    if (this.#leaves.isProven)
      return this.#conclude('leaves', 'every prefix of the id was read whole, in one answer each');
    this.#giveUp('leaves', this.#leaves.barred ?? 'not every prefix could be read whole');
    this.#conclude(
      'none',
      this.#tried.map(({ method, reason }) => `${method}: ${reason}`).join('; '),
    );
  }

  #whyNotById(): string {
    const { barred, isProven } = this.#byId;
    if (barred !== null) return barred;
    return isProven
      ? 'too few jobs to tell whether the server honours the order of the id'
      : 'the list moved too fast to be enclosed';
  }

  #giveUp(method: ProofMethod, reason: string): void {
    this.#tried.push({ method, reason });
    const message = `no proof by ${method}: ${reason}`;
    this.#options.emit({ type: 'log', level: 'info', message });
  }

  #note(answer: Answer): void {
    if (answer.kind !== 'page') return;
    const { query, rows, damaged, total } = answer;
    this.#longest = Math.max(this.#longest, query.offset + rows.length + damaged.length);
    if (query.idStartsWith !== undefined) return;
    if (this.totals.first < 0) this.totals.first = total;
    if (total !== this.totals.first) this.#drift = true;
    this.totals.last = total;
  }

  #chunk(): RowChunk {
    const settled = this.#walk.settled;
    const saved: Saved = {
      stage: this.#stage,
      walk: this.#walk.state,
      byId: this.#byId.state,
      leaves: this.#leaves.upTo,
      longest: this.#longest,
      drift: this.#drift,
      walked: this.#walked,
      totals: { ...this.totals },
      aside: [...this.ledger.asideHashes],
      duplicates: this.ledger.duplicates,
    };
    return {
      ...this.ledger.handOut(),
      settled: settled === null ? null : BigInt(settled),
      state: () => encodeState(saved),
    };
  }

  #conclude(method: ProofMethod, reason: string): void {
    const [walk, byId] = [this.#walk, this.#byId];
    this.completeness = {
      proven: method !== 'none',
      method,
      reason,
      tried: this.#tried,
      requests: {
        windows: walk.windows,
        enclosing: walk.enclosing,
        id: byId.windows + byId.enclosing,
        leaves: this.#leaves.requests,
      },
      found: Math.max(0, this.ledger.size - this.#walked),
      drift: this.#drift,
    };
  }
}
