import { join } from 'node:path';
import { MANIFEST, parseManifest, type ReadManifest } from '../jobs/manifest.ts';
import type { Effects } from '../platform/effects.ts';
import { EXIT, ExportError, hasCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { TOOL } from '../platform/tool.ts';

export const LATEST = 'latest';

/** `20261123T020000Z-3fa2c1`: sorts by start, UTC. */
export const RUN_ID = '\\d{8}T\\d{6}Z-[0-9a-f]{6}';
const SUFFIXES = 0x1000000;

/** Folder of a run's snapshot. Hive's way to name a partition: readers of `run=*` get a column `run`. */
export function snapshotName(runId: string): string {
  return `run=${runId}`;
}

/** @returns the run id when a folder is named as a snapshot, today or by versions before `run=` */
export function runIdOf(name: string): string | undefined {
  return name.match(`^(?:run=)?(${RUN_ID})$`)?.[1];
}

/** @param folder of the pipeline: no snapshot in it is of the run id that is returned */
export async function newRunId(
  { files, clock, random }: Pick<Effects, 'files' | 'clock' | 'random'>,
  folder: string,
): Promise<string> {
  const time = new Date(clock.wall()).toISOString().replace(/[-:]|\.\d+/g, '');
  let suffix = Math.floor(random() * SUFFIXES);
  for (;;) {
    const runId = `${time}-${suffix.toString(16).padStart(6, '0')}`;
    if ((await snapshotFolder(files, folder, runId)) === undefined) return runId;
    suffix = (suffix + 1) % SUFFIXES;
  }
}

/** @returns the name of the folder that a run has published, if it has */
export async function snapshotFolder(files: FileSystem, pipelineFolder: string, runId: string) {
  for (const name of [snapshotName(runId), runId]) {
    if ((await files.stat(join(pipelineFolder, name))) !== undefined) return name;
  }
  return undefined;
}

/** What `latest` says: the name of a snapshot, or wherever else somebody made it point to; undefined without it. */
export async function latestTarget(files: FileSystem, folder: string): Promise<string | undefined> {
  const path = join(folder, LATEST);
  return (await files.stat(path))?.kind === 'link' ? files.readLink(path) : undefined;
}

/** Makes `latest` name a snapshot, after `removeLeftOvers`. A reader sees the old name or the new one, never neither. */
export async function nameLatest(files: FileSystem, folder: string, name: string): Promise<void> {
  const link = join(folder, `.latest-${runIdOf(name)}`);
  await files.symlink(name, link);
  await files.rename(link, join(folder, LATEST));
  await files.syncFolder(folder);
}

/** A published snapshot, as its manifest tells. */
export interface Snapshot extends ReadManifest {
  /** Absolute path. */
  readonly folder: string;
  /** Of all its files. */
  readonly bytes: number;
  readonly isLatest: boolean;
}

/**
 * The snapshots of a pipeline, oldest first. Folders that only look like one are left out: a snapshot carries a
 * manifest of this program that names its run.
 *
 * @throws ExportError (74, publish)
 */
export async function listSnapshots(given: FileSystem, pipelineFolder: string) {
  const files = explainIoErrors(given, 'publish', 'verify');
  const found: Snapshot[] = [];
  const names = await namesIn(files, pipelineFolder);
  const latest = names.includes(LATEST) ? await latestTarget(files, pipelineFolder) : undefined;
  for (const name of names) {
    const runId = runIdOf(name);
    const folder = join(pipelineFolder, name);
    const read = runId && (await ownManifest(files, folder, runId));
    if (!read) continue;
    const { manifest } = read;
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    found.push({ folder, ...read, bytes, isLatest: name === latest });
  }
  // Run ids tell seconds only: of two runs within one, the later may have the smaller id.
  const age = ({ manifest }: Snapshot) => `${manifest.startedAt} ${manifest.runId}`;
  return found.sort((one, other) => (age(one) < age(other) ? -1 : 1));
}

/** Names in a folder, or in what a link leads to; none where there is no folder. */
export async function namesIn(files: FileSystem, folder: string): Promise<string[]> {
  try {
    return await files.list(folder);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return [];
    throw error;
  }
}

/** The snapshot that `latest` names; undefined without one, or when it leads elsewhere. */
export async function latestSnapshot(files: FileSystem, pipelineFolder: string) {
  return (await listSnapshots(files, pipelineFolder)).find(({ isLatest }) => isLatest);
}

/**
 * Reads the manifest of a snapshot.
 *
 * @throws ExportError (65, publish) when there is none or it is not what this program writes
 */
export async function readManifest(files: FileSystem, folder: string): Promise<ReadManifest> {
  const found = await readOwn(files, join(folder, MANIFEST), parseManifest);
  if (found !== undefined) return found;
  const message = `${folder} is no snapshot: it has no ${MANIFEST}`;
  throw new ExportError(message, { exitCode: EXIT.data, stage: 'publish' });
}

/**
 * Reads a file that this program writes.
 *
 * @param parse throws TypeError for what is something else
 * @param more what the message says then
 * @returns undefined when there is none
 * @throws ExportError (65, publish) when it is something else
 */
export async function readOwn<T>(
  files: FileSystem,
  path: string,
  parse: (bytes: Uint8Array) => T,
  more = '',
): Promise<T | undefined> {
  try {
    return parse(await files.read(path));
  } catch (cause) {
    if (hasCode(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    if (!(cause instanceof TypeError)) throw cause;
    const message = `${path} cannot be used: ${cause.message}${more}`;
    throw new ExportError(message, { exitCode: EXIT.data, stage: 'publish', cause });
  }
}

/** @returns the manifest of a folder, if it is one of this program's and of that run: the mark of what may be removed */
export async function ownManifest(files: FileSystem, folder: string, runId: string) {
  if ((await files.stat(folder))?.kind !== 'folder') return undefined;
  try {
    const read = await readManifest(files, folder);
    const { manifest } = read;
    return manifest.runId === runId && manifest.tool.name === TOOL.name ? read : undefined;
  } catch (error) {
    if (error instanceof ExportError && error.exitCode === EXIT.data) return undefined;
    throw error;
  }
}

/**
 * Removes snapshots of the same pipeline that are older than the one `latest` names, all but the newest `keep - 1` of
 * them; nothing while `latest` names none. The caller holds the pipeline's lock.
 *
 * A snapshot is renamed, durably, before it is removed, so that none is ever seen with files missing.
 *
 * @param keep snapshots that stay, the one `latest` names included; 1 or more
 * @returns run ids of the snapshots removed, oldest first
 * @throws ExportError (74, publish)
 */
export async function retain(given: FileSystem, pipelineFolder: string, keep: number) {
  const files = explainIoErrors(given, 'publish', 'work');
  const snapshots = await listSnapshots(files, pipelineFolder);
  const at = snapshots.findIndex(({ isLatest }) => isLatest);
  const pipeline = snapshots[at]?.manifest.pipeline;
  const older = snapshots
    .slice(0, Math.max(0, at))
    .filter((one) => one.manifest.pipeline === pipeline);
  const doomed = keep > 1 ? older.slice(0, 1 - keep) : older;
  for (const { folder, manifest } of doomed) {
    const removing = join(pipelineFolder, `.removing-${manifest.runId}`);
    await files.rename(folder, removing);
    await files.syncFolder(pipelineFolder);
    await removeMarked(files, removing, MANIFEST);
  }
  return doomed.map(({ manifest }) => manifest.runId);
}

/** Removes a folder, the file that shows it to be ours last: killed halfway, it can still be told from a foreign one. */
export async function removeMarked(files: FileSystem, folder: string, mark: string): Promise<void> {
  for (const name of await files.list(folder)) {
    if (name !== mark) await files.remove(join(folder, name));
  }
  await files.syncFolder(folder);
  await files.remove(folder);
}
