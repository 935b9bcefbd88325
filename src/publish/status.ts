import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { Manifest } from '../jobs/manifest.ts';
import { count, formatJson, parseChecked } from '../json/checked-json.ts';
import { replaceFile } from '../platform/durable.ts';
import type { Effects } from '../platform/effects.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { nodeFiles } from '../platform/node-files.ts';
import { TOOL } from '../platform/tool.ts';
import { latestSnapshot, listSnapshots, namesIn, readOwn, type Snapshot } from './snapshots.ts';

const STATUS = 'status.json';

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
type Status = Readonly<v.InferOutput<typeof SCHEMA>>;

/** How far an attempt has come. */
export type Reached = Partial<Pick<v.InferOutput<typeof SCHEMA>, 'runId' | 'requests'>>;

/**
 * @returns undefined when no run wrote one yet
 * @throws ExportError (publish): 65 when it is not what this program writes, 74 on I/O errors
 */
export async function readStatus(
  files: FileSystem,
  pipelineFolder: string,
): Promise<Status | undefined> {
  const door = explainIoErrors(files, 'publish', 'verify');
  const parse = (bytes: Uint8Array) => parseChecked(SCHEMA, bytes);
  return readOwn(door, join(pipelineFolder, STATUS), parse, '; the next export writes it anew');
}

/**
 * Runs an attempt and tells of its start and its end in `status.json`, replaced in one step each time. The caller holds
 * the pipeline's lock.
 *
 * @param run `reached` is looked at in the end, for attempts that fail; `signal` tells of those that were stopped
 * @returns what the attempt returns
 * @throws what the attempt throws, whatever becomes of its status; ExportError (74, publish) when the status of one that
 *   went well cannot be written
 */
export async function withStatus<T extends { readonly manifest: Manifest }>(
  { clock, ...effects }: Pick<Effects, 'files' | 'clock'>,
  pipelineFolder: string,
  { reached, signal }: { readonly reached: Reached; readonly signal: AbortSignal },
  attempt: () => Promise<T>,
): Promise<T> {
  const files = explainIoErrors(effects.files, 'publish', 'work');
  const begun = clock.monotonic();
  const now = () => new Date(clock.wall()).toISOString();
  const running: Status = {
    ...({ statusVersion: 1, tool: TOOL.name, outcome: 'running' } as const),
    ...{ exitCode: null, message: null, stage: null, startedAt: now(), finishedAt: null },
    ...{ seconds: null, runId: null, rows: null, requests: null, lastGood: null },
  };
  const write = async (known: Partial<Status>): Promise<void> => {
    const status = { ...running, ...known, lastGood: await lastGoodOf(files, pipelineFolder) };
    await replaceFile(files, join(pipelineFolder, STATUS), formatJson(status), 'publish');
  };
  const end = (known: Partial<Status>): Promise<void> => {
    const seconds = (clock.monotonic() - begun) / 1000;
    return write({ ...reached, ...known, finishedAt: now(), seconds });
  };
  await write({});
  let result: T;
  try {
    result = await attempt();
  } catch (error) {
    await end(failureOf(error, signal)).catch(() => undefined);
    throw error;
  }
  const { runId, rows, requests } = result.manifest;
  await end({ outcome: 'published', exitCode: EXIT.ok, runId, rows, requests });
  return result;
}

function failureOf(
  thrown: unknown,
  signal: AbortSignal,
): Pick<Status, 'outcome' | 'exitCode' | 'message' | 'stage'> {
  const known = thrown instanceof ExportError ? thrown : undefined;
  if (!known && signal.aborted) {
    const message = 'stopped by its caller; the same run again resumes it';
    return { outcome: 'interrupted', exitCode: null, message, stage: null };
  }
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

async function lastGoodOf(files: FileSystem, pipelineFolder: string): Promise<Status['lastGood']> {
  const found = await latestSnapshot(files, pipelineFolder);
  if (found === undefined) return null;
  const { runId, finishedAt, rows } = found.manifest;
  return { folder: found.folder, runId, finishedAt, rows };
}

/** One published snapshot, as `status` lists it. */
export interface SnapshotLine
  extends Pick<Manifest, 'runId' | 'finishedAt' | 'rows' | 'changes'>,
    Pick<Snapshot, 'folder' | 'bytes'> {
  readonly kind: 'full' | 'incremental';
  readonly proven: boolean;
}

export interface PipelineStatus {
  /** Absolute path. */
  readonly folder: string;
  /** Oldest first. */
  readonly snapshots: readonly SnapshotLine[];
  readonly attempt: Status | undefined;
  /** Names of folders of unfinished work. */
  readonly unfinished: readonly string[];
  /** Seconds since the newest snapshot was finished. Absent when there is none. */
  readonly ageSeconds?: number;
  /** The newest snapshot is older than allowed, or there is none. */
  readonly stale: boolean;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

/**
 * How a pipeline is doing: its snapshots, its last attempt, unfinished work. Writes nothing.
 *
 * @param folder the pipeline's, absolute
 * @param maxAgeMs the age from which the newest snapshot counts as stale, milliseconds; at 0 every one is
 * @param now milliseconds since the epoch
 * @param freeBytes what may still be written beside a folder; undefined where that cannot be told
 */
export async function pipelineStatus(
  folder: string,
  maxAgeMs: number,
  now = Date.now(),
  freeBytes = bytesLeft,
): Promise<PipelineStatus> {
  const files = explainIoErrors(nodeFiles, 'publish', 'verify');
  const snapshots = (await listSnapshots(files, folder)).map(snapshotLine);
  const newest = snapshots.at(-1);
  const ageMs = newest ? Math.max(0, now - Date.parse(newest.finishedAt)) : undefined;
  const free = await freeBytes(folder);
  const isTight = newest !== undefined && free !== undefined && free < newest.bytes;
  return {
    folder,
    snapshots,
    attempt: await readStatus(files, folder),
    unfinished: await namesIn(files, join(folder, '.work')),
    ...(ageMs !== undefined && { ageSeconds: ageMs / 1000 }),
    stale: ageMs === undefined || ageMs >= maxAgeMs,
    warnings: isTight
      ? [`the disk has room for ${free} bytes, and one more snapshot may take ${newest.bytes}`]
      : [],
  };
}

function snapshotLine({ folder, bytes, manifest }: Snapshot): SnapshotLine {
  const { runId, finishedAt, rows, completeness, base, changes } = manifest;
  const kind = base?.lastFull === undefined ? 'full' : 'incremental';
  const { proven } = completeness;
  return { runId, folder, finishedAt, rows, bytes, proven, kind, ...(changes && { changes }) };
}

async function bytesLeft(folder: string): Promise<number | undefined> {
  const room = await statfs(folder).catch(() => undefined);
  return room && room.bavail * room.bsize;
}
