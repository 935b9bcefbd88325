import { idOf } from './ledger.ts';
import { type Answer, BY_CREATION, isFull, type List, type PageRead } from './list.ts';
import type { Key, WalkState } from './state.ts';
import { TIED, Walk } from './walk.ts';

/** Times that the newest jobs are read until one answer reaches those in hand. */
const ROUNDS = 6;

/** The last page of the list at some moment. */
interface End {
  /** Keys of its newest and of its oldest job, whose position is `at`. */
  readonly newest: Key;
  readonly oldest: Key;
  readonly at: number;
  readonly ids: readonly string[];
}

/** A walk behind which every job is in hand that was created before `high`. */
export function seed(high: Key, covered: number, right: readonly string[]): WalkState {
  const segment = { low: null, high, start: covered, end: covered, left: [], right };
  return { covered, segments: [segment], barred: null };
}

/** What is new in a list of which the start is in hand: a walk over it, and a look at its end. */
export class NewJobs {
  /** The list holds the jobs whose ids start with these hex digits. */
  readonly digits: string;
  /** Why what is new cannot be told; null while it may. */
  barred: string | null = null;
  readonly #list: List;
  #walk: Walk;
  /** The end of the list as of an answer: all jobs there were at its moment are in hand. */
  #end: End | undefined;

  /**
   * @param state of the walk; undefined where nothing is in hand
   * @param watch is told of every answer before it is taken
   */
  constructor(
    list: List,
    digits: string,
    state: WalkState | undefined,
    watch: (answer: Answer) => void,
  ) {
    this.digits = digits;
    this.#list = list;
    list.watch = (answer) => {
      if (answer.kind === 'page' && answer.query.direction === 'DESC') this.#end ??= endOf(answer);
      watch(answer);
    };
    this.#walk = new Walk(BY_CREATION, list, state);
  }

  get state(): WalkState {
    return this.#walk.state;
  }

  /** Whether more jobs share a creation time than a page holds, so that only lists of fewer jobs can be walked over. */
  get isTied(): boolean {
    return this.#walk.barred === TIED;
  }

  /** Yields whenever answers were taken. */
  async *read(): AsyncGenerator<void, void> {
    yield* this.#walk.read();
    if (!this.#walk.isProven) this.barred ??= this.#walk.barred ?? TOO_FAST;
  }

  /**
   * Reads the newest jobs until one answer reaches down to those that were in hand before: at its moment the server can
   * have no others. Where more are new than a page holds, the walk goes on first.
   *
   * @param take takes an answer in hand; undefined when it cannot be gone on with
   * @returns that answer; undefined when there is none, and `barred` says why unless `take` knows
   */
  async *readNewest(
    take: (answer: Answer) => PageRead | undefined,
  ): AsyncGenerator<void, PageRead | undefined> {
    const list = this.#list;
    for (let round = 0; round < ROUNDS && this.barred === null; round++) {
      const before = this.#end;
      const answers = await list.askNewest();
      const [page] = answers.flatMap((answer) => take(answer) ?? []);
      if (page === undefined || answers.length > 1) break;
      const end = endOf(page);
      const reaches = before !== undefined && end !== undefined && end.oldest < before.newest;
      if (!isFull(page) || reaches) {
        this.#end = end;
        return page;
      }
      if (before === undefined) break;
      this.#walk = new Walk(BY_CREATION, list, seed(before.oldest, before.at, before.ids));
      this.#end = undefined;
      yield* this.read();
    }
    this.barred ??= TOO_FAST;
    return undefined;
  }
}

const TOO_FAST = 'new jobs came too fast';

function endOf({ rows, total }: PageRead): End | undefined {
  if (rows.length === 0) return undefined;
  const [newest, oldest] = [rows[0], rows[rows.length - 1]].map((row) => BY_CREATION.keyOf(row));
  if (newest === null || oldest === null) return undefined;
  return { newest, oldest, at: total - rows.length, ids: rows.map(idOf) };
}
