import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { planExport, runExport } from '../../src/index.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import type { Effects } from '../../src/platform/effects.ts';
import { nodeEffects } from '../../src/platform/effects.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { duckdb } from '../support/read-snapshot.ts';

const JOBS = 10_500;
const STOP = new Error('stopped by the test');

/** Runs until about `jobs` have come in, then stops as a signal does. */
async function interrupted(
  api: Simulator,
  output: string,
  jobs: number,
  options = {},
): Promise<void> {
  const stop = new AbortController();
  const emit: Effects['emit'] = (event) => {
    if (event.type === 'progress' && event.jobs >= jobs) stop.abort(STOP);
  };
  const run = runExport({ ...exportOptions(api.url, output), ...options }, { emit }, stop.signal);
  await assert.rejects(run, STOP);
}

function digests({ files }: Manifest): string[] {
  return files.map(({ name, sha256 }) => `${name} ${sha256}`);
}

async function serve(t: TestContext, options = {}): Promise<Simulator> {
  const api = await startSimulator({ jobs: JOBS, oddities: true, ...options });
  t.after(() => api.close());
  return api;
}

async function workFiles(output: string): Promise<string[]> {
  const work = join(output, 'jobs', '.work');
  const [run] = await readdir(work);
  return (await readdir(join(work, run))).map((name) => join(work, run, name));
}

test('an interrupted export goes on where it stopped and ends with the same bytes', async (t) => {
  const api = await serve(t);
  const undisturbed = await runExport(exportOptions(api.url, await temporaryFolder(t)));
  const output = await temporaryFolder(t);
  await interrupted(api, output, 2500);
  await interrupted(api, output, 6000, { concurrency: 3 });
  assert.deepEqual(
    (await readdir(join(output, 'jobs'))).toSorted(),
    ['.work', 'status.json'],
    'nothing to see for a reader',
  );
  await interrupted(api, output, 9500, { formats: ['ndjson'] });
  const before = api.stats.pages;
  const { manifest, folder } = await runExport(exportOptions(api.url, output));
  assert.deepEqual(digests(manifest), digests(undisturbed.manifest));
  assert.equal(manifest.idChecksum, undisturbed.manifest.idChecksum);
  assert.deepEqual(manifest.anomalies, undisturbed.manifest.anomalies);
  assert.equal(manifest.rows, JOBS);
  assert.equal(manifest.resumed, 3);
  assert.equal(manifest.completeness.proven, true);
  assert.ok(
    api.stats.pages - before < 0.3 * 107,
    `${api.stats.pages - before} pages for the last tenth, and what was in flight`,
  );
  assert.equal(await readlink(join(output, 'jobs', 'latest')), `run=${manifest.runId}`);
  assert.deepEqual((await readdir(join(folder, '..'))).toSorted(), [
    '.work',
    'latest',
    `run=${manifest.runId}`,
    'status.json',
  ]);
});

test('an export without some columns goes on with work of its own only', async (t) => {
  const api = await serve(t);
  const output = await temporaryFolder(t);
  await interrupted(api, output, 6000);
  await interrupted(api, output, 6000, { without: ['sequence', 'errors'] });
  const options = { ...exportOptions(api.url, output), without: ['errors', 'sequence'] };
  const resumed = await runExport(options);
  assert.equal(resumed.manifest.resumed, 1, 'the same columns in another order');
  const other = { ...options, without: ['sequence'], replace: true };
  const { manifest } = await runExport(other);
  assert.equal(manifest.resumed, 0);
  assert.deepEqual(
    manifest.columns.filter(({ name }) => ['errors', 'sequence'].includes(name)),
    [{ name: 'errors', type: 'strings', required: false }],
  );
  const undisturbed = await runExport({ ...options, output: await temporaryFolder(t) });
  assert.deepEqual(digests(resumed.manifest), digests(undisturbed.manifest));
});

test('unfinished work that is never asked for again goes with a run that publishes, once it is too old to be resumed', async (t) => {
  const api = await serve(t, { jobs: 600 });
  const output = await temporaryFolder(t);
  const works = () => readdir(join(output, 'jobs', '.work'));
  const windowFrom = (startDate: string) => ({ filters: { startDate } });
  await interrupted(api, output, 100, windowFrom('2020-01-01'));
  const publishing = { ...exportOptions(api.url, output), ...windowFrom('2020-01-02') };
  await runExport(publishing);
  const [left, ...others] = await works();
  assert.deepEqual(others, []);
  const emit = () => {};
  const clock = { ...nodeEffects.clock, wall: () => Date.now() + publishing.resumeWithinMs };
  const elsewhere = { ...publishing, apiUrl: `${api.url}/nowhere`, replace: true };
  const failing = runExport(elsewhere, { clock, emit });
  await assert.rejects(failing, { exitCode: 76 });
  assert.ok((await works()).includes(left), 'a failed run removes nothing');
  await runExport(publishing, { clock });
  assert.ok(!(await works()).includes(left));
});

test('400 ids go in requests of at most 4 kB, are proven, and resumed', async (t) => {
  const api = await serve(t, { jobs: 1200 });
  const { rows } = api.jobs.page({ offset: 0, limit: 1200 });
  const ids = rows.flatMap((text, at) => (at % 3 === 0 ? [String(JSON.parse(text).id)] : []));
  const lines: number[] = [];
  const seen = (message: unknown) => {
    const { request } = Object(message);
    lines.push(`${request.method} ${request.url} HTTP/1.1\r\n`.length);
  };
  subscribe('http.server.request.start', seen);
  t.after(() => unsubscribe('http.server.request.start', seen));
  const filters = { id: [...ids, ids[0], '00000000-0000-4000-8000-000000000000'] };
  const { manifest, folder } = await runExport({
    ...exportOptions(api.url, await temporaryFolder(t)),
    filters,
  });
  assert.deepEqual((await exportedIds(folder)).toSorted(), ids.toSorted());
  assert.equal(manifest.completeness.proven, true);
  assert.ok(lines.length > 4 && Math.max(...lines) <= 4096, `${Math.max(...lines)} bytes`);
  assert.ok(Math.max(...lines) > 3000, 'not one by one');

  const output = await temporaryFolder(t);
  await interrupted(api, output, 200, { filters });
  const resumed = await runExport({ ...exportOptions(api.url, output), filters });
  assert.equal(resumed.manifest.resumed, 1);
  assert.equal(resumed.manifest.completeness.proven, true);
  assert.deepEqual(digests(resumed.manifest), digests(manifest));
});

async function exportedIds(folder: string): Promise<string[]> {
  const lines = (await readFile(join(folder, 'jobs.ndjson'), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => String(JSON.parse(line).id));
}

test('rows set aside survive an interruption', async (t) => {
  const api = await serve(t, {
    jobs: 6000,
    oddities: ['id-absent', 'created-impossible', 'lone-surrogate'],
  });
  const options = { maxRejects: 1000 };
  const undisturbed = await runExport({
    ...exportOptions(api.url, await temporaryFolder(t)),
    ...options,
  });
  const output = await temporaryFolder(t);
  await interrupted(api, output, 4500, options);
  const { manifest } = await runExport({ ...exportOptions(api.url, output), ...options });
  assert.ok(manifest.rejects > 0);
  assert.equal(manifest.rejects, undisturbed.manifest.rejects);
  assert.deepEqual(digests(manifest), digests(undisturbed.manifest));
});

test('a run that changed nothing since does not publish twice, --restart starts afresh', async (t) => {
  const api = await serve(t, { jobs: 3000 });
  const output = await temporaryFolder(t);
  await interrupted(api, output, 2500);
  const before = api.stats.pages;
  const { manifest } = await runExport({ ...exportOptions(api.url, output), restart: true });
  assert.equal(manifest.resumed, 0);
  assert.ok(api.stats.pages - before >= 31);
});

test('work that is too old is started afresh', async (t) => {
  const api = await serve(t, { jobs: 3000 });
  const output = await temporaryFolder(t);
  await interrupted(api, output, 2500);
  const { manifest } = await runExport({ ...exportOptions(api.url, output), resumeWithinMs: 0 });
  assert.equal(manifest.resumed, 0);
});

test('an altered part is noticed and fetched again', async (t) => {
  const api = await serve(t);
  const undisturbed = await runExport(exportOptions(api.url, await temporaryFolder(t)));
  const output = await temporaryFolder(t);
  await interrupted(api, output, 7000);
  const [, second] = (await workFiles(output)).filter((path) => path.endsWith('.arrow')).toSorted();
  const bytes = await readFile(second);
  bytes[bytes.length >> 1] ^= 1;
  await writeFile(second, bytes);
  const warnings: string[] = [];
  const emit: Effects['emit'] = (event) => {
    if (event.type === 'log' && event.level === 'warn') warnings.push(event.message);
  };
  const { manifest } = await runExport(exportOptions(api.url, output), { emit });
  assert.match(warnings.join(), /lost or altered; they are fetched again/);
  assert.deepEqual(digests(manifest), digests(undisturbed.manifest));
});

test('a torn part is fetched again, a damaged header is refused with --restart as the way out', async (t) => {
  const api = await serve(t);
  const undisturbed = await runExport(exportOptions(api.url, await temporaryFolder(t)));
  const output = await temporaryFolder(t);
  await interrupted(api, output, 7000);
  const files = await workFiles(output);
  const [part] = files
    .filter((path) => path.endsWith('.arrow'))
    .toSorted()
    .toReversed();
  const [header] = files.filter((path) => path.endsWith('work.json'));
  const whole = await readFile(part);
  await writeFile(part, whole.subarray(0, whole.length - 7));
  await interrupted(api, output, 8500);
  const sound = await readFile(header);
  await writeFile(header, sound.subarray(7));
  await assert.rejects(runExport(exportOptions(api.url, output)), {
    exitCode: 74,
    message: /--restart/,
  });
  await writeFile(header, sound);
  const { manifest } = await runExport(exportOptions(api.url, output));
  assert.deepEqual(digests(manifest), digests(undisturbed.manifest));
  await interrupted(api, output, 2500);
  const [begun] = (await workFiles(output)).filter((path) => path.endsWith('work.json'));
  await writeFile(begun, '{}');
  const again = await runExport({ ...exportOptions(api.url, output), restart: true });
  assert.equal(again.manifest.rows, JOBS);
});

test('two runs at once: one publishes, the other names the holder and exits 75', async (t) => {
  const api = await serve(t, { jobs: 5000, latencyMs: 5 });
  const output = await temporaryFolder(t);
  const results = await Promise.allSettled(
    [1, 2].map(() => runExport(exportOptions(api.url, output))),
  );
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  assert.equal(failures.length, 1);
  assert.equal(failures[0].exitCode, 75);
  assert.match(failures[0].message, new RegExp(String(process.pid)));
});

test('--keep removes older snapshots and never the latest', async (t) => {
  const api = await serve(t, { jobs: 300 });
  const output = await temporaryFolder(t);
  const runs = [];
  for (let run = 0; run < 3; run++)
    runs.push(await runExport({ ...exportOptions(api.url, output), keep: 2 }));
  const names = (await nodeFiles.list(join(output, 'jobs'))).filter(
    (name) => !name.startsWith('.') && name !== 'status.json',
  );
  assert.equal(names.length, 3, 'two snapshots and latest');
  assert.ok(names.includes(`run=${runs[2].manifest.runId}`));
  const read = (path: string) =>
    duckdb(`SELECT * FROM '${join(output, 'jobs', path, 'jobs.parquet')}'`);
  const nights = (await read('run=*')).map(({ run }) => run);
  assert.equal(nights.length, 600, 'two nights, and latest not once more');
  assert.deepEqual(
    [...new Set(nights)].sort(),
    runs
      .slice(1)
      .map(({ manifest }) => manifest.runId)
      .sort(),
  );
  assert.ok(!('run' in (await read('latest'))[0]), 'no such column through latest');
});

test('what was fetched before another run published has older rows, and is fetched anew', async (t) => {
  const api = await serve(t);
  const output = await temporaryFolder(t);
  await runExport(exportOptions(api.url, output));
  await interrupted(api, output, 6000);
  const [open] = api.jobs.idsWhere({ status: ['PENDING'] });
  api.jobs.update(open, { status: 'DONE' });
  const added = api.jobs.insert({ created_at: Date.now() * 1000 });
  const incremental = { ...exportOptions(api.url, output), incremental: true };
  const second = await runExport(incremental);
  assert.equal(second.manifest.completeness.method, 'incremental');
  const { manifest } = await runExport(exportOptions(api.url, output));
  assert.equal(manifest.resumed, 0);
  assert.deepEqual(manifest.changes, { created: 0, updated: 0, deleted: 0, failed: 0 });
  assert.deepEqual(manifest.audit, { changed: 0, late: 0 });
  assert.equal(manifest.idChecksum, second.manifest.idChecksum);
  assert.ok(api.jobs.ids().includes(added));
});

test('a restart discards what was there before, not what the same run has fetched', async (t) => {
  const api = await serve(t);
  const output = await temporaryFolder(t);
  await interrupted(api, output, 2500);
  let failures = 0;
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  const files: Effects['files'] = {
    ...nodeFiles,
    open: (path, mode) =>
      path.includes('part-000002') && failures++ === 0
        ? Promise.reject(full)
        : nodeFiles.open(path, mode),
  };
  const clock = { ...nodeEffects.clock, sleep: async () => {} };
  const options = { ...exportOptions(api.url, output), restart: true, keepTryingMs: 3_600_000 };
  const { manifest } = await runExport(options, { files, clock });
  assert.ok(failures > 1);
  assert.equal(manifest.resumed, 1);
});

test('a plan of more ids than fit one request counts all of them', async (t) => {
  const api = await serve(t);
  const id = api.jobs.ids().slice(0, 300);
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), filters: { id } };
  const { total, requests } = await planExport(options);
  assert.equal(total, 300);
  const { manifest } = await runExport(options);
  assert.equal(manifest.rows, 300);
  assert.ok(Math.abs(manifest.requests - requests) <= 4, `${manifest.requests}, ${requests}`);
});

test('ids that begin with a mark or hold half a pair are known again after an interruption', async (t) => {
  const api = await serve(t, { jobs: 100, oddities: false });
  const odd = (n: number) => (n % 2 === 0 ? `\\ufeff${n}` : `\\ud800${n}`);
  for (let n = 0; n < 6000; n++) api.jobs.insert({ raw: { id: `"${odd(n)}"` } });
  const output = await temporaryFolder(t);
  await interrupted(api, output, 4000);
  const { folder, manifest } = await runExport(exportOptions(api.url, output));
  assert.equal(manifest.resumed, 1);
  assert.equal(manifest.completeness.proven, true);
  const lines = (await readFile(join(folder, 'jobs.ndjson'), 'utf8')).trim().split('\n');
  const ids = new Set(lines.map((line) => String(JSON.parse(line).id)));
  assert.deepEqual([lines.length, ids.size], [6100, 6100]);
  assert.ok(ids.has('\ufeff0') && ids.has('\\ud8001'));
});

test('parts are as large as their jobs are, whichever field that is', async (t) => {
  const api = await startSimulator({ jobs: 100 });
  t.after(() => api.close());
  const long = JSON.stringify([`${'x'.repeat(1e6)}`]);
  for (let n = 0; n < 40; n++)
    api.jobs.insert({ raw: n % 2 === 0 ? { errors: long } : { result: long } });
  const parts = new Set<string>();
  const files: Effects['files'] = {
    ...nodeFiles,
    open(path, mode) {
      if (path.includes('part-')) parts.add(path);
      return nodeFiles.open(path, mode);
    },
  };
  const { manifest } = await runExport(exportOptions(api.url, await temporaryFolder(t)), { files });
  assert.equal(manifest.rows, 140);
  assert.ok(parts.size >= 4, `${parts.size} parts`);
});
