import { join } from 'node:path';
import { formatManifest, MANIFEST, type Manifest } from '../jobs/manifest.ts';
import { writeNewFile } from '../platform/durable.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { TOOL } from '../platform/tool.ts';
import {
  LATEST,
  latestTarget,
  nameLatest,
  ownManifest,
  RUN_ID,
  readManifest,
  removeMarked,
  snapshotFolder,
  snapshotName,
} from './snapshots.ts';

/** The empty file that shows a staging folder to be ours until there is a manifest. */
const MARK = `.${TOOL.name}`;

/**
 * Finds out whether `latest` could be replaced here, before anything is fetched. The caller holds the pipeline's lock.
 *
 * @throws ExportError (73, publish) when it is no link, which could not be replaced in one step
 */
export async function checkLatest(given: FileSystem, pipelineFolder: string): Promise<void> {
  const files = explainIoErrors(given, 'publish', 'start');
  const latest = join(pipelineFolder, LATEST);
  const kind = (await files.stat(latest))?.kind ?? 'link';
  if (kind === 'link') return;
  const message = `${latest} is not a link that this program made; move it away and run again`;
  throw new ExportError(message, { exitCode: EXIT.cannotCreate, stage: 'publish' });
}

/**
 * Makes a snapshot in a hidden folder beside the published ones, and publishes it: manifest, rename, then `latest`, each
 * durable before the next. Killed before the rename it leaves a staging folder, which the next run clears; killed after
 * it, a whole snapshot that `latest` does not name yet, which `finishPublication` completes.
 *
 * @param lock of the pipeline, held. Its token names the staging folder: who lost the lock never works in that of who
 *   has it. It is asked right before the rename and again before `latest`: who lost it publishes nothing
 * @param fill puts finished and verified files into the folder it is given, and says what they are
 * @throws ExportError (publish): 73 when the staging folder cannot be made, 74; what the lock or `fill` says. `latest` is
 *   untouched then, and the staging folder gone unless it was renamed
 */
export async function publish(
  given: FileSystem,
  pipelineFolder: string,
  runId: string,
  lock: { readonly token: string; check(): Promise<void> },
  fill: (staging: string) => Promise<Manifest>,
): Promise<{ readonly folder: string; readonly manifest: Manifest }> {
  const starting = explainIoErrors(given, 'publish', 'start');
  const files = explainIoErrors(given, 'publish', 'work');
  await removeLeftOvers(starting, pipelineFolder);
  const staging = join(pipelineFolder, `.staging-${runId}-${lock.token}`);
  await starting.makeFolder(staging);
  await writeNewFile(starting, join(staging, MARK), Buffer.alloc(0), 'publish');
  await starting.syncFolder(staging);
  const folder = join(pipelineFolder, snapshotName(runId));
  let manifest: Manifest;
  try {
    manifest = await fill(staging);
    await writeNewFile(files, join(staging, MANIFEST), formatManifest(manifest), 'publish');
    await files.syncFolder(staging);
    await files.remove(join(staging, MARK));
    await files.syncFolder(staging);
    await lock.check();
    await files.rename(staging, folder);
  } catch (error) {
    // A failure here must not hide that one: the next run clears what stays.
    await removeIfOurs(files, staging, runId).catch(() => undefined);
    throw error;
  }
  await files.syncFolder(pipelineFolder);
  await lock.check();
  await nameLatest(files, pipelineFolder, snapshotName(runId));
  return { folder, manifest };
}

/**
 * For work that is resumed: completes its publication when an earlier start was killed after the rename, so that no run
 * is published twice. The caller holds the pipeline's lock, and then discards the work.
 *
 * @returns the snapshot, or undefined when the run has none yet
 * @throws ExportError (publish): 65 when the snapshot's manifest was damaged since, 74 on I/O errors
 */
export async function finishPublication(given: FileSystem, pipelineFolder: string, runId: string) {
  const files = explainIoErrors(given, 'publish', 'work');
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

/** Names of what only an interrupted publication or retention leaves behind. */
const LEFT_OVER = new RegExp(`^\\.(?:staging|removing|latest)-(${RUN_ID})(?:-[0-9a-f-]{36})?$`);

/**
 * Removes what interrupted publications and retentions left behind. A name is not enough: a folder must carry its mark
 * or manifest, or hold nothing of value yet; a link must lead where ours do.
 */
async function removeLeftOvers(files: FileSystem, pipelineFolder: string): Promise<void> {
  // A snapshot on its way out must not come back under its old name, after a power loss, with files missing.
  await files.syncFolder(pipelineFolder);
  for (const name of await files.list(pipelineFolder)) {
    const runId = name.match(LEFT_OVER)?.[1];
    if (runId === undefined) continue;
    const path = join(pipelineFolder, name);
    const found = (await files.stat(path))?.kind;
    if (found === 'folder') await removeIfOurs(files, path, runId);
    else if (found === 'link' && (await files.readLink(path)) === snapshotName(runId))
      await files.remove(path);
  }
}

/**
 * A folder is ours by our mark or by the manifest of its run; or it is empty, and nobody's loss. The mark counts first:
 * a manifest beside it may not be durable yet.
 */
async function removeIfOurs(files: FileSystem, folder: string, runId: string): Promise<void> {
  const names = await files.list(folder);
  if (names.length === 0 || names.includes(MARK)) await removeMarked(files, folder, MARK);
  else if (await ownManifest(files, folder, runId)) await removeMarked(files, folder, MANIFEST);
}
