import { join } from 'node:path';
import { JOB_COLUMNS } from '../jobs/columns.ts';
import type { Credentials } from '../jobs/options.ts';
import { Fields } from '../json/json-value.ts';
import type { Effects } from '../platform/effects.ts';
import { newRunId } from '../publish/snapshots.ts';
import type { Checkpoint } from '../store/checkpoint.ts';
import { fingerprint } from '../store/fingerprint.ts';
import { workFolder } from '../store/folder.ts';
import { openCheckpoint } from '../store/open.ts';
import { ageOtherWork } from '../store/other-work.ts';
import type { ExportOptions } from './options.ts';
import { PART_FORMAT } from './state.ts';

/** What stays the same over all starts of one run. */
export interface RunHeader {
  readonly runId: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
}

/** Unfinished work, new or found. */
export interface Work {
  readonly checkpoint: Checkpoint;
  readonly header: RunHeader;
  /** How often the run was started before. */
  readonly resumed: number;
}

const RESUMED = 'resumed';

/** The unfinished work of this run, found or begun. The caller holds the pipeline's lock. */
export async function openWork(
  options: ExportOptions,
  { files, clock, emit, random }: Effects,
  pipelineFolder: string,
): Promise<Work> {
  const startedAt = clock.wall();
  const own = fingerprint({
    apiUrl: options.apiUrl,
    account: accountOf(options.credentials),
    filters: options.filters,
    order: 'created_at ASC',
    columns: JOB_COLUMNS,
    partFormat: PART_FORMAT,
  });
  const folder = workFolder(pipelineFolder, own);
  const checkpoint = await openCheckpoint({
    files,
    clock,
    folder,
    fingerprint: own,
    run: { runId: await newRunId({ files, clock, random, folder: pipelineFolder }), startedAt },
    restart: options.restart,
    resumeWithinMs: options.resumeWithinMs,
  });
  const parent = join(pipelineFolder, '.work');
  for (const other of await ageOtherWork({ files, clock, parent, own })) {
    const message = other.removed
      ? `removed the unfinished work of another run, older than a week: ${other.folder}`
      : `another run of this pipeline, with other options, was interrupted; its work stays in ${other.folder}`;
    emit({ type: 'log', level: 'info', message });
  }
  const { found } = checkpoint;
  const run = new Fields(found.header.run, 'run');
  const resumed = found.opening === 'resumed';
  if (resumed) {
    await checkpoint.note(RESUMED);
    emit({
      type: 'log',
      level: 'info',
      message: `resuming an interrupted run: ${found.parts.length} parts are here already`,
    });
  }
  if (found.droppedParts > 0) {
    const message = `${found.droppedParts} parts were lost or altered; they are fetched again`;
    emit({ type: 'log', level: 'warn', message });
  }
  return {
    checkpoint,
    header: { runId: run.text('runId'), startedAt: run.count('startedAt') },
    resumed: found.notes.filter((note) => note === RESUMED).length + (resumed ? 1 : 0),
  };
}

function accountOf(credentials: Credentials): string | null {
  switch (credentials.kind) {
    case 'password':
      return credentials.username;
    case 'client':
      return credentials.clientId;
    default:
      return null;
  }
}
