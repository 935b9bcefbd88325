import { dirname, join } from 'node:path';
import type { FileSystem } from '../platform/file-system.ts';

/** Where a run's unfinished work is: `<output>/<pipeline>/.work/<fingerprint>`. */
export function workFolder(pipelineFolder: string, fingerprint: string): string {
  return join(pipelineFolder, '.work', fingerprint);
}

export function journalPath(folder: string): string {
  return join(folder, 'journal');
}

/** The journal goes first: a kill halfway leaves no work, rather than half of it. */
export async function removeWork(files: FileSystem, folder: string): Promise<void> {
  await files.remove(journalPath(folder));
  await files.remove(folder);
  await files.syncFolder(dirname(folder));
}

/** Removes what no record names: parts that were written but not journaled, files half written. */
export async function removeLeftOvers(
  files: FileSystem,
  folder: string,
  named: ReadonlySet<string>,
): Promise<void> {
  for (const name of await files.list(folder)) {
    if (!named.has(name)) await files.remove(join(folder, name));
  }
}
