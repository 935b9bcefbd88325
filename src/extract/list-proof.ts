import { prefixDigits } from '../jobs/id-index.ts';
import type { Key } from './coverage.ts';
import { Leaves } from './leaves.ts';
import { BY_CREATION, BY_ID, type Setting } from './order.ts';
import { Walk, type WalkState } from './walk.ts';

/** How completeness was proven: docs/completeness.md has a theorem for each. From the cheapest to none. */
export const PROOF_METHODS = ['enclosed', 'incremental', 'id', 'leaves', 'none'] as const;
export type ProofMethod = (typeof PROOF_METHODS)[number];

/** A method that gave no proof, and why. */
export interface Tried {
  readonly method: ProofMethod;
  readonly reason: string;
}

export interface Verdict extends Tried {
  readonly tried: readonly Tried[];
}

/** One list being read, by whichever method. */
export interface ListReading<State> {
  /** There once `read()` has ended. */
  readonly verdict: Verdict | undefined;
  /** Where an interrupted reading goes on. */
  readonly state: State;
  /** The creation time before which no job is expected any more, microseconds; null when that cannot be told. */
  readonly settled: Key | null;
  /** Whether it is at the last resort: what that finds was missing. */
  readonly isLastResort: boolean;
  /** Requests by what they were for. */
  readonly requests: { windows: number; enclosing: number; id: number; leaves: number };
  /** Yields whenever answers were taken. */
  read(): AsyncGenerator<void, void>;
}

/** Where an interrupted reading goes on. */
export interface ProofState {
  readonly stage: 'walk' | 'id' | 'rest' | 'leaves';
  readonly walk: WalkState;
  readonly byId: WalkState;
  /** The last prefix, in order, up to which all leaves were read. */
  readonly leaves: string;
}

/** Chance that answers come in the order of the id by accident, below which the server is taken to honour it: 1e-9. */
const ENOUGH_EVIDENCE = 21;

/**
 * Reads one list, whole: by the walk in the order of creation, which proves itself in the normal course, and by what it
 * takes otherwise. `verdict` is there once `read()` has ended.
 */
export class ListProof implements ListReading<ProofState> {
  verdict: Verdict | undefined;
  readonly #walk: Walk;
  readonly #byId: Walk;
  readonly #leaves: Leaves;
  readonly #tried: Tried[] = [];
  #stage: ProofState['stage'];

  /**
   * @param idPrefix the filter `id__starts_with` of the list, '' for none
   * @param longest the longest list that any answer of the run has reached
   */
  constructor(setting: Setting, idPrefix: string, longest: () => number, state?: ProofState) {
    this.#stage = state?.stage ?? 'walk';
    this.#walk = new Walk(BY_CREATION, setting, state?.walk);
    this.#byId = new Walk(BY_ID, setting, state?.byId);
    this.#leaves = new Leaves(setting, prefixDigits(idPrefix) ?? '', longest, state?.leaves);
    if (prefixDigits(idPrefix) === undefined)
      this.#leaves.barred = 'no lower-case UUID starts with the prefix asked for';
  }

  get state(): ProofState {
    const [walk, byId, leaves] = [this.#walk.state, this.#byId.state, this.#leaves.upTo];
    return { stage: this.#stage, walk, byId, leaves };
  }

  get settled(): Key | null {
    return this.#walk.settled;
  }

  get isLastResort(): boolean {
    return this.#stage === 'leaves';
  }

  get requests() {
    const { windows, enclosing } = this.#walk;
    const id = this.#byId.windows + this.#byId.enclosing;
    return { windows, enclosing, id, leaves: this.#leaves.requests };
  }

  async *read(): AsyncGenerator<void, void> {
    const [walk, byId, leaves] = [this.#walk, this.#byId, this.#leaves];
    if (this.#stage === 'walk') yield* walk.read();
    if (walk.isProven)
      return this.#conclude(
        'enclosed',
        'every creation time lies inside an answer that held all of its jobs',
      );
    this.#giveUp('enclosed', walk.barred ?? MOVED);
    if (this.#stage === 'walk') this.#stage = 'id';
    if (this.#stage === 'id') yield* byId.read();
    if (byId.isProven && (byId.isOnePage || byId.evidence > ENOUGH_EVIDENCE))
      return this.#conclude('id', 'every id lies inside an answer that held all of its neighbours');
    this.#giveUp('id', byId.barred ?? (byId.isProven ? TOO_FEW : MOVED));
    // The rows come from the walk all the same, which was left where it could prove nothing any more.
    if (this.#stage === 'id') this.#stage = 'rest';
    walk.readsOn = true;
    if (this.#stage === 'rest') yield* walk.read();
    this.#stage = 'leaves';
    yield* leaves.read();
    if (leaves.isProven)
      return this.#conclude('leaves', 'every prefix of the id was read whole, in one answer each');
    this.#giveUp('leaves', leaves.barred ?? 'not every prefix could be read whole');
    const reasons = this.#tried.map(({ method, reason }) => `${method}: ${reason}`);
    this.#conclude('none', reasons.join('; '));
  }

  #giveUp(method: ProofMethod, reason: string): void {
    this.#tried.push({ method, reason });
  }

  #conclude(method: ProofMethod, reason: string): void {
    this.verdict = { method, reason, tried: this.#tried };
  }
}

const MOVED = 'the list moved too fast to be enclosed';
const TOO_FEW = 'too few jobs to tell whether the server honours the order of the id';
