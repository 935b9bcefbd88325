import { setTimeout as after } from 'node:timers/promises';
import { createJobsClient, type JobsClient } from '../extract/http/client.ts';
import { requestsFor } from '../extract/windows.ts';
import type { Filters } from '../jobs/query.ts';
import type { Effects } from '../platform/effects.ts';
import { nodeFiles } from '../platform/node-files.ts';
import { TOOL } from '../platform/tool.ts';
import { type Verification, verifySnapshot as verify } from '../publish/verify.ts';
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

/** What an export would take, as of now. */
export interface Plan {
  readonly apiUrl: string;
  readonly filters: Filters;
  /** Jobs the filters match. */
  readonly total: number;
  /** About, while the list does not change and few jobs share their creation time. */
  readonly requests: number;
  readonly pageSize: number;
}

/**
 * Asks for one job to learn the total; fetches nothing else and writes nothing.
 *
 * @throws ExportError as `runExport` does for a first request that fails
 */
export async function planExport(
  options: ExportOptions,
  effects: Effects,
  signal: AbortSignal,
): Promise<Plan> {
  const client = openClient(options, effects, effects.clock.monotonic());
  const { apiUrl, filters, pageSize } = options;
  try {
    const answer = await client.fetchPage({ offset: 0, limit: 1 }, signal);
    const total = answer.kind === 'page' ? answer.total : 0;
    return { apiUrl, filters, total, requests: requestsFor(total, pageSize), pageSize };
  } finally {
    await client.close();
  }
}

/**
 * Checks a published snapshot against its manifest: sizes, hashes, rows, columns, ids. Writes nothing.
 *
 * @param folder a snapshot, or a pipeline's folder: then the one `latest` names
 * @throws ExportError (65, publish) when there is no readable manifest
 */
export async function verifySnapshot(folder: string): Promise<Verification> {
  const { checkRemotely } = await import('../load/thread.ts');
  return verify(folder, { files: nodeFiles, readBack: checkRemotely });
}
