import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import type { Manifest } from '../publish/manifest.ts';
import { listSnapshots } from '../publish/snapshots.ts';
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

/** A snapshot as it was found. */
export interface FoundSnapshot {
  /** Absolute path. */
  readonly folder: string;
  /** Of all its files. */
  readonly bytes: number;
  readonly manifest: Pick<Manifest, 'runId' | 'finishedAt' | 'rows' | 'completeness'> & {
    /** Rows by kind of change, among other facts. */
    readonly changes?: unknown;
  };
}

/** Where the facts come from. */
export interface StatusSources {
  readonly readStatus: (files: FileSystem, folder: string) => Promise<Status | undefined>;
  /** Oldest first. */
  readonly listSnapshots: (files: FileSystem, folder: string) => Promise<readonly FoundSnapshot[]>;
  /** Names of folders of unfinished work. */
  readonly listWork: (files: FileSystem, folder: string) => Promise<readonly string[]>;
  /** Bytes that may still be written beside a folder; undefined where that cannot be told. */
  readonly freeBytes: (folder: string) => Promise<number | undefined>;
}

export interface PipelineStatus {
  /** Absolute path. */
  readonly folder: string;
  readonly snapshots: readonly SnapshotLine[];
  readonly attempt: Status | undefined;
  readonly unfinished: readonly string[];
  /** Seconds since the newest snapshot was finished. Absent when there is none. */
  readonly ageSeconds?: number;
  /** The newest snapshot is older than allowed, or there is none. */
  readonly stale: boolean;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

export interface StatusQuestion {
  readonly files: FileSystem;
  /** The pipeline's, absolute. */
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds; at 0 every snapshot is too old. */
  readonly maxAgeMs: number;
}

/** How a pipeline is doing. Writes nothing. */
export async function pipelineStatus(
  { files, folder, now, maxAgeMs }: StatusQuestion,
  sources: StatusSources,
): Promise<PipelineStatus> {
  const [found, attempt, unfinished, free] = await Promise.all([
    sources.listSnapshots(files, folder),
    sources.readStatus(files, folder),
    sources.listWork(files, folder),
    sources.freeBytes(folder),
  ]);
  const snapshots = found.map(snapshotLine);
  const newest = snapshots.at(-1);
  const ageMs = newest && Math.max(0, now - Date.parse(newest.finishedAt));
  const tight = newest !== undefined && free !== undefined && free < newest.bytes;
  return {
    folder,
    snapshots,
    attempt,
    unfinished,
    ...(ageMs === undefined ? {} : { ageSeconds: ageMs / 1000 }),
    stale: ageMs === undefined || ageMs >= maxAgeMs,
    warnings: tight
      ? [`the disk has room for ${free} bytes, and one more snapshot may take ${newest.bytes}`]
      : [],
  };
}

function snapshotLine({ folder, bytes, manifest }: FoundSnapshot): SnapshotLine {
  const { runId, finishedAt, rows, completeness, changes } = manifest;
  const counts = Object.entries(Object(changes)).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return {
    ...{ runId, folder, finishedAt, rows, bytes, proven: completeness.proven },
    kind: completeness.method === 'incremental' ? 'incremental' : 'full',
    ...(counts.length > 0 ? { changes: Object.fromEntries(counts) } : {}),
  };
}

/** What the disk holds. A folder without a manifest of ours is no snapshot. */
export const diskSources: StatusSources = {
  readStatus,
  listSnapshots,
  listWork: (files, folder) => namesIn(files, join(folder, '.work')),
  async freeBytes(folder) {
    try {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },
};

async function namesIn(files: FileSystem, folder: string): Promise<string[]> {
  return (await files.stat(folder))?.kind === 'folder' ? files.list(folder) : [];
}
