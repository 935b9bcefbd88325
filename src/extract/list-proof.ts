import { prefixDigits } from '../jobs/id-index.ts';
import { Leaves } from './leaves.ts';
import { BY_CREATION, BY_ID, type List } from './list.ts';
import type { Key, ProofMethod, ProofState, Saved, Tried, Verdict } from './state.ts';
import { UNREADABLE, Walk } from './walk.ts';

/** One list being read, by whichever method. */
export interface ListReading {
  /** There once `read()` has ended. */
  readonly verdict: Verdict | undefined;
  /** Where an interrupted reading goes on. */
  readonly state: Saved['proof'];
  /** The creation time before which no job is expected any more, microseconds; null when that cannot be told. */
  readonly settled: Key | null;
  /** Whether it is at the last resort: what that finds was missing. */
  readonly isLastResort: boolean;
  /** Yields whenever answers were taken. */
  read(): AsyncGenerator<void, void>;
}

/** Chance that answers come in the order of the id by accident, below which the server is taken to honour it: 1e-9. */
const ENOUGH_EVIDENCE = 21;

/**
 * Reads one list, whole: by the walk in the order of creation, which proves itself in the normal course, and by what it
 * takes otherwise. `verdict` is there once `read()` has ended.
 */
export class ListProof implements ListReading {
  verdict: Verdict | undefined;
  readonly #walk: Walk;
  readonly #byId: Walk;
  readonly #leaves: Leaves;
  readonly #tried: Tried[] = [];
  #stage: ProofState['stage'];

  /** @param idPrefix the filter `id__starts_with` of the list, '' for none */
  constructor(list: List, idPrefix: string, state?: ProofState) {
    this.#stage = state?.stage ?? 'walk';
    this.#walk = new Walk(BY_CREATION, list, state?.walk);
    this.#byId = new Walk(BY_ID, list, state?.byId);
    this.#leaves = new Leaves(list, prefixDigits(idPrefix), state?.leaves);
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

  async *read(): AsyncGenerator<void, void> {
    const [walk, byId, leaves] = [this.#walk, this.#byId, this.#leaves];
    if (this.#stage === 'walk') yield* walk.read();
    if (walk.isProven) return this.#conclude('enclosed', ENCLOSED);
    this.#tried.push({ method: 'enclosed', reason: walk.barred ?? MOVED });
    if (this.#stage === 'walk') this.#stage = 'id';
    if (walk.barred === UNREADABLE) byId.barred ??= UNREADABLE;
    if (this.#stage === 'id') yield* byId.read();
    if (byId.isProven && (byId.isOnePage || byId.evidence > ENOUGH_EVIDENCE))
      return this.#conclude('id', 'every id lies inside an answer that held all of its neighbours');
    this.#tried.push({ method: 'id', reason: byId.barred ?? (byId.isProven ? TOO_FEW : MOVED) });
    // The rows come from the walk all the same, which was left where it could prove nothing any more.
    if (this.#stage === 'id') this.#stage = 'rest';
    walk.readsOn = true;
    if (this.#stage === 'rest') yield* walk.read();
    this.#stage = 'leaves';
    yield* leaves.read();
    if (leaves.barred === null)
      return this.#conclude('leaves', 'every prefix of the id was read whole, in one answer each');
    this.#tried.push({ method: 'leaves', reason: leaves.barred });
    this.#conclude(
      'none',
      this.#tried.map(({ method, reason }) => `${method}: ${reason}`).join('; '),
    );
  }

  #conclude(method: ProofMethod, reason: string): void {
    this.verdict = { method, reason, tried: this.#tried };
  }
}

const ENCLOSED = 'every creation time lies inside an answer that held all of its jobs';
const MOVED = 'the list moved too fast to be enclosed';
const TOO_FEW = 'too few jobs to tell whether the server honours the order of the id';
