import { setTimeout as after } from 'node:timers/promises';
import { createJobsClient, type JobsClient } from '../extract/http/client.ts';
import type { Effects } from '../platform/effects.ts';
import { nodeFiles } from '../platform/node-files.ts';
import { TOOL } from '../platform/tool.ts';
import type { ExportOptions } from './options.ts';

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

/** @param begun monotonic milliseconds at the start of the run, from which the deadline counts */
export function openClient(options: ExportOptions, effects: Effects, begun: number): JobsClient {
  const { apiUrl, filters, credentials, concurrency, deadlineMs, proxy, resumeWithinMs } = options;
  const more = {
    ...(deadlineMs !== undefined && { deadlineAt: begun + deadlineMs }),
    ...(resumeWithinMs > 0 && { giveUpAfterMs: resumeWithinMs }),
    ...(proxy && { proxy }),
  };
  const userAgent = `${TOOL.name}/${TOOL.version}`;
  return createJobsClient(
    { apiUrl, filters, credentials, concurrency, userAgent, ...more },
    effects,
  );
}
