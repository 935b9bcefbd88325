import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { runExport } from '../../src/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';

const JOBS = 100_000;

test('after a SIGKILL at 90% of 100,000 jobs the resumed run asks for at most 15% of the pages', async (t) => {
  let killAt = Number.POSITIVE_INFINITY;
  let reached: () => void = () => {};
  const atNinety = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const api = await startSimulator({
    jobs: JOBS,
    latencyMs: 10,
    onRequest: (_, n) => (n >= killAt ? reached() : undefined),
  });
  t.after(() => api.close());
  const options = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    formats: ['arrow'] as const,
  };
  await runExport({ ...options, output: await temporaryFolder(t) });
  const pages = api.stats.pages;
  killAt = pages + Math.round(0.9 * pages);
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/run/export-child.ts'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { PATH, HOME, EXPORT_OPTIONS: JSON.stringify(options) },
  });
  const exited = once(child, 'exit');
  await Promise.race([atNinety, exited]);
  child.kill('SIGKILL');
  assert.equal((await exited)[1], 'SIGKILL');
  const before = api.stats.pages;
  const { manifest } = await runExport(options);
  const asked = api.stats.pages - before;
  t.diagnostic(`killed after ${before - pages} of ${pages} pages; resumed with ${asked}`);
  assert.equal(manifest.rows, JOBS);
  assert.equal(manifest.completeness.proven, true);
  assert.ok(asked <= 0.15 * pages, `${asked} pages`);
});
