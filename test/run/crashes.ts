import assert from 'node:assert/strict';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExportResult, runExport } from '../../src/index.ts';
import { checkFile } from '../../src/load/check.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { verifySnapshot } from '../../src/publish/verify.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { crash, type Fault, faultyFiles, type Operation } from '../support/faulty-files.ts';

/** How one start of an export ended, and what it did to the disk on the way. */
export interface Start {
  readonly result: ExportResult | undefined;
  readonly error: unknown;
  readonly operations: readonly Operation[];
}

/**
 * Starts an export that suffers a fault at one of its file operations. A kill is played by failing all that follow. A
 * process that failed would be gone, and its lock with it or free to be taken over; this one is not, so it is taken away.
 */
export async function startWith(options: ExportOptions, fault: Fault | undefined): Promise<Start> {
  const files = faultyFiles(nodeFiles, fault, crash);
  try {
    const result = await runExport(options, { files });
    return { result, error: undefined, operations: files.operations };
  } catch (error) {
    await rm(join(options.output, options.pipeline, '.lock'), { force: true });
    return { result: undefined, error, operations: files.operations };
  }
}

/** The data files of a snapshot by name, as they are on the disk. */
export async function dataFiles(folder: string): Promise<Map<string, Buffer>> {
  const names = (await readdir(folder)).filter((name) => name !== 'manifest.json').toSorted();
  const files = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return new Map(names.map((name, at) => [name, files[at]]));
}

/**
 * What any reader may rely on, at any time: `latest` names a whole snapshot, or there is none yet. Files are read in this
 * thread, which has long been warm, and not each in one of its own.
 */
export async function assertLatestIsWhole(output: string): Promise<string | undefined> {
  const folder = join(output, 'jobs');
  const latest = await readlink(join(folder, 'latest')).catch(() => undefined);
  if (latest === undefined) return undefined;
  const { problems } = await verifySnapshot(join(folder, latest), {
    files: nodeFiles,
    readBack: checkFile,
  });
  assert.deepEqual(problems, []);
  return latest;
}

/** A number of operations spread evenly over `1..count`, the first and the last included. */
export function sample(count: number, size: number): number[] {
  const step = Math.max(1, (count - 1) / (size - 1));
  return [
    ...new Set(Array.from({ length: size }, (_, at) => Math.min(count, Math.round(1 + at * step)))),
  ];
}
