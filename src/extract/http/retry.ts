import type { Clock, Effects } from '../../platform/effects.ts';
import { EXIT, type ExitCode, type ExportError } from '../../platform/errors.ts';
import { FAULT_TRAITS, type Fault, failure, type Outcome } from './faults.ts';

/** What of the outside world requests need, apart from the network. */
export type HttpEffects = Pick<Effects, 'clock' | 'random' | 'emit'>;

/** How long a run may go on. */
export interface Patience {
  /** Monotonic milliseconds after which nothing is sent; Infinity without a deadline. */
  readonly deadlineAt: number;
  /** Milliseconds that a server may ask to stay away for; Infinity: any time. */
  readonly giveUpAfterMs: number;
}

/** Tokens a run starts with, and never has more of. */
export const BUDGET = 500;

const LONGEST_BACKOFF_MS = 60_000;
/** Attempts a request has in all, whatever they end in. */
const MOST_ATTEMPTS = 8;
/** A timer holds 2^31 - 1 ms at most, and fires at once beyond. */
const LONGEST_SLEEP_MS = 86_400_000;
const AGAIN = 'Run the same command again';

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

export interface Failure extends Patience {
  readonly fault: Fault<unknown>;
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  /** Those of them that ended in a fault of this kind. */
  readonly alike: number;
  /** Budget left, tokens. */
  readonly tokens: number;
  /** Uniform in [0, 1). */
  readonly random: number;
  /** Monotonic milliseconds. */
  readonly now: number;
  /** Monotonic milliseconds until which every worker has been asked to wait; this fault's own wish included. */
  readonly pausedUntil: number;
}

export type Decision =
  | { readonly kind: 'again'; readonly at: number; readonly cost: number }
  | {
      readonly kind: 'stop';
      readonly why: 'attempts' | 'budget' | 'deadline' | 'pause';
      readonly exitCode: ExitCode;
    };

/** Whether and when to ask again. The pause asked for by the server is a lower bound, obeyed in full. */
export function decide(failure: Failure): Decision {
  const { fault, attempts, alike, tokens, now, pausedUntil, deadlineAt } = failure;
  const traits = FAULT_TRAITS[fault.kind];
  const at = Math.max(now + backoffMs(traits.baseMs, attempts, failure.random), pausedUntil);
  if (attempts >= MOST_ATTEMPTS || alike >= (fault.attempts ?? traits.attempts))
    return { kind: 'stop', why: 'attempts', exitCode: traits.exitCode };
  const stop = (why: 'budget' | 'deadline' | 'pause') =>
    ({ kind: 'stop', why, exitCode: EXIT.temporary }) as const;
  if (tokens < traits.cost) return stop('budget');
  if (outlasts(pausedUntil, now, failure)) return stop('pause');
  return at >= deadlineAt ? stop('deadline') : { kind: 'again', at, cost: traits.cost };
}

/** Whether a pause is longer than the run can wait. */
function outlasts(until: number, now: number, { deadlineAt, giveUpAfterMs }: Patience): boolean {
  return until > now && (until >= deadlineAt || until - now > giveUpAfterMs);
}

/** What all requests of a run share. */
export interface RetryState extends Patience {
  /** Tokens left in the budget. */
  tokens: number;
  /** Attempts made because one before had failed. */
  retries: number;
  readonly effects: HttpEffects;
}

export function startRetryState(patience: Patience, effects: HttpEffects): RetryState {
  return { ...patience, tokens: BUDGET, retries: 0, effects };
}

/**
 * Asks until an answer can be used, or until `decide` says that it is no use.
 *
 * @param request names the request in messages: method, path, offset
 * @param pause until when the server wants nobody to come, monotonic milliseconds
 * @returns the answer, or what the last fault names to go on with instead
 * @throws ExportError with the exit code of the last fault; the signal's reason; whatever `attempt` throws
 */
export async function retry<T>(
  request: string,
  signal: AbortSignal,
  state: RetryState,
  pause: { readonly pausedUntil: number },
  attempt: () => Promise<Outcome<T, T>>,
): Promise<T> {
  const { clock, random, emit } = state.effects;
  const kinds: string[] = [];
  for (let lastCost = 0; ; ) {
    signal.throwIfAborted();
    const outcome = await attempt();
    if (outcome.kind === 'done') {
      state.tokens = refund(state.tokens, lastCost);
      return outcome.value;
    }
    const { fault } = outcome;
    kinds.push(fault.kind);
    const attempts = kinds.length;
    const alike = kinds.filter((kind) => kind === fault.kind).length;
    const { pausedUntil } = pause;
    const now = clock.monotonic();
    const decision = decide({
      ...state,
      fault,
      attempts,
      alike,
      random: random(),
      now,
      pausedUntil,
    });
    if (decision.kind === 'stop') {
      const { why, exitCode } = decision;
      if (fault.instead !== undefined && (why === 'attempts' || why === 'budget'))
        return fault.instead;
      if (why === 'pause') throw tooLate(request, pausedUntil, state, clock, fault);
      throw failure(request, `${fault.what}. ${END[why](fault, attempts)}`, exitCode, fault.cause);
    }
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

const END = {
  attempts(fault: Fault<unknown>, attempts: number) {
    const advice = fault.advice ?? FAULT_TRAITS[fault.kind].advice;
    return attempts === 1 ? advice : `Gave up after ${attempts} attempts. ${advice}`;
  },
  budget: () =>
    `Too many requests of this run failed, its retry budget is used up. ${AGAIN} later: it resumes.`,
  deadline: () => `The deadline leaves no time to ask again. ${AGAIN}: it resumes.`,
} as const;

/** The end of a request that would have to wait for longer than the run can; undefined when it need not. */
export function overdue(
  request: string,
  pausedUntil: number,
  patience: Patience,
  clock: Clock,
): ExportError | undefined {
  const now = clock.monotonic();
  if (outlasts(pausedUntil, now, patience)) return tooLate(request, pausedUntil, patience, clock);
  if (now < patience.deadlineAt) return undefined;
  return failure(request, `the deadline has passed. ${AGAIN}: it resumes.`, EXIT.temporary);
}

function tooLate(
  request: string,
  until: number,
  { deadlineAt }: Patience,
  clock: Clock,
  fault?: Fault<unknown>,
): ExportError {
  const limit =
    until >= deadlineAt
      ? 'which is past the deadline'
      : 'longer than unfinished work may wait to be resumed';
  const what = `the server asks to stay away until ${timeAt(until, clock)}, ${limit}. ${AGAIN} after that: it resumes.`;
  const said = fault === undefined ? '' : `${fault.what}. `;
  return failure(request, said + what, EXIT.temporary, fault?.cause);
}

/** The time of day at which the monotonic clock will read `at`. */
export function timeAt(at: number, clock: Clock): string {
  return new Date(clock.wall() + at - clock.monotonic()).toISOString();
}

/**
 * Waits until the monotonic clock reads `until`, never shorter, however long.
 *
 * @throws the signal's reason
 */
export async function waitUntil(clock: Clock, until: number, signal: AbortSignal): Promise<void> {
  for (let left = until - clock.monotonic(); left > 0; left = until - clock.monotonic()) {
    await clock.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
  }
}

const SECONDS = /^\d+(?:\.\d+)?$/;

/** The three date forms of RFC 9110 section 5.6.7: IMF-fixdate, RFC 850, asctime. */
const HTTP_DATES = [
  /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT$/,
  /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/,
];

/** A century: longer waits mean the same, and an instant that far away can still be written as a date. */
const LONGEST_PAUSE_MS = 100 * 365 * 86_400_000;

/**
 * How long a Retry-After header asks to wait (RFC 9110 section 10.2.3).
 *
 * @param value the header: seconds, or an HTTP-date
 * @param date the answer's own Date header; a date is measured against it, so that a wrong clock here does no harm
 * @param wall wall time here, milliseconds since the epoch: stands in when there is no usable Date header
 * @returns milliseconds, 0 for a date that has passed, or undefined when the header says nothing usable
 */
export function parseRetryAfter(
  value: string | undefined,
  date: string | undefined,
  wall: number,
): number | undefined {
  const text = value?.trim() ?? '';
  if (SECONDS.test(text)) return Math.min(Number(text) * 1000, LONGEST_PAUSE_MS);
  const until = parseHttpDate(text);
  if (until === undefined) return undefined;
  const now = parseHttpDate(date?.trim() ?? '') ?? wall;
  return Math.min(Math.max(until - now, 0), LONGEST_PAUSE_MS);
}

/** Milliseconds since the epoch, or undefined. `Date.parse` alone would take `-5` and `soon 1` for dates. */
function parseHttpDate(text: string): number | undefined {
  if (!HTTP_DATES.some((form) => form.test(text))) return undefined;
  const time = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(time) ? undefined : time;
}
