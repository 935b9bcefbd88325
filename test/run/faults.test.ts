import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runExport } from '../../src/index.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import {
  type FaultKind,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { ndjsonRows } from '../support/read-snapshot.ts';

async function serve(t: TestContext, options: SimulatorOptions): Promise<Simulator> {
  const api = await startSimulator({ jobs: 3000, ...options });
  t.after(() => api.close());
  return api;
}

async function ndjsonOptions(t: TestContext, api: Simulator): Promise<ExportOptions> {
  return { ...exportOptions(api.url, await temporaryFolder(t)), formats: ['ndjson'] };
}

const PASSING: readonly FaultKind[] = [
  '503',
  '429',
  'reset',
  'truncated-gzip',
  'invalid-json',
  'short-page',
];

test('rows are the same with a storm of passing faults as without', async (t) => {
  const calm = await serve(t, {});
  const { manifest: expected } = await runExport(await ndjsonOptions(t, calm));
  const faults = PASSING.map((kind) => ({ kind, rate: 0.02 }));
  const stormy = await serve(t, { faults, retryAfterSeconds: 0 });
  const { manifest } = await runExport(await ndjsonOptions(t, stormy));
  assert.ok(manifest.retries > 0);
  assert.equal(manifest.files[0].sha256, expected.files[0].sha256);
  assert.equal(manifest.completeness.proven, true);
});

test('a list that changes at every request is exported proven and right, or ends with 65 and publishes nothing', async (t) => {
  for (const seed of [1, 2]) {
    const operations = { insert: 1, backdate: 1, update: 1, delete: 1, shuffle: 1 };
    const api = await serve(t, { jobs: 800, seed, drift: { every: 1, seed, operations } });
    const options = await ndjsonOptions(t, api);
    try {
      const { manifest } = await runExport(options);
      assert.equal(manifest.completeness.proven, true);
    } catch (error) {
      assert.equal(Object(error).exitCode, 65);
      assert.deepEqual((await readdir(join(options.output, 'jobs'))).toSorted(), [
        '.work',
        'status.json',
      ]);
    }
  }
});

test('what is not proven is published only with --allow-incomplete, and marked', async (t) => {
  const drift = { every: 1, operations: { delete: 1, backdate: 1, shuffle: 1 } };
  const api = await serve(t, {
    jobs: 1500,
    drift,
    ignoreIdStartsWith: true,
    refuseOrders: ['id'],
    ties: 'shuffled',
  });
  const options = await ndjsonOptions(t, api);
  await assert.rejects(runExport(options), {
    exitCode: 65,
    message: /could not be proven.*--allow-incomplete/s,
  });
  const { manifest } = await runExport({ ...options, allowIncomplete: true });
  assert.equal(manifest.completeness.proven, false);
  assert.equal(manifest.completeness.method, 'none');
});

test('rows that come again with a later updated_at are published once, in their newer version', async (t) => {
  const updated: string[] = [];
  const api = await serve(t, {
    jobs: 2500,
    largestBatch: 40,
    onRequest: (query, n) => {
      if (n !== 20) return;
      // What the next window will show, once 300 older jobs have come in.
      const offset = query.offset - 220;
      const { rows } = api.jobs.page({ offset, limit: 50, direction: 'ASC' });
      updated.push(...rows.map((text) => String(JSON.parse(text).id)));
      for (const id of updated) api.jobs.update(id, { status: 'PAUSED' });
      for (let times = 0; times < 300; times++)
        api.jobs.insert({ created_at: 1_500_000_000_000_000 });
    },
  });
  const options = await ndjsonOptions(t, api);
  const { folder, manifest } = await runExport({ ...options, concurrency: 1 });
  const rows = await ndjsonRows(join(folder, 'jobs.ndjson'));
  assert.equal(manifest.completeness.proven, true);
  assert.ok(manifest.duplicates >= 50, `${manifest.duplicates} duplicates`);
  assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
  assert.equal(rows.length, manifest.rows);
  const status = new Map(rows.map((row) => [row.id, row.status]));
  assert.deepEqual(new Set(updated.map((id) => status.get(id))), new Set(['PAUSED']));
});

test('rows past --max-rejects end the run with 65; the same command with a higher limit fetches nothing again', async (t) => {
  const api = await serve(t, { oddities: ['id-absent', 'status-null'] });
  const options = await ndjsonOptions(t, api);
  await assert.rejects(runExport(options), (error) => {
    assert.ok(error instanceof Error);
    assert.match(
      error.message,
      /(\d+) rows cannot be exported.*id: missing.*status: missing.*--max-rejects \1/s,
    );
    assert.equal(Object(error).exitCode, 65);
    return true;
  });
  const before = api.stats.pages;
  const { manifest } = await runExport({ ...options, maxRejects: 3000 });
  assert.ok(manifest.rejects > 0);
  assert.equal(manifest.rows + manifest.rejects, 3000);
  const rejects = manifest.files.find(({ format }) => format === 'rejects');
  assert.equal(rejects?.name, 'rejects.ndjson');
  assert.equal(rejects?.rows, manifest.rejects);
  assert.ok(api.stats.pages - before <= 12, `${api.stats.pages - before} pages again`);
});

test('jobs that cannot be read are set aside, wherever they stand; the others are exported', async (t) => {
  const planted = {
    0: 'variables-nan',
    222: 'invalid-utf8',
    1499: 'variables-nan',
  } as const;
  const api = await serve(t, { jobs: 1500, planted, largestBatch: 40 });
  const options = await ndjsonOptions(t, api);
  await assert.rejects(runExport(options), {
    exitCode: 65,
    message:
      /^3 rows cannot .* \(offset 0, beside .*UTF-8 \(offset 222, beside .* --max-rejects 3/s,
  });
  const before = api.stats.pages;
  const { folder, manifest } = await runExport({ ...options, maxRejects: 3 });
  assert.ok(api.stats.pages - before <= 4, `${api.stats.pages - before} pages again`);
  assert.equal(manifest.completeness.method, 'enclosed');
  assert.deepEqual([manifest.rows, manifest.rejects], [1497, 3]);
  const lines = (await readFile(join(folder, 'rejects.ndjson'), 'utf8')).trim().split('\n');
  const rejects = lines.map((line) => JSON.parse(line));
  assert.deepEqual(rejects.map(({ offset }) => offset).toSorted(), [0, 1499, 222]);
  const kinds = rejects.map(({ raw, base64 }) => [/NaN/.test(raw), base64 !== undefined]);
  assert.equal(kinds.filter(([isText]) => isText).length, 2);
  assert.equal(kinds.filter(([, isBytes]) => isBytes).length, 1);
});

test('a failed run leaves the last snapshot as it was', async (t) => {
  const api = await serve(t, {});
  const options = await ndjsonOptions(t, api);
  const first = await runExport(options);
  api.faults.when(() => '404');
  await assert.rejects(runExport(options), { exitCode: 76 });
  const names = await readdir(join(options.output, 'jobs'));
  assert.deepEqual(names.filter((name) => !name.startsWith('.')).toSorted(), [
    'latest',
    `run=${first.manifest.runId}`,
    'status.json',
  ]);
});

test('a deadline ends the run with 75, resumable', async (t) => {
  const api = await serve(t, { jobs: 20_000, latencyMs: 20 });
  const options = { ...(await ndjsonOptions(t, api)), concurrency: 2 };
  await assert.rejects(runExport({ ...options, deadlineMs: 1500 }), {
    exitCode: 75,
    retryable: true,
  });
  const { manifest } = await runExport({ ...options, concurrency: 16 });
  assert.equal(manifest.rows, 20_000);
});

test('an output that cannot be written is refused before the first request', async (t) => {
  const api = await serve(t, {});
  const options = { ...(await ndjsonOptions(t, api)), output: '/proc/nowhere' };
  await assert.rejects(runExport(options), { exitCode: 73, message: /\/proc\/nowhere/ });
  assert.equal(api.stats.requests, 0);
});
