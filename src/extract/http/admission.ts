import type { Clock } from '../../platform/effects.ts';
import { afterCongestion, afterSuccess, startAimd } from './aimd.ts';
import { FAULT_TRAITS, type Fault, type Outcome } from './faults.ts';
import { tooLate } from './give-up.ts';
import { afterAccepted, afterRefusal, rateAt, startPace } from './pace.ts';
import { createSlots } from './slots.ts';
import { waitUntil } from './wait.ts';

/** Decides when each request to one server may start, and learns from how it ends. */
export interface Admission {
  /**
   * Runs `send` when it is its turn: within the concurrency limit, after any pause the server has asked for, and no
   * faster than it has been taking requests.
   *
   * @param request names the request in messages
   * @param send told the monotonic milliseconds left until the deadline
   * @throws ExportError (75) when its turn would come past the deadline; the signal's reason
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

/**
 * @param max requests in flight at most
 * @param deadlineAt monotonic milliseconds, Infinity without one
 */
export function createAdmission(max: number, deadlineAt: number, clock: Clock): Admission {
  let aimd = startAimd(max);
  let pace = startPace(clock.monotonic());
  let nextStart = Number.NEGATIVE_INFINITY;
  let pausedUntil = Number.NEGATIVE_INFINITY;
  let inFlight = 0;
  const slots = createSlots(aimd.limit);

  /** Waits out pauses and spacing. A pause may begin or grow while waiting: look again afterwards. */
  async function turn(request: string, signal: AbortSignal): Promise<number> {
    for (let slot = Number.NEGATIVE_INFINITY; ; ) {
      signal.throwIfAborted();
      const now = clock.monotonic();
      if (Math.max(now, pausedUntil) >= deadlineAt) throw tooLate(request, pausedUntil, clock);
      if (now < pausedUntil) {
        await waitUntil(clock, pausedUntil, signal);
        slot = Number.NEGATIVE_INFINITY;
        continue;
      }
      const rate = rateAt(pace, now);
      if (slot === Number.NEGATIVE_INFINITY && rate !== Number.POSITIVE_INFINITY) {
        slot = Math.max(now, nextStart);
        nextStart = slot + 1000 / rate;
      }
      if (slot <= now) return now;
      await waitUntil(clock, Math.min(slot, deadlineAt), signal);
    }
  }

  function learn(fault: Fault | undefined, startedAt: number): void {
    const now = clock.monotonic();
    if (fault?.retryAfterMs !== undefined) {
      pausedUntil = Math.max(pausedUntil, now + fault.retryAfterMs);
    }
    const slowdown = fault && FAULT_TRAITS[fault.kind].slowdown;
    if (slowdown !== undefined) aimd = afterCongestion(aimd, slowdown, startedAt, now);
    else if (!fault) aimd = afterSuccess(aimd, inFlight >= aimd.limit);
    if (fault?.kind === 'throttled') {
      pace = afterRefusal(pace, startedAt, now, Math.max(now, pausedUntil));
    } else {
      pace = afterAccepted(pace, now);
    }
    if (slots.limit !== aimd.limit) slots.limit = aimd.limit;
  }

  return {
    run(request, signal, send) {
      return slots.run(async () => {
        const startedAt = await turn(request, signal);
        inFlight += 1;
        try {
          const outcome = await send(deadlineAt - startedAt);
          learn(outcome.kind === 'fault' ? outcome.fault : undefined, startedAt);
          return outcome;
        } finally {
          inFlight -= 1;
        }
      });
    },
    get pausedUntil() {
      return pausedUntil;
    },
    get concurrency() {
      return slots.limit;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
