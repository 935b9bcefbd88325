import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runExport, verifySnapshot } from '../../src/index.ts';
import { JOB_COLUMNS } from '../../src/jobs/columns.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../simulator/index.ts';
import { page, section, tableRows } from '../support/docs.ts';
import { expectedRow, type PlainRow } from '../support/expected-row.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import {
  arrowRows,
  ndjsonRows,
  parquetByDuckdb,
  parquetByHyparquet,
  viewByDuckdb,
  viewTypes,
} from '../support/read-snapshot.ts';

const ODD_JOBS = { seed: 42, oddities: true, sequenceBytes: 40 };

const READERS = [
  ['jobs.parquet', parquetByDuckdb],
  ['jobs.parquet', parquetByHyparquet],
  ['jobs.arrow', arrowRows],
  ['jobs.ndjson', ndjsonRows],
] as const;

test('every value of 5,000 odd rows is the same in all formats and readers', {
  timeout: 600_000,
}, async (t) => {
  await assertReadable(t, { ...ODD_JOBS, jobs: 5000 });
});

// None, one, a page and its neighbours, and one more than the rows from which DuckDB guesses the types of NDJSON.
for (const jobs of [0, 1, 99, 100, 101, 20_481]) {
  test(`${jobs} rows are the same in all formats and readers`, { timeout: 600_000 }, (t) =>
    assertReadable(t, { ...ODD_JOBS, jobs }),
  );
}

async function assertReadable(t: TestContext, jobs: SimulatorOptions): Promise<void> {
  const api = await startSimulator(jobs);
  t.after(() => api.close());
  const folder = await exported(t, api.url);
  const expected = expectedRows(api);
  assert.equal(expected.length, jobs.jobs);
  for (const [name, read] of READERS)
    assertRows(await read(join(folder, name)), expected, `${name} by ${read.name}`);
}

/** By way of `latest`: read through its own folder, DuckDB adds a column `run`. */
async function exported(t: TestContext, url: string): Promise<string> {
  const { folder } = await runExport(exportOptions(url, await temporaryFolder(t)));
  return join(folder, '../latest');
}

function expectedRows(api: Simulator, without: readonly string[] = []): PlainRow[] {
  const { rows } = api.jobs.page({ offset: 0, limit: 100_000, direction: 'ASC' });
  return rows.map((text) => expectedRow(text, without)).toSorted(byTimeAndId);
}

function byTimeAndId(a: PlainRow, b: PlainRow): number {
  const [first, second] = [BigInt(String(a.created_at)), BigInt(String(b.created_at))];
  if (first !== second) return first < second ? -1 : 1;
  return Buffer.compare(Buffer.from(String(a.id)), Buffer.from(String(b.id)));
}

function assertRows(
  actual: readonly PlainRow[],
  expected: readonly PlainRow[],
  what: string,
): void {
  assert.equal(actual.length, expected.length, what);
  for (const [at, row] of expected.entries())
    assert.deepEqual(actual[at], row, `${what}, row ${at}`);
}

test('load.sql makes a view with the types of docs/columns.md, of Parquet or else of NDJSON', async (t) => {
  const api = await startSimulator({ ...ODD_JOBS, jobs: 300 });
  t.after(() => api.close());
  const expected = expectedRows(api);
  const documented = tableRows(section(await page('docs/columns.md'), 'In each reader'));
  const types = new Map(documented.map(([type, duckdb]) => [type, duckdb]));
  const wanted = JOB_COLUMNS.map(({ name, type }) => `${name} ${types.get(type)}`);
  const cases: [Partial<ExportOptions>, RegExp][] = [
    [{ formats: ['ndjson', 'arrow', 'parquet'] }, /'jobs\.parquet'/],
    [{ formats: ['arrow', 'ndjson'] }, /'jobs\.ndjson'/],
    [{ formats: ['ndjson'], compression: 'gzip' }, /'jobs\.ndjson\.gz'/],
  ];
  for (const [options, source] of cases) {
    const { folder, manifest } = await runExport({
      ...exportOptions(api.url, await temporaryFolder(t)),
      ...options,
    });
    assert.match(await readFile(join(folder, 'load.sql'), 'utf8'), source);
    assert.equal(manifest.files.at(-1)?.name, 'load.sql');
    assert.deepEqual((await verifySnapshot(folder)).problems, []);
    assertRows(await viewByDuckdb(folder), expected, String(source));
    assert.deepEqual(await viewTypes(folder), wanted, String(source));
  }
});

test('columns that are left out are in no file, for no reader, and not in load.sql', async (t) => {
  const api = await startSimulator({ ...ODD_JOBS, jobs: 1000 });
  t.after(() => api.close());
  const without = ['sequence', 'variables', 'queue_seconds', 'errors'];
  const kept = JOB_COLUMNS.map(({ name }) => name).filter((name) => !without.includes(name));
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), without };
  const { folder, manifest } = await runExport(options);
  assert.deepEqual(manifest.without, without.toSorted());
  assert.equal(manifest.columns.map(({ name }) => name).join(), kept.join());
  assert.deepEqual((await verifySnapshot(folder)).problems, []);
  const expected = expectedRows(api, without);
  for (const [name, read] of READERS)
    assertRows(await read(join(folder, '../latest', name)), expected, `${name} by ${read.name}`);
  const output = await temporaryFolder(t);
  const lines = await runExport({ ...options, output, formats: ['ndjson'] });
  assertRows(await viewByDuckdb(lines.folder), expected, 'load.sql');
  assert.equal((await viewTypes(lines.folder)).length, kept.length);
});

test('a snapshot of Arrow alone has no load.sql', async (t) => {
  const api = await startSimulator({ jobs: 3 });
  t.after(() => api.close());
  const options = exportOptions(api.url, await temporaryFolder(t));
  const { folder } = await runExport({ ...options, formats: ['arrow'] });
  assert.deepEqual((await readdir(folder)).toSorted(), ['jobs.arrow', 'manifest.json']);
});

test('a field that first has a value behind the rows DuckDB guesses from is read by load.sql', {
  timeout: 600_000,
}, async (t) => {
  const api = await startSimulator({
    jobs: 21_000,
    oddities: ['null-fields'],
    oddityRate: 1,
    planted: { 20999: 'text-emoji' },
  });
  t.after(() => api.close());
  const options = exportOptions(api.url, await temporaryFolder(t));
  const { folder } = await runExport({ ...options, formats: ['ndjson'] });
  const values = (await viewByDuckdb(folder)).map(({ slurm_job_id }) => slurm_job_id);
  const first = values.findIndex((value) => value !== null);
  assert.ok(first >= 20_480, `${first} of ${values.length} rows`);
  assert.match(String(values[first]), /^\u{1F9EA}/u);
});

test('concurrency 1 and 16 give byte-identical files', async (t) => {
  const api = await startSimulator({ jobs: 5000, oddities: true });
  t.after(() => api.close());
  const digests = [];
  for (const concurrency of [1, 16]) {
    const options = { ...exportOptions(api.url, await temporaryFolder(t)), concurrency };
    const { folder, manifest } = await runExport(options);
    for (const { name, sha256 } of manifest.files) {
      const bytes = await readFile(join(folder, name));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, name);
    }
    digests.push(manifest.files.map(({ name, sha256 }) => `${name} ${sha256}`));
  }
  assert.equal(digests[0].length, 4);
  assert.deepEqual(digests[0], digests[1]);
});
