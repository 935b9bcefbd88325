import pLimit, { type LimitFunction } from 'p-limit';
import { FAULT_TRAITS, type Fault, type Outcome } from './faults.ts';
import { type HttpEffects, overdue, type Patience, timeAt, waitUntil } from './retry.ts';

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
/** A pause longer than this is told to whoever watches. */
const LONG_PAUSE_MS = 60_000;
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

/** Decides when each request to one server may start, and learns from how it ends. */
export interface Admission {
  /**
   * Runs `send` when it is its turn: within the concurrency limit, and after any pause the server has asked for.
   *
   * @param request names the request in messages
   * @param send told the monotonic milliseconds left until the deadline
   * @throws ExportError (75) when its turn would come too late; the signal's reason
   */
  run<T>(
    request: string,
    signal: AbortSignal,
    send: (msLeft: number) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>>;
  /** Monotonic milliseconds until which everybody stays away. */
  readonly pausedUntil: number;
  /** Requests allowed in flight just now. */
  readonly concurrency: number;
  readonly inFlight: number;
}

/** @param max requests in flight at most */
export function createAdmission(
  max: number,
  patience: Patience,
  { clock, emit }: Pick<HttpEffects, 'clock' | 'emit'>,
): Admission {
  let aimd = startAimd(max);
  let [pausedUntil, toldUntil] = [NEVER, NEVER];
  let inFlight = 0;
  const places = pLimit(aimd.limit);

  /** Waits out pauses, which may begin or grow meanwhile. @returns the time then */
  async function turn(request: string, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      const error = overdue(request, pausedUntil, patience, clock);
      if (error) throw error;
      const now = clock.monotonic();
      if (now >= pausedUntil) return now;
      await waitUntil(clock, pausedUntil, signal);
    }
  }

  function pause(ms: number, now: number, what: string): void {
    pausedUntil = Math.max(pausedUntil, now + ms);
    if (ms <= LONG_PAUSE_MS || pausedUntil - toldUntil <= LONG_PAUSE_MS) return;
    toldUntil = pausedUntil;
    const message = `${what} and asks to stay away: waiting until ${timeAt(pausedUntil, clock)}`;
    emit({ type: 'log', level: 'warn', message });
  }

  function learn(fault: Fault<unknown> | undefined, startedAt: number): void {
    const now = clock.monotonic();
    if (fault?.retryAfterMs !== undefined) pause(fault.retryAfterMs, now, fault.what);
    const slowdown = fault && FAULT_TRAITS[fault.kind].slowdown;
    if (slowdown !== undefined) aimd = afterCongestion(aimd, slowdown, startedAt, now);
    else if (!fault) aimd = afterSuccess(aimd, inFlight >= aimd.limit);
    if (places.concurrency !== aimd.limit) places.concurrency = aimd.limit;
  }

  return {
    async run(request, signal, send) {
      const leave = await takePlace(places);
      try {
        const startedAt = await turn(request, signal);
        inFlight += 1;
        try {
          const outcome = await send(patience.deadlineAt - startedAt);
          learn(outcome.kind === 'fault' ? outcome.fault : undefined, startedAt);
          return outcome;
        } finally {
          inFlight -= 1;
        }
      } finally {
        leave();
      }
    },
    get pausedUntil() {
      return pausedUntil;
    },
    get concurrency() {
      return places.concurrency;
    },
    get inFlight() {
      return inFlight;
    },
  };
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
 * Gives every request a signal of its own that follows the caller's. Thousands of requests share the caller's signal,
 * yet it carries one listener, and none when nothing is under way. (`AbortSignal.any` would do, were it not that its
 * dependents pile up on a long-lived source.)
 */
export interface Cancellation {
  /** Runs `task` with a signal; rejects with the signal's reason as soon as it aborts, whatever `task` does. */
  run<T>(source: AbortSignal | undefined, task: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Aborts everything under way and refuses what comes later. */
  cancelAll(reason: Error): void;
}

export function createCancellation(): Cancellation {
  const groups = new Map<AbortSignal | undefined, Group>();
  let cancelled: Error | undefined;

  function join(source: AbortSignal | undefined, member: AbortController): Group {
    const group = groups.get(source) ?? openGroup(source);
    groups.set(source, group);
    group.members.add(member);
    return group;
  }

  function leave(source: AbortSignal | undefined, member: AbortController, group: Group): void {
    group.members.delete(member);
    if (group.members.size > 0 || groups.get(source) !== group) return;
    group.close();
    groups.delete(source);
  }

  return {
    async run(source, task) {
      source?.throwIfAborted();
      if (cancelled) throw cancelled;
      const own = new AbortController();
      const aborted = new Promise<never>((_, reject) => {
        own.signal.addEventListener('abort', () => reject(own.signal.reason), { once: true });
      });
      const group = join(source, own);
      try {
        return await Promise.race([task(own.signal), aborted]);
      } finally {
        leave(source, own, group);
      }
    },

    cancelAll(reason) {
      cancelled ??= reason;
      for (const { members } of groups.values()) {
        for (const member of members) member.abort(reason);
      }
    },
  };
}

/** The requests that follow one signal. */
interface Group {
  readonly members: Set<AbortController>;
  /** Takes the listener off the signal. */
  close(): void;
}

function openGroup(source: AbortSignal | undefined): Group {
  const members = new Set<AbortController>();
  const abort = () => {
    for (const member of members) member.abort(source?.reason);
  };
  source?.addEventListener('abort', abort);
  return { members, close: () => source?.removeEventListener('abort', abort) };
}
