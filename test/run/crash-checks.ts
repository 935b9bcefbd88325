import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import type { TestContext } from 'node:test';
import type { ExportOptions } from '../../src/domain/options.ts';
import { runExport } from '../../src/run.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { assertLatestIsWhole, dataFiles, startWith } from './crashes.ts';

/** An export of a few parts, and what it must come to. */
export interface Ground {
  readonly options: ExportOptions;
  /** Operations of a whole run, a snapshot being there already. */
  readonly operations: number;
  readonly expected: ReadonlyMap<string, Buffer>;
  /** Empties the output and publishes a first snapshot of it. @returns its name */
  reset(): Promise<string>;
}

export async function prepare(t: TestContext, jobs: number): Promise<Ground> {
  const api = await startSimulator({ jobs, oddities: true });
  t.after(() => api.close());
  const options: ExportOptions = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    formats: ['ndjson'],
  };
  const reset = async (): Promise<string> => {
    await rm(options.output, { recursive: true, force: true });
    return (await runExport(options)).manifest.runId;
  };
  await reset();
  const { result, operations } = await startWith(options, undefined);
  assert.ok(result);
  return {
    options,
    operations: operations.length,
    expected: await dataFiles(result.folder),
    reset,
  };
}

/** The same with SIGKILL: the exporter is another process, and dies. @returns whether it got to the operation */
async function killForReal({ options }: Ground, at: number, what: string): Promise<boolean> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/run/export-child.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH, HOME, EXPORT_OPTIONS: JSON.stringify(options), EXPORT_FAULT: `${at}:${what}` },
  });
  const [code, signal] = await once(child, 'exit');
  assert.ok(signal === 'SIGKILL' || code === 0, `the child ended with ${code ?? signal}`);
  return signal === 'SIGKILL';
}

/** Kills an exporter with SIGKILL at one operation, then lets the export finish. */
export async function sigkillAndFinish(ground: Ground, at: number, what: string): Promise<void> {
  const old = await ground.reset();
  const killed = await killForReal(ground, at, what);
  const latest = await assertLatestIsWhole(ground.options.output);
  assert.ok(latest !== undefined && (latest === old || at > 1), `killed at ${at}`);
  assert.equal(killed || latest !== old, true, `neither killed at ${at} nor finished`);
  const { manifest, folder } = await runExport(ground.options);
  assert.equal(await assertLatestIsWhole(ground.options.output), manifest.runId);
  assert.deepEqual(await dataFiles(folder), ground.expected, `other bytes after a kill at ${at}`);
}

/**
 * Kills an export at one operation, and again at another of the start that follows, if given; then lets it finish.
 *
 * @returns requests that the last start took
 */
export async function killAndFinish(
  ground: Ground,
  kills: readonly { at: number; what: string }[],
): Promise<number> {
  const old = await ground.reset();
  for (const kill of kills) {
    const { result } = await startWith(ground.options, kill);
    const latest = await assertLatestIsWhole(ground.options.output);
    assert.ok(latest !== undefined, `killed at ${kill.at}: ${old} is gone`);
    if (result !== undefined) break;
  }
  const { manifest, folder } = await runExport(ground.options);
  assert.equal(await assertLatestIsWhole(ground.options.output), manifest.runId);
  assert.deepEqual(
    await dataFiles(folder),
    ground.expected,
    `other bytes after ${JSON.stringify(kills)}`,
  );
  return manifest.requests;
}
