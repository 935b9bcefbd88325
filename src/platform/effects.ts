import { setTimeout as after } from 'node:timers/promises';
import type { FileSystem } from './file-system.ts';
import { nodeFiles } from './node-files.ts';

export interface Clock {
  /** Wall time, milliseconds since the epoch: for what people read. */
  wall(): number;
  /** Monotonic milliseconds: for every wait, deadline and duration. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. Leaves no timer behind. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn';

/** What a run tells while it goes on. Never holds a payload or a secret. */
export type RunEvent =
  | {
      readonly type: 'progress';
      readonly jobs: number;
      readonly total: number;
      readonly requests: number;
      readonly retries: number;
      readonly inFlight: number;
    }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
    };

/** The outside world, passed in so that tests can replace it. */
export interface Effects {
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly files: FileSystem;
  readonly emit: (event: RunEvent) => void;
}

/** Tells of what a person may want to know. */
export function log({ emit }: Pick<Effects, 'emit'>, level: LogLevel, message: string): void {
  emit({ type: 'log', level, message });
}

/** The real world: system clocks, `Math.random`, the disk; events go nowhere. */
export const nodeEffects: Effects = {
  clock: {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) =>
      after(ms, undefined, signal ? { signal } : {}).catch((thrown) => {
        throw signal?.aborted ? signal.reason : thrown;
      }),
  },
  random: Math.random,
  files: nodeFiles,
  emit: () => {},
};
