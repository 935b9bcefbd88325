import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type JobFilters, JobStore } from './index.ts';

type Job = Record<string, unknown>;

const store = new JobStore({ jobs: 1500, seed: 11 });
const keys = Array.from({ length: store.size }, (_, position) => store.keysAt(position));
const all = select({});

function select(filters: JobFilters): Job[] {
  const { total, rows } = store.page({ offset: 0, limit: 1500, direction: 'ASC', filters });
  assert.equal(total, rows.length);
  return rows.map((row) => JSON.parse(row));
}

/** The filter gives just the jobs that pass the test, and neither all nor none of them. */
function expectFilter(filters: JobFilters, passes: (job: Job) => boolean): void {
  const expected = all.filter(passes);
  assert.ok(expected.length > 0 && expected.length < all.length, 'the test tells nothing');
  assert.deepEqual(select(filters), expected);
}

const [first, second] = [all[3], all[900]];

test('values of a list are joined with OR', () => {
  const pair = (name: string): string[] => [String(first[name]), String(second[name])];
  expectFilter({ id: pair('id') }, (job) => pair('id').includes(String(job.id)));
  expectFilter({ batchId: pair('batch_id') }, (job) =>
    pair('batch_id').includes(String(job.batch_id)),
  );
  expectFilter(
    { projectId: [String(first.project_id)] },
    (job) => job.project_id === first.project_id,
  );
  expectFilter(
    { status: ['ERROR', 'CANCELED'] },
    (job) => job.status === 'ERROR' || job.status === 'CANCELED',
  );
});

test('ids are compared as UUIDs, prefixes as text', () => {
  const id = String(first.id);
  expectFilter({ id: [id.toUpperCase(), id] }, (job) => job.id === id);
  expectFilter({ idStartsWith: id.slice(0, 2) }, (job) =>
    String(job.id).startsWith(id.slice(0, 2)),
  );
  assert.deepEqual(select({ id: [id], idStartsWith: id.startsWith('0') ? '1' : '0' }), []);
});

test('users and origins are filtered by though the job does not show them', () => {
  const { userId } = keys[3];
  const byUser = new Set(keys.filter((one) => one.userId === userId).map((one) => one.idText));
  expectFilter({ userId: [userId] }, (job) => byUser.has(String(job.id)));
  const { origin } = keys.find((one) => one.origin !== 'CLIENT') ?? keys[0];
  const byOrigin = new Set(keys.filter((one) => one.origin === origin).map((one) => one.idText));
  expectFilter({ origin: [origin] }, (job) => byOrigin.has(String(job.id)));
});

test('bounds of runs include the bound', () => {
  expectFilter({ minRuns: 200 }, (job) => Number(job.runs) >= 200);
  expectFilter({ maxRuns: 200 }, (job) => Number(job.runs) <= 200);
  expectFilter(
    { minRuns: 200, maxRuns: 500 },
    (job) => Number(job.runs) >= 200 && Number(job.runs) <= 500,
  );
});

test('errors: true are jobs that returned some, false are the others', () => {
  const failed = (job: Job): boolean => Array.isArray(job.errors) && job.errors.length > 0;
  expectFilter({ errors: true }, failed);
  expectFilter({ errors: false }, (job) => !failed(job));
});

test('dates bound the execution, and jobs that did not run drop out', () => {
  const start = String(first.start_timestamp);
  expectFilter(
    { startDate: start },
    (job) => job.start_timestamp !== null && String(job.start_timestamp) >= start,
  );
  const end = String(second.end_timestamp);
  expectFilter(
    { endDate: end },
    (job) => job.end_timestamp !== null && String(job.end_timestamp) <= end,
  );
});

test('filters are joined with AND; empty lists and undefined filter nothing', () => {
  expectFilter(
    { status: ['DONE'], minRuns: 200, errors: false },
    (job) => job.status === 'DONE' && Number(job.runs) >= 200,
  );
  assert.equal(select({ status: [], id: [], idStartsWith: '', minRuns: undefined }).length, 1500);
  assert.deepEqual(select({ status: ['NOWHERE'] }), []);
});
