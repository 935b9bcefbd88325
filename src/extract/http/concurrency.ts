import { setMaxListeners } from 'node:events';
import pLimit, { type LimitFunction } from 'p-limit';
import { log } from '../../platform/effects.ts';
import { Fault } from './faults.ts';
import { type Asking, type RetryState, waitForTurn } from './retry.ts';

/**
 * How many requests may be in flight: additive increase, multiplicative decrease, as TCP does it (Chiu and Jain 1989;
 * RFC 5681). Pure: state in, state out.
 *
 * Until the first decrease the limit doubles every round trip (slow start, RFC 5681 section 3.1): with plain additive
 * increase a run against a fast server would spend its first twelve round trips getting from 4 to 16.
 */
export interface Aimd {
  /** Requests allowed in flight, a whole number of 1 or more. */
  readonly limit: number;
  readonly max: number;
  readonly slowStart: boolean;
  /** Successes since the limit last changed. */
  readonly successes: number;
  /** Monotonic milliseconds of the last decrease. */
  readonly decreasedAt: number;
}

const START = 4;
const NEVER = Number.NEGATIVE_INFINITY;

export function startAimd(max: number): Aimd {
  return { limit: Math.min(START, max), max, slowStart: true, successes: 0, decreasedAt: NEVER };
}

/**
 * @param binding whether the limit was what kept further requests from starting; if not, a success proves nothing
 * about a higher one
 */
export function afterSuccess(state: Aimd, binding: boolean): Aimd {
  if (!binding || state.limit >= state.max) return state;
  const successes = state.successes + 1;
  if (!state.slowStart && successes < state.limit) return { ...state, successes };
  return { ...state, limit: state.limit + 1, successes: 0 };
}

/**
 * @param factor what the limit is multiplied by
 * @param startedAt when the request that met the congestion was sent, monotonic milliseconds. One sent before the last
 * decrease tells nothing of the limit in force now: so there is at most one decrease a round trip.
 */
export function afterCongestion(state: Aimd, factor: number, startedAt: number, now: number): Aimd {
  if (startedAt <= state.decreasedAt) return state;
  const limit = Math.max(1, Math.floor(state.limit * factor));
  return { ...state, limit, slowStart: false, successes: 0, decreasedAt: now };
}

/**
 * p-limit as a semaphore: what a task returns does not pass through its queue. That queue is a linked list whose used
 * nodes point to newer ones, so a node that has reached the old generation keeps the results after it alive until the
 * next major collection. With whole pages as results this took a fifth of the client's CPU time.
 *
 * @returns gives the place back
 */
export function takePlace(places: LimitFunction): Promise<() => void> {
  return new Promise((taken, failed) => {
    places(() => new Promise<void>(taken)).catch(failed);
  });
}

/** Decides when each request for a page may start, and learns from how it ends. */
export class Admission {
  inFlight = 0;
  readonly #state: RetryState;
  readonly #places: LimitFunction;
  #aimd: Aimd;
  #isSlowed = false;

  /** @param max requests in flight at most */
  constructor(max: number, state: RetryState) {
    this.#state = state;
    this.#aimd = startAimd(max);
    this.#places = pLimit(this.#aimd.limit);
  }

  /**
   * Runs `send` when it is its turn: within the concurrency limit, and after any pause the server has asked for.
   *
   * @param send told the monotonic milliseconds left until the deadline
   * @throws ExportError (75) when its turn would come too late; the signal's reason; whatever `send` throws
   */
  async run<T>(
    asking: Pick<Asking<unknown>, 'request' | 'signal'>,
    send: (msLeft: number) => Promise<T>,
  ): Promise<T> {
    const leave = await takePlace(this.#places);
    try {
      const startedAt = await waitForTurn(asking, this.#state);
      this.inFlight += 1;
      try {
        const answer = await send(this.#state.deadlineAt - startedAt);
        this.#limit(afterSuccess(this.#aimd, this.inFlight >= this.#aimd.limit));
        return answer;
      } catch (error) {
        if (error instanceof Fault) this.#slowDown(error, startedAt);
        throw error;
      } finally {
        this.inFlight -= 1;
      }
    } finally {
      leave();
    }
  }

  #limit(aimd: Aimd): void {
    this.#aimd = aimd;
    if (this.#places.concurrency !== aimd.limit) this.#places.concurrency = aimd.limit;
  }

  #slowDown({ kind, message, traits: { slowdown } }: Fault, startedAt: number): void {
    if (slowdown === undefined) return;
    const { effects } = this.#state;
    if (!this.#isSlowed && kind !== 'timeout') log(effects, 'warn', `${message}: slowing down`);
    this.#isSlowed ||= kind !== 'timeout';
    this.#limit(afterCongestion(this.#aimd, slowdown, startedAt, effects.clock.monotonic()));
  }
}

/**
 * Lets one caller through each time round the event loop, in the order in which they came. To read a page takes a
 * millisecond: when many come at once and are read on the spot, the connections they came on lie idle meanwhile. So
 * the sockets are served first, which sends the next requests, then one page is read.
 */
export function createTurns(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
    return last;
  };
}

/**
 * Runs `task` with a signal that follows others, and rejects with its reason as soon as that aborts, whatever `task`
 * does. No listener stays behind. (`AbortSignal.any` would do, were it not that its dependents pile up on a long-lived
 * source.)
 */
export async function following<T>(
  sources: readonly AbortSignal[],
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  for (const source of sources) source.throwIfAborted();
  // Hundreds of requests share a signal, and Node.js warns of ten.
  setMaxListeners(0, ...sources);
  const own = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason));
  });
  const abort = () => own.abort(sources.find((source) => source.aborted)?.reason);
  for (const source of sources) source.addEventListener('abort', abort);
  try {
    return await Promise.race([task(own.signal), aborted]);
  } finally {
    for (const source of sources) source.removeEventListener('abort', abort);
  }
}
