import type { Clock } from '../../src/platform/effects.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

export interface FakeClock extends Clock {
  /** Moves time forward; whoever is due wakes in order, at the time that was asked for. */
  advance(ms: number): void;
  /** How many are asleep. */
  readonly sleeping: number;
  /** Every sleep asked for so far, milliseconds. */
  readonly slept: readonly number[];
}

export interface FakeClockOptions {
  /** `jump`: as soon as the event loop is free, time jumps to the next sleeper. `still`: only `advance` moves it. */
  readonly mode?: 'jump' | 'still';
  /** Wall time at the start, milliseconds since the epoch. */
  readonly wall?: number;
}

/** A clock that never makes a test wait. Monotonic time starts at 1000, so that no code gets by with zero. */
export function fakeClock(options: FakeClockOptions = {}): FakeClock {
  const { mode = 'jump', wall = Date.UTC(2026, 0, 1) } = options;
  const start = 1000;
  let now = start;
  let sleepers: Sleeper[] = [];
  const slept: number[] = [];

  function moveTo(time: number): void {
    const due = sleepers.filter(({ at }) => at <= time).sort((a, b) => a.at - b.at);
    sleepers = sleepers.filter(({ at }) => at > time);
    for (const { at, wake } of due) {
      now = Math.max(now, at);
      wake();
    }
    now = Math.max(now, time);
  }

  function jump(): void {
    if (sleepers.length > 0) moveTo(Math.min(...sleepers.map(({ at }) => at)));
  }

  return {
    wall: () => wall + now - start,
    monotonic: () => now,
    sleep(ms, signal) {
      slept.push(ms);
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const sleeper = { at: now + ms, wake: () => end(resolve) };
        const onAbort = () => end(() => reject(signal?.reason));
        const end = (settle: () => void) => {
          signal?.removeEventListener('abort', onAbort);
          sleepers = sleepers.filter((other) => other !== sleeper);
          settle();
        };
        signal?.addEventListener('abort', onAbort);
        sleepers.push(sleeper);
        if (mode === 'jump') setImmediate(jump);
      });
    },
    advance: (ms) => moveTo(now + ms),
    get sleeping() {
      return sleepers.length;
    },
    slept,
  };
}
