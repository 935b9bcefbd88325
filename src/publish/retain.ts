import { join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { latestTarget } from './latest.ts';
import { MANIFEST } from './manifest-file.ts';
import { isRunId } from './run-id.ts';

/**
 * Removes snapshots older than the one `latest` names, all but the newest `keep - 1` of them. Folders that are no
 * snapshots are never touched, nor is anything while `latest` names none. The caller holds the pipeline's lock.
 *
 * A snapshot is renamed, durably, before it is removed, so that none is ever seen with files missing.
 *
 * @param options.keep snapshots that stay, the one `latest` names included; 1 or more
 * @returns run ids of the snapshots removed, oldest first
 * @throws ExportError (74, publish)
 */
export async function retain(options: {
  readonly files: FileSystem;
  readonly pipelineFolder: string;
  readonly keep: number;
}): Promise<string[]> {
  const { pipelineFolder, keep } = options;
  const files = explainIoErrors(options.files, 'publish', 'work');
  const latest = await latestTarget(files, pipelineFolder);
  if (latest === undefined || !isRunId(latest)) return [];
  const older: string[] = [];
  for (const name of await files.list(pipelineFolder)) {
    if (name < latest && (await isSnapshot(files, pipelineFolder, name))) older.push(name);
  }
  const removed = older.slice(0, Math.max(0, older.length - Math.max(0, keep - 1)));
  for (const runId of removed) {
    const doomed = join(pipelineFolder, `.removing-${runId}`);
    await files.rename(join(pipelineFolder, runId), doomed);
    await files.syncFolder(pipelineFolder);
    await files.remove(doomed);
  }
  return removed;
}

async function isSnapshot(files: FileSystem, folder: string, name: string): Promise<boolean> {
  if (!isRunId(name) || (await files.stat(join(folder, name)))?.kind !== 'folder') return false;
  return (await files.stat(join(folder, name, MANIFEST)))?.kind === 'file';
}
