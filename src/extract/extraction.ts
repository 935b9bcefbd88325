import type { Micros } from '../jobs/timestamp.ts';
import type { JsonValue } from '../json/checked-json.ts';
import type { RawJob } from '../json/raw-job.ts';
import type { RunEvent } from '../platform/effects.ts';
import { Increment, type KnownBase } from './increment.ts';
import { Ledger, type SetAside } from './ledger.ts';
import {
  ListProof,
  type ListReading,
  PROOF_METHODS,
  type ProofMethod,
  type Tried,
  type Verdict,
} from './list-proof.ts';
import { decodeState, encodeState, type Saved } from './state.ts';
import type { Answer, ListReader } from './windows.ts';

export interface Completeness {
  /** True only when every job that existed during the whole run is known to be in hand. */
  readonly proven: boolean;
  readonly method: ProofMethod;
  /** One sentence for people: what was seen, and why that is or is not a proof. */
  readonly reason: string;
  /** Methods that gave no proof, and why. */
  readonly tried: readonly Tried[];
  /** Pages asked for: windows of the walk, to enclose what those left open, in the order of the id, by prefix of the id. */
  readonly requests: ListProof['requests'];
  /** Jobs that only reading by prefix found. */
  readonly found: number;
  /** Whether the length of the list was seen to change. */
  readonly drift: boolean;
}

/** Rows on their way to the table. */
export interface RowChunk {
  /** Each job once, and again when it came in a newer version; in no promised order. */
  readonly rows: readonly RawJob[];
  /** Ids of those that came before, in an older version. */
  readonly again: readonly string[];
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
  /** The filter `id` in groups that fit a request line; each is read and proven as a list of its own. */
  readonly idGroups?: readonly (readonly string[])[];
  /** The snapshot that it goes on from. What it finds then is only what that lacks, and `gone`. */
  readonly base?: KnownBase;
  readonly emit: (event: RunEvent) => void;
  /** What `RowChunk.state` gave; the ledger then holds the rows up to there. */
  readonly resumeFrom?: JsonValue;
  readonly ledger?: Ledger;
}

/** Whether a state is that of an extraction which goes on from a base. */
export function isIncrement(state: JsonValue): boolean {
  return decodeState(state).proof.stage === 'increment';
}

/** One export's reading of the list. `completeness` is there once `chunks()` has ended. */
export class Extraction {
  readonly ledger: Ledger;
  completeness: Completeness | undefined;
  /** Whether it went on from a base. */
  readonly isIncrement: boolean;
  /** Ids of jobs that the base has and the server has no more. */
  gone: readonly string[] = [];
  /** Length of the list, in the first answer and in the last. */
  readonly totals = { first: -1, last: 0 };
  readonly #options: ExtractionOptions;
  readonly #verdicts: Verdict[] = [];
  readonly #requests = { windows: 0, enclosing: 0, id: 0, leaves: 0 };
  #longest = 0;
  #drift = false;
  #found = 0;
  /** The group being read. */
  #group = 0;
  #saved: Saved | undefined;

  constructor(options: ExtractionOptions) {
    this.#options = options;
    this.ledger = options.ledger ?? new Ledger();
    this.isIncrement = options.base !== undefined;
    // Before the rows of an interrupted run: those were shown.
    if (options.base) this.ledger.restoreBase(options.base.index);
    if (options.resumeFrom === undefined) return;
    const saved = decodeState(options.resumeFrom);
    this.#saved = saved;
    ({
      longest: this.#longest,
      drift: this.#drift,
      found: this.#found,
      group: this.#group,
    } = saved);
    Object.assign(this.totals, saved.totals);
    this.#verdicts.push(...saved.verdicts);
    this.ledger.restoreAside(saved.aside);
    this.ledger.duplicates = saved.duplicates;
  }

  /** Every job in hand; rows that later methods find come last. */
  async *chunks(): AsyncGenerator<RowChunk> {
    const { reader, idPrefix, idGroups = [undefined], emit, base } = this.#options;
    for (; this.#group < idGroups.length; this.#group++) {
      const ids = idGroups[this.#group];
      const fetchPage: ListReader['fetchPage'] = (query, signal) =>
        reader.fetchPage(ids ? { ...query, ids } : query, signal);
      const setting = {
        reader: { ...reader, fetchPage },
        ledger: this.ledger,
        sizing: { pageSize: reader.pageSize, cap: reader.pageSize, pageBytes: 0 },
        note: (answer: Answer) => this.#note(answer),
      };
      const state = this.#saved?.proof;
      this.#saved = undefined;
      const isIncrement = state?.stage === 'increment';
      const proof = base
        ? new Increment(setting, base, idPrefix, isIncrement ? state : undefined)
        : new ListProof(setting, idPrefix, () => this.#longest, isIncrement ? undefined : state);
      for await (const _ of proof.read()) yield this.#chunk(proof, ids !== undefined);
      if (!proof.verdict) throw new Error('a list was read without a verdict');
      for (const { method, reason } of proof.verdict.tried)
        emit({ type: 'log', level: 'info', message: `no proof by ${method}: ${reason}` });
      if (proof instanceof Increment) this.gone = proof.gone;
      this.#verdicts.push(proof.verdict);
      for (const kind of ['windows', 'enclosing', 'id', 'leaves'] as const)
        this.#requests[kind] += proof.requests[kind];
    }
    this.#conclude();
  }

  #note(answer: Answer): void {
    if (answer.kind !== 'page') return;
    const { query, rows, damaged, total } = answer;
    this.#longest = Math.max(this.#longest, query.offset + rows.length + damaged.length);
    if (query.idStartsWith !== undefined || (query.ids && !this.#options.idGroups)) return;
    if (this.totals.first < 0) this.totals.first = total;
    if (total !== this.totals.first) this.#drift = true;
    this.totals.last = total;
  }

  /** @param isGroup whether other lists follow that may hold any creation time */
  #chunk(proof: ListReading<Saved['proof']>, isGroup: boolean): RowChunk {
    const out = this.ledger.handOut();
    if (proof.isLastResort) this.#found += out.rows.length;
    const settled = isGroup ? null : proof.settled;
    const saved: Saved = {
      group: this.#group,
      proof: proof.state,
      verdicts: [...this.#verdicts],
      longest: this.#longest,
      drift: this.#drift,
      found: this.#found,
      totals: { ...this.totals },
      aside: [...this.ledger.asideHashes],
      duplicates: this.ledger.duplicates,
    };
    return {
      ...out,
      settled: settled === null ? null : BigInt(settled),
      state: () => encodeState(saved),
    };
  }

  /** The list is proven as well as the group of it that was proven in the last resort. */
  #conclude(): void {
    const rank = ({ method }: Verdict) => PROOF_METHODS.indexOf(method);
    const [verdict] = this.#verdicts.toSorted((a, b) => rank(b) - rank(a));
    this.completeness = {
      proven: verdict.method !== 'none',
      ...verdict,
      requests: this.#requests,
      found: this.#found,
      drift: this.#drift,
    };
  }
}
