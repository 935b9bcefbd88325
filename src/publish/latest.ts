import { join } from 'node:path';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';

const LATEST = 'latest';

/** What `latest` says: the name of a snapshot, or wherever else somebody made it point to; undefined without it. */
export async function latestTarget(files: FileSystem, folder: string): Promise<string | undefined> {
  const path = join(folder, LATEST);
  return (await files.stat(path))?.kind === 'link' ? files.readLink(path) : undefined;
}

/** @throws ExportError (73, publish) when `latest` is no link, which could not be replaced in one step */
export async function checkLatest(files: FileSystem, folder: string): Promise<void> {
  const path = join(folder, LATEST);
  const found = await files.stat(path);
  if (found === undefined || found.kind === 'link') return;
  throw new ExportError(
    `${path} is not a link that this program made; move it away and run again`,
    { exitCode: EXIT.cannotCreate, stage: 'publish' },
  );
}

/** Makes `latest` name a snapshot, after `removeLeftOvers`. A reader sees the old name or the new one, never neither. */
export async function nameLatest(files: FileSystem, folder: string, runId: string): Promise<void> {
  const link = join(folder, `.latest-${runId}`);
  await files.symlink(runId, link);
  await files.rename(link, join(folder, LATEST));
  await files.syncFolder(folder);
}
