import { dirname, join } from 'node:path';
import { requestsFor } from './extract/list.ts';
import { MANIFEST } from './jobs/manifest.ts';
import type { Filters } from './jobs/pipeline.ts';
import { type Effects, nodeEffects } from './platform/effects.ts';
import { EXIT } from './platform/errors.ts';
import { explainIoErrors } from './platform/io-errors.ts';
import { nodeFiles } from './platform/node-files.ts';
import { readManifest } from './publish/snapshots.ts';
import { findSnapshot, type Verification, verifySnapshot as verify } from './publish/verify.ts';
import { groupsOf } from './run/base.ts';
import { runExport as exportOnce, openClient } from './run/export.ts';
import { keepTrying } from './run/keep-trying.ts';
import { checkOptions, type ExportResult, type GivenOptions } from './run/options.ts';
import * as values from './run/values.ts';

export type { Completeness } from './extract/extraction.ts';
export type { ProofMethod } from './extract/state.ts';
export { type Column, type ColumnType, JOB_COLUMNS } from './jobs/columns.ts';
export type { Manifest, PublishedFile } from './jobs/manifest.ts';
export {
  type Credentials,
  type GivenCredentials,
  type ProxySettings,
  REGIONS,
  type Region,
  type TokenEndpoint,
} from './jobs/options.ts';
export {
  type Compression,
  definePipeline,
  type Filters,
  type Format,
  type PipelineDefinition,
} from './jobs/pipeline.ts';
export type { Clock, Effects, RunEvent } from './platform/effects.ts';
export { EXIT, type ExitCode, ExportError, type Stage } from './platform/errors.ts';
export type { FileSystem, OpenFile } from './platform/file-system.ts';
export { type PipelineStatus, pipelineStatus, type SnapshotLine } from './publish/status.ts';
export type { Verification } from './publish/verify.ts';
export type { ExportOptions, ExportResult, GivenOptions } from './run/options.ts';

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
  const { clock } = all;
  const options = checkOptions(given, clock.wall());
  const { keepTryingMs, deadlineMs } = options;
  const begun = clock.monotonic();
  let { restart, breakLock } = options;
  const attempt = () => {
    // One deadline for all attempts.
    const left = deadlineMs && Math.max(1, begun + deadlineMs - clock.monotonic());
    const again = { restart, breakLock, ...(left !== undefined && { deadlineMs: left }) };
    return exportOnce({ ...options, ...again }, all, signal, () => {
      // What is discarded and broken is what was there before.
      [restart, breakLock] = [false, false];
    });
  };
  const forMs = Math.min(keepTryingMs, deadlineMs ?? keepTryingMs);
  return keepTrying(attempt, { forMs, effects: all, signal });
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
 * Asks for one job to learn the total (of a list of ids that is too long for one request: for some); fetches nothing else
 * and writes nothing.
 *
 * @throws ExportError as `runExport` does for a first request that fails
 */
export async function planExport(
  given: GivenOptions,
  effects: Partial<Effects> = {},
  signal: AbortSignal = NEVER,
): Promise<Plan> {
  const all = { ...nodeEffects, ...effects };
  const options = checkOptions(given, all.clock.wall());
  const client = openClient(options, all, all.clock.monotonic());
  const { apiUrl, filters, pageSize } = options;
  const groups = groupsOf(apiUrl, filters, [...new Set(filters.id ?? [])]);
  const plan = { apiUrl, filters, total: 0, requests: 0, pageSize };
  try {
    for (const ids of groups) {
      const query = { offset: 0, limit: 1, ...(groups.length > 1 && { ids }) };
      const answer = await client.fetchPage(query, signal);
      const total = answer.kind === 'page' ? answer.total : 0;
      plan.total += total;
      plan.requests += requestsFor(total, pageSize);
    }
    return plan;
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
  const { checkRemotely } = await import('./load/thread.ts');
  return verify(folder, { files: nodeFiles, readBack: checkRemotely });
}

/**
 * Makes the page of a published snapshot, which itself stays as it is: `report.html` and, beside it, its SQL.
 *
 * @param folder a snapshot, or a pipeline's folder: then the one `latest` names
 * @param file absolute path of the page; one that is there is replaced
 * @param timeZone of days and hours, as the IANA names it
 * @throws ExportError (64) for an unknown time zone or a path that a page cannot have, (65) when there is no readable snapshot, (73) when the page cannot be
 *   written there, (78, report) when DuckDB is not installed
 */
export async function reportSnapshot(
  folder: string,
  file: string,
  timeZone = 'UTC',
): Promise<void> {
  const { writeReport } = await import('./report/report.ts');
  const files = explainIoErrors(nodeFiles, 'report', 'start');
  const snapshot = await findSnapshot(files, folder);
  const { manifest } = await readManifest(files, snapshot);
  const isInSnapshot = (await files.stat(join(dirname(file), MANIFEST))) !== undefined;
  const zone = values.orExit(EXIT.usage, () => {
    if (file.endsWith('.sql'))
      throw new values.Refusal('file: .sql is the ending of what is written beside it');
    if (isInSnapshot)
      throw new values.Refusal('file: a snapshot stays as it is; choose a path outside of one');
    return values.within('timeZone', () => values.readValue(values.timeZone, timeZone));
  });
  await writeReport({ folder: snapshot, files, timeZone: zone, manifest }, file);
}
