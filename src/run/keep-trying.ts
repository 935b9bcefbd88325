import { type Effects, log } from '../platform/effects.ts';
import { EXIT, ExportError } from '../platform/errors.ts';

/** Pauses grow from the first to the longest, milliseconds. */
const FIRST_MS = 30_000;
const LONGEST_MS = 15 * 60_000;

export interface Patience {
  /** Milliseconds after which the last failure counts. 0: the first one does. */
  readonly forMs: number;
  readonly effects: Pick<Effects, 'clock' | 'random' | 'emit'>;
  readonly signal: AbortSignal;
}

/**
 * Runs `attempt` again after failures that may pass by themselves, each time going on where it was, with growing pauses
 * of at most 15 minutes or as long as the server asked for.
 *
 * @throws what the last attempt threw, or the signal's reason
 */
export async function keepTrying<T>(
  attempt: () => Promise<T>,
  { forMs, effects, signal }: Patience,
): Promise<T> {
  const { clock, random } = effects;
  const until = clock.monotonic() + forMs;
  // A list that could not be proven is tried once more.
  let unproven = false;
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      const left = until - clock.monotonic();
      if (left <= 0 || !(error instanceof ExportError) || !mayPass(error)) throw error;
      if (unproven && error.exitCode === EXIT.data) throw error;
      unproven ||= error.exitCode === EXIT.data;
      const asked = error.retryAfterMs ?? 0;
      if (asked > left) throw error;
      const grown = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures) * (0.5 + random() / 2);
      const pause = Math.min(left, Math.max(asked, grown));
      const next = new Date(clock.wall() + pause).toISOString();
      log(effects, 'warn', `${error.message}; trying again at ${next}`);
      await clock.sleep(pause, signal);
    }
  }
}

/** No disk is full for ever, whatever the error says of itself. */
function mayPass({ exitCode, retryable }: ExportError): boolean {
  return retryable || exitCode === EXIT.io;
}
