import { EXIT, type ExitCode } from '../../platform/errors.ts';
import { FAULT_TRAITS, type Fault } from './faults.ts';

/** Tokens a run starts with, and never has more of. */
export const BUDGET = 500;

const LONGEST_BACKOFF_MS = 60_000;

/** Full jitter: uniform in [0, min(60 s, base * 2^n)), n = 0 after the first attempt. */
export function backoffMs(baseMs: number, failures: number, random: number): number {
  return random * Math.min(LONGEST_BACKOFF_MS, baseMs * 2 ** (failures - 1));
}

/**
 * What a finished request gives back: the price of its last retry, or 1 when it needed none, never above the start.
 * So a server that fails now and then, however often, does not starve the run, and one that fails for good ends it
 * after 100 retries. (The rule of the AWS SDKs' "standard" retry mode.)
 */
export function refund(tokens: number, lastCost: number): number {
  return Math.min(BUDGET, tokens + Math.max(1, lastCost));
}

export interface Failure {
  readonly fault: Fault;
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  /** Budget left, tokens. */
  readonly tokens: number;
  /** Uniform in [0, 1). */
  readonly random: number;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Monotonic milliseconds until which every worker has been asked to wait; this fault's own wish included. */
  readonly pausedUntil: number;
  /** Monotonic milliseconds, Infinity without one. */
  readonly deadlineAt: number;
}

export type Decision =
  | { readonly kind: 'again'; readonly at: number; readonly cost: number }
  | {
      readonly kind: 'stop';
      readonly why: 'attempts' | 'budget' | 'deadline' | 'wait-past-deadline';
      readonly exitCode: ExitCode;
      /** When the next attempt would have been due. */
      readonly at: number;
    };

/** Whether and when to ask again. The pause asked for by the server is a lower bound, obeyed in full. */
export function decide(failure: Failure): Decision {
  const { fault, attempts, tokens, now, deadlineAt } = failure;
  const traits = FAULT_TRAITS[fault.kind];
  const at = Math.max(
    now + backoffMs(traits.baseMs, attempts, failure.random),
    failure.pausedUntil,
  );
  const stop = (why: 'attempts' | 'budget' | 'deadline' | 'wait-past-deadline', code: ExitCode) =>
    ({ kind: 'stop', why, exitCode: code, at }) as const;
  if (attempts >= traits.attempts) return stop('attempts', traits.exitCode);
  if (tokens < traits.cost) return stop('budget', EXIT.temporary);
  if (at >= deadlineAt) {
    const asked = failure.pausedUntil >= Math.max(deadlineAt, now);
    return stop(asked ? 'wait-past-deadline' : 'deadline', EXIT.temporary);
  }
  return { kind: 'again', at, cost: traits.cost };
}
