import { join } from 'node:path';
import type { Manifest } from '../jobs/manifest.ts';
import { writeNewFile } from '../platform/durable.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { latestTarget, nameLatest } from './latest.ts';
import { formatManifest, MANIFEST, readManifest } from './manifest-file.ts';
import { removeLeftOvers, type Staging } from './staging.ts';

/**
 * Publishes a staged snapshot whose files are finished and verified: manifest, rename, then `latest`, each durable
 * before the next. Killed before the rename it leaves a staging folder, which the next run clears; killed after it, a
 * whole snapshot that `latest` does not name yet, which `finishPublication` completes.
 *
 * @returns absolute path of the snapshot
 * @throws ExportError (74, publish); `latest` is untouched then, and the staging folder gone unless it was renamed
 */
export async function publish(options: {
  readonly files: FileSystem;
  readonly staging: Staging;
  readonly manifest: Manifest;
}): Promise<string> {
  const { staging, manifest } = options;
  const { pipelineFolder, runId } = staging;
  const files = explainIoErrors(options.files, 'publish', 'work');
  const snapshot = join(pipelineFolder, runId);
  try {
    const text = Buffer.from(formatManifest(manifest), 'utf8');
    await writeNewFile(files, join(staging.folder, MANIFEST), text, 'publish');
    await files.syncFolder(staging.folder);
    await files.rename(staging.folder, snapshot);
  } catch (error) {
    await staging.abandon();
    throw error;
  }
  await files.syncFolder(pipelineFolder);
  await nameLatest(files, pipelineFolder, runId);
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
  const folder = join(pipelineFolder, runId);
  if ((await files.stat(folder)) === undefined) return undefined;
  const manifest = await readManifest(files, folder);
  await removeLeftOvers(files, pipelineFolder);
  await files.syncFolder(pipelineFolder);
  if ((await latestTarget(files, pipelineFolder)) !== runId) {
    await nameLatest(files, pipelineFolder, runId);
  }
  return { folder, manifest };
}
