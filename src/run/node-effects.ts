import { setTimeout as after } from 'node:timers/promises';
import type { Effects } from '../platform/effects.ts';
import { nodeFiles } from '../platform/node-files.ts';

/** The real world: system clocks, `Math.random`, the disk; events go nowhere. */
export const nodeEffects: Effects = {
  clock: {
    wall: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: async (ms, signal) => {
      try {
        await after(ms, undefined, signal ? { signal } : {});
      } catch (thrown) {
        throw signal?.aborted ? signal.reason : thrown;
      }
    },
  },
  random: Math.random,
  files: nodeFiles,
  emit: () => {},
};
