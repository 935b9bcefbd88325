import assert from 'node:assert/strict';
import { cp, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { pipelineStatus, type RunEvent, runExport } from '../../src/index.ts';
import type { ExitCode } from '../../src/platform/errors.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { type JobStore, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { rejection } from '../support/rejection.ts';

async function published(t: TestContext, jobs = 400) {
  const requests = { count: 0 };
  const api = await startSimulator({ jobs, onRequest: () => requests.count++ });
  t.after(() => api.close());
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), keep: 1 };
  const first = await runExport(options);
  requests.count = 0;
  return { api, options, first, requests };
}

const snapshotsIn = async ({ output }: ExportOptions): Promise<string[]> =>
  (await readdir(join(output, 'jobs'))).filter((name) => name.startsWith('run='));

/** Fails with an exit code and a message, and leaves the snapshot that was there. */
async function refused(
  options: ExportOptions,
  change: Partial<ExportOptions>,
  [exitCode, message]: readonly [ExitCode, RegExp],
): Promise<void> {
  const before = await snapshotsIn(options);
  const error = await rejection(runExport({ ...options, ...change }));
  assert.equal(Object(error).exitCode, exitCode, String(error));
  assert.match(String(error), message);
  assert.deepEqual(await snapshotsIn(options), before);
}

function shrinkTo(store: JobStore, rows: number): void {
  for (const id of store.ids().slice(rows)) store.delete(id);
}

test('a list that shrank is fetched once, refused, and published when told to without fetching it again', async (t) => {
  const { api, options, first, requests } = await published(t);
  shrinkTo(api.jobs, 100);
  await refused(options, {}, [65, /found 100 jobs, .*400 jobs.*--allow-shrink/]);
  requests.count = 0;
  const { manifest } = await runExport({ ...options, allowShrink: true });
  assert.equal(manifest.rows, 100);
  assert.ok(requests.count <= 1, `${requests.count} requests`);
  assert.notEqual(manifest.runId, first.manifest.runId);
});

test('what was refused is not gone on with by a plain run: the list may be well again', async (t) => {
  const { api, options } = await published(t);
  const kept = api.jobs
    .ids()
    .slice(100)
    .map((id) => [id, api.jobs.get(id) ?? ''] as const);
  shrinkTo(api.jobs, 100);
  await refused(options, {}, [65, /--allow-shrink/]);
  for (const [id, text] of kept)
    api.jobs.insert({ id, created_at: Date.parse(JSON.parse(text).created_at) * 1000 });
  const { manifest } = await runExport(options);
  assert.equal(manifest.rows, 400);
  assert.equal(manifest.resumed, 0);
});

test('what takes the place of an export of its own kind is guarded all the same', async (t) => {
  const { api, options } = await published(t);
  shrinkTo(api.jobs, 100);
  await refused(options, { replace: true }, [65, /found 100 jobs/]);
});

test('a link in place of the folder of a pipeline leads to its snapshots', async (t) => {
  const { api, options } = await published(t);
  const folder = join(options.output, 'jobs');
  await rename(folder, join(options.output, 'elsewhere'));
  await symlink('elsewhere', folder);
  assert.equal((await pipelineStatus(folder, 3_600_000)).snapshots.length, 1);
  const second = await runExport({ ...options, incremental: true });
  assert.equal(second.manifest.completeness.method, 'incremental');
  assert.deepEqual(await snapshotsIn(options), [`run=${second.manifest.runId}`]);
  shrinkTo(api.jobs, 100);
  await refused(options, {}, [65, /found 100 jobs/]);
  await refused(options, { filters: { status: ['DONE'] } }, [64, /other filters/]);
});

test('a snapshot whose manifest was edited is neither gone on from nor compared with', async (t) => {
  const { options, first } = await published(t);
  const file = join(first.folder, 'manifest.json');
  const manifest = JSON.parse(await readFile(file, 'utf8'));
  manifest.anomalies.unknown_status = 77;
  manifest.files[0].rows++;
  await writeFile(file, JSON.stringify(manifest));
  for (const incremental of [true, false]) {
    const said: string[] = [];
    const emit = (event: RunEvent) => void said.push('message' in event ? event.message : '');
    const other = { ...options, output: await temporaryFolder(t), incremental };
    await cp(options.output, other.output, { recursive: true, verbatimSymlinks: true });
    const again = (await runExport(other, { emit })).manifest;
    assert.equal(again.base, undefined);
    assert.deepEqual(again.anomalies, first.manifest.anomalies);
    const told = said.filter((line) => /reading everything: manifest\.json .* altered/.test(line));
    assert.equal(told.length, Number(incremental));
  }
});

test('an empty list never replaces one that had jobs, whatever the limit, incremental or not', async (t) => {
  const { api, options } = await published(t);
  shrinkTo(api.jobs, 0);
  for (const incremental of [false, true])
    await refused(options, { incremental, maxShrink: 1 }, [65, /found 0 jobs/]);
});

test('jobs that leave a filter are no shrinking, unless a limit is given', async (t) => {
  const { api } = await published(t);
  const status = api.jobs.idsWhere({ status: ['DONE'] });
  const options = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    filters: { status: ['DONE'] },
  };
  await runExport(options);
  for (const id of status.slice(10)) api.jobs.update(id, { status: 'ERROR' });
  await refused(options, { maxShrink: 0.5 }, [65, /found 10 jobs/]);
  assert.equal((await runExport({ ...options, restart: true })).manifest.rows, 10);
});

test('an export of another project or API is refused before the first request, told what to do, and may be let in', async (t) => {
  const { api, options, requests } = await published(t);
  const projectId = [JSON.parse(api.jobs.get(api.jobs.ids()[0]) ?? '').project_id];
  const other = { filters: { projectId } };
  await refused(options, other, [64, /other filters.*--as <name>.*--replace/]);
  const elsewhere = await startSimulator({ jobs: 300 });
  t.after(() => elsewhere.close());
  await refused(options, { apiUrl: elsewhere.url }, [64, /other API/]);
  assert.equal(requests.count, 0);
  const { manifest } = await runExport({ ...options, ...other, replace: true, keep: 2 });
  assert.ok(manifest.rows < 400);
  assert.equal(manifest.changes, undefined);
  assert.equal((await snapshotsIn(options)).length, 2);
});

test('the same filters in another order are the same export', async (t) => {
  const { api, options } = await published(t);
  const projectId = [
    ...new Set(api.jobs.ids().map((id) => JSON.parse(api.jobs.get(id) ?? '').project_id)),
  ];
  const own = { ...options, output: await temporaryFolder(t) };
  await runExport({ ...own, filters: { projectId, origin: ['CLIENT'] } });
  const turned = { origin: ['CLIENT'], projectId: projectId.toReversed() };
  assert.ok((await runExport({ ...own, filters: turned })).manifest.changes);
});

test('a relative date is resolved once, kept with the unfinished work, and compared as it was written', async (t) => {
  const seen: (string | undefined)[] = [];
  let stop = new AbortController();
  const api = await startSimulator({
    jobs: 3000,
    onRequest: ({ filters }, n) => {
      seen.push(filters.startDate === undefined ? undefined : String(filters.startDate));
      if (n === 12) stop.abort(new Error('killed'));
    },
  });
  t.after(() => api.close());
  const now = Math.ceil(api.jobs.latest / 1000);
  const clock = (wall: number) => ({
    clock: { wall: () => wall, monotonic: () => performance.now(), sleep: async () => {} },
  });
  const given = {
    ...exportOptions(api.url, await temporaryFolder(t)),
    filters: { startDate: '-9000d' },
    concurrency: 1,
  };
  await assert.rejects(runExport(given, clock(now), stop.signal));
  stop = new AbortController();
  const { manifest } = await runExport(given, clock(now + 3_600_000));
  assert.equal(manifest.resumed, 1);
  assert.equal(new Set(seen).size, 1);
  assert.deepEqual(manifest.filters, { startDate: '-9000d' });
  assert.match(String(manifest.dates?.startDate), /^\d{4}-\d\d-\d\dT/);
  // The next night's window is another, and no other export.
  assert.ok((await runExport(given, clock(now + 86_400_000))).manifest.rows > 0);
});
