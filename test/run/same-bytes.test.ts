import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { runExport } from '../../src/index.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { type SimulatorOptions, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { seededRandom } from '../support/shifting-list.ts';
import { startWith } from './crashes.ts';

const JOBS = { jobs: 6000, seed: 9, oddities: true, largestBatch: 40 } as const;

function digests({ rows, files }: Manifest): string[] {
  return [`${rows} rows`, ...files.map(({ name, sha256 }) => `${name} ${sha256}`)];
}

async function exported(t: TestContext, options: SimulatorOptions, concurrency = 16) {
  const api = await startSimulator({ ...JOBS, ...options });
  t.after(() => api.close());
  const { manifest } = await runExport({
    ...exportOptions(api.url, await temporaryFolder(t)),
    allowIncomplete: true,
    concurrency,
  });
  return manifest;
}

test('ties in any order, faults and any concurrency leave the same bytes', async (t) => {
  const expected = digests(await exported(t, {}));
  const faults = (['503', 'reset', 'truncated-gzip'] as const).map((kind) => ({
    kind,
    rate: 0.03,
  }));
  assert.deepEqual(digests(await exported(t, { ties: 'shuffled' })), expected);
  assert.deepEqual(digests(await exported(t, { ties: 'shuffled', faults }, 3)), expected);
});

test('jobs that change after they were written leave the bytes of an export that began later', async (t) => {
  const updates = new Set<string>();
  const api = await startSimulator({
    ...JOBS,
    onRequest: (_query, n) => {
      if (n !== 55) return;
      const { rows } = api.jobs.page({ offset: 1500, limit: 50, direction: 'ASC' });
      for (const text of rows) updates.add(String(JSON.parse(text).id));
      for (const id of updates) api.jobs.update(id, { status: 'PAUSED' });
      for (let times = 0; times < 4600; times++)
        api.jobs.insert({ created_at: 1_500_000_000_000_000 });
    },
  });
  t.after(() => api.close());
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), concurrency: 1 };
  const { manifest } = await runExport(options);
  const later = await runExport({ ...options, output: await temporaryFolder(t) });
  assert.ok(manifest.duplicates >= updates.size, `${manifest.duplicates} duplicates`);
  assert.deepEqual(digests(manifest), digests(later.manifest));
});

test('killed again and again while ties move, an export ends with the bytes of an undisturbed one', async (t) => {
  const expected = digests(await exported(t, {}));
  const api = await startSimulator({ ...JOBS, ties: 'shuffled' });
  t.after(() => api.close());
  const counted = faultyFiles(nodeFiles, undefined, crash);
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), allowIncomplete: true };
  await runExport({ ...options, output: await temporaryFolder(t) }, { files: counted });
  const random = seededRandom(3);
  for (let kills = 0; kills < 5; kills++) {
    const at = 1 + Math.floor(random() * counted.operations.length * 0.8);
    await startWith(options, { at, what: kills % 2 === 0 ? 'kill-half' : 'kill-after' });
  }
  const { manifest } = await runExport(options);
  assert.deepEqual(digests(manifest), expected);
});
