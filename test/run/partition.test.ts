import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { runExport } from '../../src/index.ts';
import { startSimulator } from '../simulator/index.ts';
import { page } from '../support/docs.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { duckdb } from '../support/read-snapshot.ts';

const DIGITS = [...'0123456789abcdef'];

/** The SQL of docs/scale.md, for parts that lie in a folder. */
async function documented(folder: string): Promise<string[]> {
  const blocks = (await page('docs/scale.md')).matchAll(/```sql\n(.*?)```/gs);
  return [...blocks].map(([, sql = '']) => sql.replace("'part=", `'${folder}/part=`));
}

test('sixteen exports by the first digit of the id are a partition, each proven, and read as one table', {
  timeout: 600_000,
}, async (t) => {
  const api = await startSimulator({ jobs: 3000, ties: 'shuffled' });
  t.after(() => api.close());
  const folder = await temporaryFolder(t);
  for (const digit of DIGITS) {
    const { manifest } = await runExport({
      ...exportOptions(api.url, join(folder, `part=${digit}`)),
      filters: { idStartsWith: digit },
      formats: ['parquet'],
      concurrency: 2,
    });
    assert.equal(manifest.completeness.proven, true, digit);
  }

  const { rows } = api.jobs.page({ offset: 0, limit: 3000, direction: 'ASC' });
  const jobs: { id: string; status: string }[] = rows.map((text) => JSON.parse(text));
  const files = `read_parquet('${folder}/part=*/jobs/latest/jobs.parquet')`;
  const found = await duckdb(`SELECT id, part FROM ${files} ORDER BY id`);
  const wanted = jobs.map(({ id }) => ({ id, part: id.charAt(0) }));
  assert.deepEqual(
    found.map(({ id, part }) => ({ id, part })),
    wanted.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );

  const [byStatus = '', whole = ''] = await documented(folder);
  const counts = new Map<string, number>();
  for (const { status } of jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const counted = await duckdb(byStatus);
  assert.deepEqual(
    counted.map((row) => Object.values(row).join(' ')).toSorted(),
    [...counts].map((pair) => pair.join(' ')).toSorted(),
  );
  const [answer = {}] = await duckdb(whole);
  assert.deepEqual(Object.values(answer).map(String), ['true', '3000']);
});
