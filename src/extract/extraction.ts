import type { Micros } from '../jobs/timestamp.ts';
import type { JsonValue } from '../json/checked-json.ts';
import type { RawJob } from '../json/raw-job.ts';
import type { RunEvent } from '../platform/effects.ts';
import { Increment, type KnownBase } from './increment.ts';
import { Ledger, type SetAside } from './ledger.ts';
import { List, type ListReader, type Seen } from './list.ts';
import { ListProof, type ListReading } from './list-proof.ts';
import { decodeState, encodeState, PROOF_METHODS, type Saved, type Verdict } from './state.ts';

/** What was seen, and why that is or is not a proof; `reason` is one sentence for people. */
export interface Completeness
  extends Readonly<Verdict>,
    Pick<Readonly<Seen>, 'requests' | 'drift'> {
  /** True only when every job that existed during the whole run is known to be in hand. */
  readonly proven: boolean;
  /** Jobs that only reading by prefix found. */
  readonly found: number;
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
  readonly #options: ExtractionOptions;
  readonly #seen: Seen;
  readonly #verdicts: Verdict[];
  #found: number;
  /** The group being read. */
  #group: number;
  /** Where that is gone on with. */
  #proof: Saved['proof'] | undefined;

  constructor(options: ExtractionOptions) {
    const { base, resumeFrom } = options;
    this.#options = options;
    this.ledger = options.ledger ?? new Ledger();
    this.isIncrement = base !== undefined;
    // Before the rows of an interrupted run: those were shown.
    if (base) this.ledger.restoreBase(base.index);
    const saved = resumeFrom === undefined ? undefined : decodeState(resumeFrom);
    const { longest = 0, drift = false, totals = { first: -1, last: 0 } } = saved ?? {};
    const requests = { windows: 0, enclosing: 0, id: 0, leaves: 0 };
    this.#seen = { requests, longest, drift, totals };
    this.#verdicts = [...(saved?.verdicts ?? [])];
    this.#found = saved?.found ?? 0;
    this.#group = saved?.group ?? 0;
    this.#proof = saved?.proof;
    this.ledger.restoreAside(saved?.aside ?? []);
    this.ledger.duplicates = saved?.duplicates ?? 0;
  }

  /** Length of the list, in the first answer and in the last. */
  get totals(): Readonly<Seen['totals']> {
    return this.#seen.totals;
  }

  /** Every job in hand; rows that later methods find come last. */
  async *chunks(): AsyncGenerator<RowChunk> {
    const { reader, idPrefix, idGroups = [undefined], emit, base } = this.#options;
    for (; this.#group < idGroups.length; this.#group++) {
      const ids = idGroups[this.#group];
      const fetchPage: ListReader['fetchPage'] = (query, signal) =>
        reader.fetchPage(ids ? { ...query, ids } : query, signal);
      const list = new List({ ...reader, fetchPage }, this.ledger, this.#seen);
      const state = this.#proof;
      this.#proof = undefined;
      const isIncrement = state?.stage === 'increment';
      const proof = base
        ? new Increment(list, base, idPrefix, isIncrement ? state : undefined)
        : new ListProof(list, idPrefix, isIncrement ? undefined : state);
      for await (const _ of proof.read()) yield this.#chunk(proof, ids !== undefined);
      if (!proof.verdict) throw new Error('a list was read without a verdict');
      for (const { method, reason } of proof.verdict.tried)
        emit({ type: 'log', level: 'info', message: `no proof by ${method}: ${reason}` });
      if (proof instanceof Increment) this.gone = proof.gone;
      this.#verdicts.push(proof.verdict);
    }
    // The list is proven as well as the group of it that was proven in the last resort.
    const rank = ({ method }: Verdict) => PROOF_METHODS.indexOf(method);
    const [verdict] = this.#verdicts.toSorted((a, b) => rank(b) - rank(a));
    const { requests, drift } = this.#seen;
    const proven = verdict.method !== 'none';
    this.completeness = { proven, ...verdict, requests, found: this.#found, drift };
  }

  /** @param isGroup whether other lists follow that may hold any creation time */
  #chunk(proof: ListReading, isGroup: boolean): RowChunk {
    const out = this.ledger.handOut();
    if (proof.isLastResort) this.#found += out.rows.length;
    const settled = isGroup ? null : proof.settled;
    const { longest, drift, totals } = this.#seen;
    const saved: Saved = {
      ...{ group: this.#group, proof: proof.state, verdicts: [...this.#verdicts] },
      ...{ longest, drift, found: this.#found, totals: { ...totals } },
      ...{ aside: [...this.ledger.asideHashes], duplicates: this.ledger.duplicates },
    };
    return {
      ...out,
      settled: settled === null ? null : BigInt(settled),
      state: () => encodeState(saved),
    };
  }
}
