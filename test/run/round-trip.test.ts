import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { runExport } from '../../src/run.ts';
import { type SimulatorOptions, startSimulator } from '../simulator/index.ts';
import { expectedRow, type PlainRow } from '../support/expected-row.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import {
  arrowRows,
  duckdb,
  ndjsonRows,
  parquetByDuckdb,
  parquetByHyparquet,
} from '../support/read-snapshot.ts';

const ODD_JOBS = { seed: 42, oddities: true, sequenceBytes: 40 };

const READERS = [
  ['jobs.parquet', parquetByDuckdb],
  ['jobs.parquet', parquetByHyparquet],
  ['jobs.arrow', arrowRows],
  ['jobs.ndjson', ndjsonRows],
] as const;

test('every value of 5,000 odd rows is the same in all formats and readers', {
  timeout: 120_000,
}, async (t) => {
  await assertReadable(t, { ...ODD_JOBS, jobs: 5000 });
});

// None, one, a page and its neighbours, and one more than the rows from which DuckDB guesses the types of NDJSON.
for (const jobs of [0, 1, 99, 100, 101, 20_481]) {
  test(`${jobs} rows are the same in all formats and readers`, { timeout: 240_000 }, (t) =>
    assertReadable(t, { ...ODD_JOBS, jobs }),
  );
}

async function assertReadable(t: TestContext, jobs: SimulatorOptions): Promise<void> {
  const api = await startSimulator(jobs);
  t.after(() => api.close());
  const folder = await exported(t, api.url);
  const { rows } = api.jobs.page({ offset: 0, limit: 100_000, direction: 'ASC' });
  const expected = rows.map((text) => expectedRow(text)).toSorted(byTimeAndId);
  assert.equal(expected.length, jobs.jobs);
  for (const [name, read] of READERS)
    assertRows(await read(join(folder, name)), expected, `${name} by ${read.name}`);
}

/** By way of `latest`: read through its own folder, DuckDB adds a column `run`. */
async function exported(t: TestContext, url: string): Promise<string> {
  const { folder } = await runExport(exportOptions(url, await temporaryFolder(t)));
  return join(folder, '../latest');
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

test('DuckDB reports TIMESTAMP WITH TIME ZONE for the four timestamps, lists and 64-bit integers', async (t) => {
  const api = await startSimulator({ jobs: 200 });
  t.after(() => api.close());
  const folder = await exported(t, api.url);
  const described = await duckdb(
    `DESCRIBE SELECT * FROM read_parquet('${join(folder, 'jobs.parquet')}')`,
  );
  const types = Object.fromEntries(
    described.map(({ column_name, column_type }) => [column_name, column_type]),
  );
  for (const name of ['created_at', 'updated_at', 'start_timestamp', 'end_timestamp']) {
    assert.equal(types[name], 'TIMESTAMP WITH TIME ZONE');
  }
  const {
    runs,
    errors,
    anomalies,
    variables,
    extra,
    is_final: isFinal,
    queue_seconds: queue,
  } = types;
  assert.deepEqual(
    { runs, errors, anomalies, variables, extra, isFinal, queue },
    {
      runs: 'BIGINT',
      errors: 'VARCHAR[]',
      anomalies: 'VARCHAR[]',
      variables: 'VARCHAR',
      extra: 'VARCHAR',
      isFinal: 'BOOLEAN',
      queue: 'DOUBLE',
    },
  );
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
  assert.equal(digests[0].length, 3);
  assert.deepEqual(digests[0], digests[1]);
});
