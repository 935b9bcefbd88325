import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runExport } from '../../src/index.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { startSimulator } from '../simulator/index.ts';
import { exportOptions } from '../support/exports.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';

const JOBS = 12_000;

/** A folder that is a file system of a few megabytes, where the test may mount one. */
async function smallDisk(t: TestContext): Promise<{ folder: string; mounted: boolean }> {
  const folder = await mkdtemp(join(tmpdir(), 'pasqal-jobs-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder]);
  const mounted = status === 0;
  t.after(async () => {
    if (mounted) spawnSync('umount', [folder]);
    await rm(folder, { recursive: true, force: true });
  });
  return { folder, mounted };
}

test('a disk that fills up ends the run with 74 and its path; once there is room the same command resumes', async (t) => {
  const api = await startSimulator({ jobs: JOBS });
  t.after(() => api.close());
  const { folder, mounted } = await smallDisk(t);
  const options = { ...exportOptions(api.url, folder), formats: ['ndjson'] as const };
  const full = faultyFiles(nodeFiles, { at: 60, what: 'ENOSPC', onwards: true }, crash);
  t.diagnostic(
    mounted ? 'a tmpfs of 6 MB' : 'no tmpfs may be mounted here: the file-system port says ENOSPC',
  );
  const failure = {
    exitCode: 74,
    retryable: true,
    message: /ENOSPC.*free space and run the same command again/,
  };
  await assert.rejects(runExport(options, mounted ? {} : { files: full }), failure);
  if (mounted) assert.equal(spawnSync('mount', ['-o', 'remount,size=100m', folder]).status, 0);
  const before = api.stats.pages;
  const { manifest } = await runExport(options);
  assert.equal(manifest.rows, JOBS);
  assert.equal(manifest.resumed, 1);
  assert.ok(api.stats.pages - before < 122, `${api.stats.pages - before} pages for the rest`);
});
