import type { Clock } from '../../platform/effects.ts';

/** A timer holds 2^31 - 1 ms at most, and fires at once beyond. */
const LONGEST_SLEEP_MS = 86_400_000;

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
