import { type Clock, type Effects, log } from '../../platform/effects.ts';
import { EXIT, ExportError } from '../../platform/errors.ts';
import { Fault } from './faults.ts';

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
/** A pause longer than this is told. */
const LONG_PAUSE_MS = 60_000;
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

/** What all requests of a run share. */
export interface RetryState extends Patience {
  /** Tokens left in the budget. */
  tokens: number;
  /** Attempts made because one before had failed. */
  retries: number;
  /** Monotonic milliseconds until which everybody stays away. */
  pausedUntil: number;
  /** The end of the last pause that was told of. */
  toldUntil: number;
  readonly effects: HttpEffects;
}

export function startRetryState(patience: Patience, effects: HttpEffects): RetryState {
  const { deadlineAt, giveUpAfterMs } = patience;
  const never = Number.NEGATIVE_INFINITY;
  const pause = { pausedUntil: never, toldUntil: never };
  return { deadlineAt, giveUpAfterMs, tokens: BUDGET, retries: 0, ...pause, effects };
}

/** An attempt that failed, where the run stands, and chance. */
export interface Failure extends Pick<RetryState, 'tokens' | 'pausedUntil' | keyof Patience> {
  readonly fault: Fault;
  /** Of a request that the run can do without. */
  readonly auxiliary?: boolean | undefined;
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  /** Those of them that ended in a fault of this kind. */
  readonly alike: number;
  /** Uniform in [0, 1). */
  readonly random: number;
  /** Monotonic milliseconds. */
  readonly now: number;
}

type Stop = 'attempts' | 'budget' | 'deadline' | 'pause';

export type Decision =
  | { readonly kind: 'again'; readonly at: number; readonly cost: number }
  | { readonly kind: 'stop'; readonly why: Stop };

/** Whether and when to ask again. The pause asked for by the server is a lower bound, obeyed in full. */
export function decide(failure: Failure): Decision {
  const { fault, auxiliary, attempts, alike, tokens, now, pausedUntil, deadlineAt } = failure;
  const { traits } = fault;
  const most = auxiliary ? (traits.auxiliary ?? traits.attempts) : traits.attempts;
  const at = Math.max(now + backoffMs(traits.baseMs, attempts, failure.random), pausedUntil);
  if (attempts >= MOST_ATTEMPTS || alike >= most) return { kind: 'stop', why: 'attempts' };
  if (tokens < traits.cost) return { kind: 'stop', why: 'budget' };
  if (outlasts(pausedUntil, now, failure)) return { kind: 'stop', why: 'pause' };
  if (at >= deadlineAt) return { kind: 'stop', why: 'deadline' };
  return { kind: 'again', at, cost: traits.cost };
}

/** Whether a pause is longer than the run can wait. */
function outlasts(until: number, now: number, { deadlineAt, giveUpAfterMs }: Patience): boolean {
  return until > now && (until >= deadlineAt || until - now > giveUpAfterMs);
}

/** Has every request of the run wait. A long pause is told to whoever watches: `what` says who asks for it. */
export function stayAway(state: RetryState, pauseMs: number, what: string): void {
  const { clock } = state.effects;
  state.pausedUntil = Math.max(state.pausedUntil, clock.monotonic() + pauseMs);
  if (pauseMs <= LONG_PAUSE_MS || state.pausedUntil - state.toldUntil <= LONG_PAUSE_MS) return;
  state.toldUntil = state.pausedUntil;
  const until = timeAt(state.pausedUntil, clock);
  log(state.effects, 'warn', `${what} and asks to stay away: waiting until ${until}`);
}

/** A request, and what it may come to when asking again does not help. */
export interface Asking<T> {
  /** Names the request in messages: method, path, offset. */
  readonly request: string;
  readonly signal: AbortSignal;
  /** Of a request that the run can do without. */
  readonly auxiliary?: boolean | undefined;
  /** What to go on with after a fault that stays; undefined: the run ends. */
  readonly otherwise?: (fault: Fault) => T | undefined;
}

/**
 * Asks until an answer can be used, or until `decide` says that it is no use.
 *
 * @throws ExportError with the exit code of the last fault; the signal's reason; whatever else `attempt` throws
 */
export async function retry<T>(
  { request, signal, auxiliary, otherwise }: Asking<T>,
  state: RetryState,
  attempt: () => Promise<T>,
): Promise<T> {
  const { clock, random, emit } = state.effects;
  const kinds: string[] = [];
  for (let lastCost = 0; ; ) {
    signal.throwIfAborted();
    let fault: Fault;
    try {
      const answer = await attempt();
      state.tokens = refund(state.tokens, lastCost);
      return answer;
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
    }
    const attempts = kinds.push(fault.kind);
    const alike = kinds.filter((kind) => kind === fault.kind).length;
    const shared = { ...state, auxiliary, random: random(), now: clock.monotonic() };
    const decision = decide({ ...shared, fault, attempts, alike });
    if (decision.kind === 'stop') {
      const { why } = decision;
      const instead = why === 'attempts' || why === 'budget' ? otherwise?.(fault) : undefined;
      if (instead !== undefined) return instead;
      throw ended(request, why, state, { fault, attempts });
    }
    lastCost = decision.cost;
    state.tokens -= lastCost;
    state.retries += 1;
    const delayMs = Math.round(decision.at - shared.now);
    const fields = { kind: fault.kind, attempt: attempts, delayMs };
    const message = `${request}: ${fault.message}; asking again`;
    emit({ type: 'log', level: 'debug', message, fields });
    await waitUntil(clock, decision.at, signal);
  }
}

/**
 * The end of a request: what happened, where, and what to do next.
 *
 * @param last the last fault; undefined: nothing was sent
 */
function ended(
  request: string,
  why: Stop,
  { pausedUntil, deadlineAt, effects: { clock } }: RetryState,
  last?: { readonly fault: Fault; readonly attempts: number },
): ExportError {
  const { traits, advice, message, details } = last?.fault ?? {};
  const exitCode = (why === 'attempts' && traits?.exitCode) || EXIT.temporary;
  const pauseMs = pausedUntil - clock.monotonic();
  const limit =
    pausedUntil >= deadlineAt
      ? 'which is past the deadline'
      : 'longer than unfinished work may wait to be resumed';
  const what = {
    attempts: () =>
      (last?.attempts === 1 ? '' : `Gave up after ${last?.attempts} attempts. `) + advice,
    budget: () =>
      `Too many requests of this run failed, its retry budget is used up. ${AGAIN} later: it resumes.`,
    deadline: () =>
      `${last ? 'The deadline leaves no time to ask again' : 'the deadline has passed'}. ${AGAIN}: it resumes.`,
    pause: () =>
      `the server asks to stay away until ${timeAt(pausedUntil, clock)}, ${limit}. ${AGAIN} after that: it resumes.`,
  };
  return new ExportError(
    [`${request}:`, message && `${message}.`, what[why]()].filter(Boolean).join(' '),
    {
      exitCode,
      stage: 'extract',
      retryable: exitCode === EXIT.temporary || traits?.retryable === true,
      retryAfterMs: exitCode === EXIT.temporary && pauseMs > 0 ? pauseMs : undefined,
      cause: details?.cause,
    },
  );
}

/**
 * Waits until nobody is asked to stay away; a pause may begin or grow meanwhile.
 *
 * @returns the monotonic milliseconds then
 * @throws ExportError (75) when that is too late; the signal's reason
 */
export async function waitForTurn(
  { request, signal }: Pick<Asking<unknown>, 'request' | 'signal'>,
  state: RetryState,
): Promise<number> {
  const { clock } = state.effects;
  for (;;) {
    signal.throwIfAborted();
    const { pausedUntil } = state;
    const now = clock.monotonic();
    if (outlasts(pausedUntil, now, state)) throw ended(request, 'pause', state);
    if (now >= state.deadlineAt) throw ended(request, 'deadline', state);
    if (now >= pausedUntil) return now;
    await waitUntil(clock, pausedUntil, signal);
  }
}

/** The time of day at which the monotonic clock will read `at`. */
function timeAt(at: number, clock: Clock): string {
  return new Date(clock.wall() + at - clock.monotonic()).toISOString();
}

/**
 * Waits until the monotonic clock reads `until`, never shorter, however long.
 *
 * @throws the signal's reason
 */
async function waitUntil(clock: Clock, until: number, signal: AbortSignal): Promise<void> {
  for (let left = until - clock.monotonic(); left > 0; left = until - clock.monotonic()) {
    await clock.sleep(Math.min(left, LONGEST_SLEEP_MS), signal);
  }
}
