import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeFiles } from '../platform/node-files.ts';
import { listSnapshots, type Snapshot } from '../publish/snapshots.ts';
import { readStatus, type Status } from '../publish/status.ts';

/** One published snapshot, as `status` lists it. */
export interface SnapshotLine {
  readonly runId: string;
  /** Absolute path. */
  readonly folder: string;
  /** ISO 8601. */
  readonly finishedAt: string;
  readonly rows: number;
  /** Of all its files. */
  readonly bytes: number;
  readonly kind: 'full' | 'incremental';
  readonly proven: boolean;
  /** Rows by kind of change since the snapshot before. Absent where that is not known. */
  readonly changes?: Readonly<Record<string, number>>;
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
  const [found, attempt, unfinished, free] = await Promise.all([
    listSnapshots(nodeFiles, folder),
    readStatus(nodeFiles, folder),
    namesIn(join(folder, '.work')),
    freeBytes(folder),
  ]);
  const snapshots = found.map(snapshotLine);
  const newest = snapshots.at(-1);
  const ageMs = newest && Math.max(0, now - Date.parse(newest.finishedAt));
  const tight = newest !== undefined && free !== undefined && free < newest.bytes;
  return {
    ...{ folder, snapshots, attempt, unfinished },
    ...(ageMs === undefined ? {} : { ageSeconds: ageMs / 1000 }),
    stale: ageMs === undefined || ageMs >= maxAgeMs,
    warnings: tight
      ? [`the disk has room for ${free} bytes, and one more snapshot may take ${newest.bytes}`]
      : [],
  };
}

function snapshotLine({ folder, bytes, manifest }: Snapshot): SnapshotLine {
  const { runId, finishedAt, rows, completeness, base, changes } = manifest;
  return {
    ...{ runId, folder, finishedAt, rows, bytes, proven: completeness.proven },
    kind: base?.lastFull === undefined ? 'full' : 'incremental',
    ...(changes ? { changes } : {}),
  };
}

async function bytesLeft(folder: string): Promise<number | undefined> {
  const room = await statfs(folder).catch(() => undefined);
  return room && room.bavail * room.bsize;
}

async function namesIn(folder: string): Promise<string[]> {
  return (await nodeFiles.stat(folder))?.kind === 'folder' ? nodeFiles.list(folder) : [];
}
