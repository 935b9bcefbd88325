import { join } from 'node:path';
import type { Clock } from '../platform/effects.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { journalPath, removeWork } from './folder.ts';
import { decodeJournal } from './journal-codec.ts';
import { parseRecord } from './records.ts';

/** Unfinished work that nobody resumed is kept this long, milliseconds. */
export const KEPT_FOR_MS = 7 * 24 * 3600 * 1000;

/** Unfinished work of the same pipeline under other flags. */
export interface OtherWork {
  readonly folder: string;
  /** When it began, wall time, milliseconds since the epoch. */
  readonly createdAt: number;
  /** True when it was older than a week and is gone now. */
  readonly removed: boolean;
}

/**
 * Looks at the unfinished work of other runs, removes what is older than a week and leaves the rest alone. The caller
 * holds the pipeline's lock.
 *
 * @param own fingerprint of this run
 * @param parent the folder that holds one work folder a run
 */
export async function ageOtherWork(options: {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  readonly parent: string;
  readonly own: string;
}): Promise<OtherWork[]> {
  const files = explainIoErrors(options.files, 'checkpoint', 'work');
  if ((await files.stat(options.parent)) === undefined) return [];
  const found: OtherWork[] = [];
  for (const name of await files.list(options.parent)) {
    if (name === options.own || !/^[0-9a-f]{16}$/.test(name)) continue;
    const folder = join(options.parent, name);
    if ((await files.stat(folder))?.kind !== 'folder') continue;
    const createdAt = await beginOf(files, folder);
    const removed = options.clock.wall() - createdAt > KEPT_FOR_MS;
    if (removed) await removeWork(files, folder);
    found.push({ folder, createdAt, removed });
  }
  return found;
}

/** What its journal says; without a readable one, when the folder last changed. */
async function beginOf(files: FileSystem, folder: string): Promise<number> {
  const said = await headerTime(files, journalPath(folder));
  return said ?? (await files.stat(folder))?.modifiedMs ?? 0;
}

async function headerTime(files: FileSystem, path: string): Promise<number | undefined> {
  if ((await files.stat(path)) === undefined) return undefined;
  const [first] = decodeJournal(await files.read(path)).lines;
  if (first === undefined) return undefined;
  try {
    const record = parseRecord(first.record);
    return record.kind === 'header' ? record.header.createdAt : undefined;
  } catch {
    return undefined;
  }
}
