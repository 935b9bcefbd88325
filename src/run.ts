import type { Effects } from './platform/effects.ts';
import { nodeFiles } from './platform/node-files.ts';
import { checkOptions } from './run/check-options.ts';
import { runExport as exportOnce } from './run/export.ts';
import { keepTrying } from './run/keep-trying.ts';
import type { ExportResult, GivenOptions } from './run/options.ts';
import { nodeEffects, type Plan, planExport as planOnce } from './run/start.ts';
import { diskSources, type PipelineStatus, pipelineStatus as statusFrom } from './run/status.ts';

export type { Manifest, PublishedFile } from './publish/manifest.ts';
export type { Verification } from './publish/verify.ts';
export type { ExportResult } from './run/options.ts';
export type { Plan } from './run/start.ts';
export { verifySnapshot } from './run/start.ts';
export type { PipelineStatus, SnapshotLine } from './run/status.ts';

const NEVER = new AbortController().signal;

/**
 * Exports every job that the filters match into a new snapshot, or goes on with an interrupted export of the same.
 *
 * @param given an API or a region, and credentials; everything else has the defaults of docs/command-line.md. A pipeline
 *   definition can be spread in: `{ ...failures, pipeline: 'failures', region, credentials }`
 * @param effects replace clock, randomness, file system and the receiver of events
 * @param signal aborts the run, which then rejects with the signal's reason and stays resumable
 * @throws ExportError with the exit code and the stage; the last published snapshot is untouched then
 */
export async function runExport(
  given: GivenOptions,
  effects: Partial<Effects> = {},
  signal: AbortSignal = NEVER,
): Promise<ExportResult> {
  const all = { ...nodeEffects, ...effects };
  const options = checkOptions(given, all.clock.wall());
  const { keepTryingMs, deadlineMs = Number.POSITIVE_INFINITY } = options;
  const until = all.clock.monotonic() + deadlineMs;
  // One deadline for all attempts.
  const attempt = () => {
    const left = Math.max(1, until - all.clock.monotonic());
    const bounded = Number.isFinite(left) ? { ...options, deadlineMs: left } : options;
    return exportOnce(bounded, all, signal);
  };
  const forMs = Math.min(keepTryingMs, deadlineMs);
  return keepTrying(attempt, { forMs, effects: all, signal });
}

/**
 * Asks for one job to learn the total; fetches nothing else and writes nothing.
 *
 * @throws ExportError as `runExport` does for a first request that fails
 */
export async function planExport(
  given: GivenOptions,
  effects: Partial<Effects> = {},
  signal: AbortSignal = NEVER,
): Promise<Plan> {
  const all = { ...nodeEffects, ...effects };
  return planOnce(checkOptions(given, all.clock.wall()), all, signal);
}

/**
 * How a pipeline is doing: its snapshots, its last attempt, unfinished work. Writes nothing.
 *
 * @param folder the pipeline's, absolute
 * @param maxAgeMs the age from which the newest snapshot counts as stale, milliseconds
 */
export function pipelineStatus(
  folder: string,
  maxAgeMs: number,
  now = Date.now(),
): Promise<PipelineStatus> {
  return statusFrom({ files: nodeFiles, folder, now, maxAgeMs }, diskSources);
}
