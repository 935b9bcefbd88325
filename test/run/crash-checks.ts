import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { runExport } from '../../src/index.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { seededRandom } from '../support/shifting-list.ts';
import { assertLatestIsWhole, dataFiles, startWith } from './crashes.ts';

/** A few parts. */
const SLOW_JOBS = 2500;

/** An export of a few parts, and what it must come to. */
export interface Ground {
  readonly options: ExportOptions;
  /** Operations of a whole run, a snapshot being there already. */
  readonly operations: number;
  readonly expected: ReadonlyMap<string, Buffer>;
}

export async function prepare(t: TestContext, jobs: number): Promise<Ground> {
  const api = await startSimulator({ jobs, oddities: true });
  t.after(() => api.close());
  const options: ExportOptions = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    formats: ['ndjson'],
    keep: 2,
  };
  await runExport(options);
  const { result, operations } = await startWith(options, undefined);
  assert.ok(result);
  return { options, operations: operations.length, expected: await dataFiles(result.folder) };
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
  const old = await assertLatestIsWhole(ground.options.output);
  const killed = await killForReal(ground, at, what);
  const latest = await assertLatestIsWhole(ground.options.output);
  assert.ok(killed || latest !== old, `neither killed at ${at} nor finished`);
  await finish(ground, `a SIGKILL at ${at}`);
}

async function finish({ options, expected }: Ground, after: string): Promise<number> {
  assert.ok(await assertLatestIsWhole(options.output), `no snapshot after ${after}`);
  const { manifest, folder } = await runExport(options);
  assert.equal(await assertLatestIsWhole(options.output), `run=${manifest.runId}`);
  assert.deepEqual(await dataFiles(folder), expected, `other bytes after ${after}`);
  return manifest.requests;
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
  for (const kill of kills) {
    const { result } = await startWith(ground.options, kill);
    if (result !== undefined) break;
  }
  return finish(ground, `kills at ${JSON.stringify(kills)}`);
}

/** Tests that kill at every second operation from `first` on, and at random pairs of operations. */
export function testEveryOther(
  first: 1 | 2,
  what: 'kill-half' | 'kill-after',
  pairs: number,
): void {
  const limit = { timeout: 600_000 };

  test(
    `${what} at operations ${first}, ${first + 2}, ...: the next start finishes with the same bytes`,
    limit,
    async (t) => {
      const ground = await prepare(t, SLOW_JOBS);
      let kills = 0;
      for (let at: number = first; at <= ground.operations; at += 2, kills++) {
        await killAndFinish(ground, [{ at, what }]);
      }
      t.diagnostic(`${kills} kills, ${kills} resumes, 0 differences`);
    },
  );

  test(`${what} at a random operation and again while resuming`, limit, async (t) => {
    const ground = await prepare(t, SLOW_JOBS);
    const random = seededRandom(10 + first);
    const pick = (): number => 1 + Math.floor(random() * ground.operations);
    for (let turn = 0; turn < pairs; turn++) {
      await killAndFinish(ground, [
        { at: pick(), what },
        { at: pick(), what },
      ]);
    }
    t.diagnostic(`${2 * pairs} kills in ${pairs} runs, 0 differences`);
  });
}
