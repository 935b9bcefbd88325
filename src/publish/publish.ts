import { join } from 'node:path';
import { writeNewFile } from '../platform/durable.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { formatManifest, MANIFEST, type Manifest, readManifest } from './manifest.ts';
import { latestTarget, nameLatest, snapshotFolder, snapshotName } from './snapshots.ts';
import { MARK, removeLeftOvers, type Staging } from './staging.ts';

/**
 * Publishes a staged snapshot whose files are finished and verified: manifest, rename, then `latest`, each durable
 * before the next. Killed before the rename it leaves a staging folder, which the next run clears; killed after it, a
 * whole snapshot that `latest` does not name yet, which `finishPublication` completes.
 *
 * @param options.lock asked right before the rename and again before `latest`: who lost it publishes nothing
 * @returns absolute path of the snapshot
 * @throws ExportError (74, publish), or what the lock says; `latest` is untouched then, and the staging folder gone
 *   unless it was renamed
 */
export async function publish(options: {
  readonly files: FileSystem;
  readonly staging: Staging;
  readonly manifest: Manifest;
  readonly lock: { check(): Promise<void> };
}): Promise<string> {
  const { staging, manifest, lock } = options;
  const { pipelineFolder, runId } = staging;
  const files = explainIoErrors(options.files, 'publish', 'work');
  const snapshot = join(pipelineFolder, snapshotName(runId));
  try {
    const bytes = formatManifest(manifest);
    await writeNewFile(files, join(staging.folder, MANIFEST), bytes, 'publish');
    await files.syncFolder(staging.folder);
    await files.remove(join(staging.folder, MARK));
    await files.syncFolder(staging.folder);
    await lock.check();
    await files.rename(staging.folder, snapshot);
  } catch (error) {
    await staging.abandon();
    throw error;
  }
  await files.syncFolder(pipelineFolder);
  await lock.check();
  await nameLatest(files, pipelineFolder, snapshotName(runId));
  return snapshot;
}

/**
 * For work that is resumed: completes its publication when an earlier start was killed after the rename, so that no run
 * is published twice. The caller holds the pipeline's lock, and then discards the work.
 *
 * @returns the snapshot, or undefined when the run has none yet
 * @throws ExportError (publish): 65 when the snapshot's manifest was damaged since, 74 on I/O errors
 */
export async function finishPublication(options: {
  readonly files: FileSystem;
  readonly pipelineFolder: string;
  readonly runId: string;
}): Promise<{ readonly folder: string; readonly manifest: Manifest } | undefined> {
  const { pipelineFolder, runId } = options;
  const files = explainIoErrors(options.files, 'publish', 'work');
  const name = await snapshotFolder(files, pipelineFolder, runId);
  if (name === undefined) return undefined;
  const folder = join(pipelineFolder, name);
  const { manifest } = await readManifest(files, folder);
  await removeLeftOvers(files, pipelineFolder);
  await files.syncFolder(pipelineFolder);
  if ((await latestTarget(files, pipelineFolder)) !== name) {
    await nameLatest(files, pipelineFolder, name);
  }
  return { folder, manifest };
}
