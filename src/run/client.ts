import { createJobsClient, type JobsClient } from '../extract/http/client.ts';
import type { Effects } from '../platform/effects.ts';
import { TOOL } from '../platform/tool.ts';
import type { ExportOptions } from './options.ts';

/** @param begun monotonic milliseconds at the start of the run, from which the deadline counts */
export function openClient(options: ExportOptions, effects: Effects, begun: number): JobsClient {
  const { apiUrl, filters, credentials, concurrency, deadlineMs } = options;
  const deadline = deadlineMs === undefined ? {} : { deadlineAt: begun + deadlineMs };
  const userAgent = `${TOOL.name}/${TOOL.version}`;
  return createJobsClient(
    { apiUrl, filters, credentials, concurrency, userAgent, ...deadline },
    effects,
  );
}
