import { join } from 'node:path';
import type { Clock } from '../platform/effects.ts';
import type { FileSystem } from '../platform/file-system.ts';

const SUFFIXES = 0x1000000;

/** The name of a run and of its snapshot, e.g. `20261123T020000Z-3fa2c1`: sorts by start, UTC. */
export function isRunId(name: string): boolean {
  return /^\d{8}T\d{6}Z-[0-9a-f]{6}$/.test(name);
}

/** @param folder of the pipeline: no snapshot in it has the name that is returned */
export async function newRunId(options: {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  readonly random: () => number;
  readonly folder: string;
}): Promise<string> {
  const time = new Date(options.clock.wall()).toISOString().replace(/[-:]|\.\d+/g, '');
  let suffix = Math.floor(options.random() * SUFFIXES);
  for (;;) {
    const runId = `${time}-${suffix.toString(16).padStart(6, '0')}`;
    if ((await options.files.stat(join(options.folder, runId))) === undefined) return runId;
    suffix = (suffix + 1) % SUFFIXES;
  }
}
