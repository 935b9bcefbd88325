interface ManualTimer {
  at: number;
  readonly ms: number;
  readonly callback: () => void;
}

export interface ManualTimers {
  /** Moves time forward; timers that are due fire in order. */
  tick(ms: number): void;
  /** Milliseconds until each running timer fires, soonest first. */
  readonly running: readonly number[];
  /** Puts the real timers back. */
  restore(): void;
}

/**
 * Replaces the global `setTimeout` and `clearTimeout`, so that a test of a 30 s limit takes no time. (The mock timers
 * of node:test 20 do not know `refresh`.) Timers inside node:http and node:net stay real.
 */
export function manualTimers(): ManualTimers {
  const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
  const timers = new Set<ManualTimer>();
  const byHandle = new WeakMap<object, ManualTimer>();
  let now = 0;

  const fakeSet = (callback: () => void, ms = 0) => {
    const timer: ManualTimer = { at: now + ms, ms, callback };
    timers.add(timer);
    const handle = {
      refresh() {
        timer.at = now + ms;
        return handle;
      },
      ref: () => handle,
      unref: () => handle,
    };
    byHandle.set(handle, timer);
    return handle;
  };
  const fakeClear = (handle?: NodeJS.Timeout) => {
    const timer = handle && byHandle.get(handle);
    if (timer) timers.delete(timer);
    else real.clearTimeout(handle);
  };
  Object.assign(globalThis, { setTimeout: fakeSet, clearTimeout: fakeClear });

  return {
    tick(ms) {
      now += ms;
      const due = [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      for (const timer of due) {
        if (timers.delete(timer)) timer.callback();
      }
    },
    get running() {
      return [...timers].map(({ at }) => at - now).sort((a, b) => a - b);
    },
    restore: () => Object.assign(globalThis, real),
  };
}

/** Lets the event loop turn until `condition` holds; fails after a hundred thousand turns. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; !condition(); turns += 1) {
    if (turns === 100_000) throw new Error('waited in vain');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
