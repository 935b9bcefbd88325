import { join } from 'node:path';
import * as v from 'valibot';
import { count, formatJson, parseChecked } from '../json/checked-json.ts';
import { replaceFile } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { TOOL } from '../platform/tool.ts';
import type { Manifest } from './manifest.ts';
import { latestSnapshot } from './snapshots.ts';

export const STATUS = 'status.json';

/** `status.json` in a pipeline's folder: what the last attempt came to. Null: not known (yet). */
const SCHEMA = v.object({
  statusVersion: v.literal(1),
  tool: v.literal(TOOL.name),
  /** `running` of an attempt that has ended means that it was killed. */
  outcome: v.picklist(['running', 'published', 'failed', 'interrupted']),
  exitCode: v.nullable(count),
  /** Of the failure: one line without payload or secret. */
  message: v.nullable(v.string()),
  /** Where it failed. */
  stage: v.nullable(v.string()),
  startedAt: v.string(),
  finishedAt: v.nullable(v.string()),
  /** Of this attempt, pauses not counted. */
  seconds: v.nullable(v.number()),
  runId: v.nullable(v.string()),
  rows: v.nullable(count),
  requests: v.nullable(count),
  /** The snapshot that `latest` names. */
  lastGood: v.nullable(
    v.object({ folder: v.string(), runId: v.string(), finishedAt: v.string(), rows: count }),
  ),
});
export type Status = Readonly<v.InferOutput<typeof SCHEMA>>;

/**
 * Replaces `status.json` in one step. The caller holds the pipeline's lock.
 *
 * @throws ExportError (74, publish)
 */
export async function writeStatus(
  files: FileSystem,
  pipelineFolder: string,
  status: Status,
): Promise<void> {
  const explained = explainIoErrors(files, 'publish', 'work');
  await replaceFile(explained, join(pipelineFolder, STATUS), formatJson(status), 'publish');
}

/**
 * @returns undefined when no run wrote one yet
 * @throws ExportError (publish): 65 when it is not what this program writes, 74 on I/O errors
 */
export async function readStatus(
  files: FileSystem,
  pipelineFolder: string,
): Promise<Status | undefined> {
  const path = join(pipelineFolder, STATUS);
  try {
    return parseChecked(SCHEMA, await explainIoErrors(files, 'publish', 'verify').read(path));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
    if (!(error instanceof TypeError)) throw error;
    const message = `${path} cannot be used: ${error.message}; the next export writes it anew`;
    throw new ExportError(message, { exitCode: EXIT.data, stage: 'publish', cause: error });
  }
}

/** What an attempt knows of itself before it is over. */
export type Progress = Partial<Pick<Status, 'runId' | 'rows' | 'requests'>>;

/**
 * Runs an attempt and tells of its start and its end in `status.json`. The caller holds the pipeline's lock.
 *
 * @param options.progress asked at the end, for attempts that fail
 * @returns what the attempt returns
 * @throws what the attempt throws, whatever becomes of its status; ExportError (74, publish) when the status of one that
 *   went well cannot be written
 */
export async function withStatus<T extends { readonly manifest: Manifest }>(
  options: {
    readonly files: FileSystem;
    readonly clock: Pick<Clock, 'wall' | 'monotonic'>;
    readonly pipelineFolder: string;
    readonly progress: () => Progress;
  },
  attempt: () => Promise<T>,
): Promise<T> {
  const { files, clock, pipelineFolder } = options;
  const begun = clock.monotonic();
  const running: Status = {
    statusVersion: 1,
    tool: TOOL.name,
    outcome: 'running',
    exitCode: null,
    message: null,
    stage: null,
    startedAt: new Date(clock.wall()).toISOString(),
    finishedAt: null,
    seconds: null,
    runId: null,
    rows: null,
    requests: null,
    lastGood: await lastGood(files, pipelineFolder),
  };
  const end = async (outcome: Partial<Status>) =>
    writeStatus(files, pipelineFolder, {
      ...running,
      ...options.progress(),
      ...outcome,
      finishedAt: new Date(clock.wall()).toISOString(),
      seconds: (clock.monotonic() - begun) / 1000,
      lastGood: await lastGood(files, pipelineFolder),
    });
  await writeStatus(files, pipelineFolder, running);
  let result: T;
  try {
    result = await attempt();
  } catch (error) {
    await end(failureOf(error)).catch(() => undefined);
    throw error;
  }
  const { runId, rows, requests } = result.manifest;
  await end({ outcome: 'published', exitCode: EXIT.ok, runId, rows, requests });
  return result;
}

function failureOf(thrown: unknown): Pick<Status, 'outcome' | 'exitCode' | 'message' | 'stage'> {
  const known = thrown instanceof ExportError ? thrown : undefined;
  const exitCode = known?.exitCode ?? EXIT.bug;
  const interrupted = exitCode === EXIT.interrupted || exitCode === EXIT.terminated;
  return {
    outcome: interrupted ? 'interrupted' : 'failed',
    exitCode,
    // What else is thrown may hold anything: it is for the log.
    message: known?.message ?? 'a bug; the log of the run tells more',
    stage: known?.stage ?? null,
  };
}

async function lastGood(files: FileSystem, pipelineFolder: string): Promise<Status['lastGood']> {
  const found = await latestSnapshot(files, pipelineFolder);
  if (found === undefined) return null;
  const { runId, finishedAt, rows } = found.manifest;
  return { folder: found.folder, runId, finishedAt, rows };
}
