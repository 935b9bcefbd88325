import assert from 'node:assert/strict';
import test from 'node:test';
import { page } from '../support/docs.ts';
import { temporaryFolder } from '../support/exports.ts';
import { fiveNights } from '../support/five-nights.ts';
import { duckdb } from '../support/read-snapshot.ts';

test('the queries of docs/changes.md tell of five nights what happened in them', async (t) => {
  const { folder, changes, statuses } = await fiveNights(await temporaryFolder(t));
  const blocks = [...(await page('docs/changes.md')).matchAll(/```sql\n(.*?)```/gs)];
  const queries = blocks.map(([, sql = '']) =>
    sql.replace(/(FROM '|read_parquet\(')/g, `$1${folder}/`),
  );
  assert.equal(queries.length, 4);
  const [since, failed, byStatus, history] = await Promise.all(queries.map((sql) => duckdb(sql)));

  const last = changes.filter(({ run }) => run === changes.at(-1)?.run);
  const counted = new Map<string, number>();
  for (const { change, previous_status, status } of last) {
    const kind = `${change} ${previous_status} ${status}`;
    counted.set(kind, (counted.get(kind) ?? 0) + 1);
  }
  assert.deepEqual(
    new Map(
      since.map((row) => [`${row.change} ${row.previous_status} ${row.status}`, Number(row.jobs)]),
    ),
    counted,
  );
  assert.deepEqual(
    failed.map(({ id }) => String(id)).toSorted(),
    last
      .filter(({ change, status }) => change !== 'deleted' && /ERROR|TIMED_OUT/.test(status))
      .map(({ id }) => id)
      .toSorted(),
  );
  assert.deepEqual(
    Object.fromEntries(byStatus.map((row) => [`${row.run} ${row.status}`, Number(row.jobs)])),
    statuses,
  );
  const sorted = changes.toSorted((a, b) => (`${a.id} ${a.run}` < `${b.id} ${b.run}` ? -1 : 1));
  assert.deepEqual(
    history.map(({ id, run, change, previous_status, status }) => ({
      id,
      run,
      change,
      previous_status,
      status,
    })),
    sorted.map(({ id, run, change, previous_status, status }) => ({
      id,
      run,
      change,
      previous_status,
      status,
    })),
  );
});
