import type { Effects } from '../../platform/effects.ts';
import type { Outcome } from './faults.ts';
import { gaveUp } from './give-up.ts';
import { BUDGET, decide, refund } from './retry-policy.ts';
import { waitUntil } from './wait.ts';

/** What of the outside world requests need, apart from the network. */
export type HttpEffects = Pick<Effects, 'clock' | 'random' | 'emit'>;

/** What all requests of a run share. */
export interface RetryState {
  /** Tokens left in the budget. */
  tokens: number;
  /** Attempts made because one before had failed. */
  retries: number;
  /** Monotonic milliseconds, Infinity without a deadline. */
  readonly deadlineAt: number;
  readonly effects: HttpEffects;
}

export function startRetryState(deadlineAt: number, effects: HttpEffects): RetryState {
  return { tokens: BUDGET, retries: 0, deadlineAt, effects };
}

/**
 * Asks until an answer can be used, or until `decide` says that it is no use.
 *
 * @param request names the request in messages: method, path, offset
 * @param pause until when the server wants nobody to come, monotonic milliseconds
 * @throws ExportError with the exit code of the last fault; the signal's reason; whatever `attempt` throws
 */
export async function retry<T>(
  request: string,
  signal: AbortSignal,
  state: RetryState,
  pause: { readonly pausedUntil: number },
  attempt: () => Promise<Outcome<T>>,
): Promise<T> {
  const { clock, random, emit } = state.effects;
  for (let attempts = 1, lastCost = 0; ; attempts += 1) {
    signal.throwIfAborted();
    const outcome = await attempt();
    if (outcome.kind === 'done') {
      state.tokens = refund(state.tokens, lastCost);
      return outcome.value;
    }
    const { fault } = outcome;
    const now = clock.monotonic();
    const decision = decide({
      fault,
      attempts,
      now,
      tokens: state.tokens,
      random: random(),
      pausedUntil: pause.pausedUntil,
      deadlineAt: state.deadlineAt,
    });
    if (decision.kind === 'stop') throw gaveUp(request, fault, attempts, decision, clock);
    lastCost = decision.cost;
    state.tokens -= lastCost;
    state.retries += 1;
    emit({
      type: 'log',
      level: 'debug',
      message: `${request}: ${fault.what}; asking again`,
      fields: { kind: fault.kind, attempt: attempts, delayMs: Math.round(decision.at - now) },
    });
    await waitUntil(clock, decision.at, signal);
  }
}
