import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { JobStore } from './index.ts';
import { JOB_FIELDS } from './members.ts';
import { isUuid } from './values.ts';

type Job = Record<string, unknown>;

function jobsOf(store: JobStore): Job[] {
  const { rows } = store.page({ offset: 0, limit: store.size, direction: 'ASC' });
  return rows.map((text) => JSON.parse(text));
}

function countBy(jobs: readonly Job[], field: string): Map<unknown, number> {
  const counts = new Map<unknown, number>();
  for (const job of jobs) counts.set(job[field], (counts.get(job[field]) ?? 0) + 1);
  return counts;
}

const store = new JobStore({ jobs: 5000, seed: 7 });
const jobs = jobsOf(store);

test('the same options give the same jobs, another seed gives others', () => {
  const rows = (seed: number) =>
    new JobStore({ jobs: 300, seed, oddities: true }).page({ offset: 0, limit: 300 }).rows;
  assert.deepEqual(rows(5), rows(5));
  assert.notDeepEqual(rows(5), rows(6));
});

test('a job has exactly the fields of the reference, in its types', () => {
  for (const job of jobs) {
    assert.deepEqual(Object.keys(job), [...JOB_FIELDS]);
    for (const name of ['id', 'batch_id', 'project_id']) assert.ok(isUuid(String(job[name])));
    assert.ok(Number.isInteger(job.runs) && Number.isInteger(job.creation_order));
  }
  assert.equal(new Set(jobs.map((job) => job.id)).size, jobs.length);
});

test('jobs of a batch are created at one instant, ranked from 0, in one project', () => {
  const batches = new Map<unknown, Job[]>();
  for (const job of jobs) batches.set(job.batch_id, [...(batches.get(job.batch_id) ?? []), job]);
  for (const batch of batches.values()) {
    assert.equal(new Set(batch.map((job) => job.created_at)).size, 1);
    assert.equal(new Set(batch.map((job) => job.project_id)).size, 1);
    assert.deepEqual(
      batch.map((job) => job.creation_order),
      batch.map((_, rank) => rank),
    );
  }
  const sizes = [...batches.values()].map((batch) => batch.length);
  assert.ok(sizes.includes(1) && Math.max(...sizes) > 60, `sizes up to ${Math.max(...sizes)}`);
});

test('instants follow each other: created, started, ended, and lie in plausible years', () => {
  let before = 0n;
  for (const job of jobs) {
    const [created, updated, started, ended] = [
      'created_at',
      'updated_at',
      'start_timestamp',
      'end_timestamp',
    ]
      .map((name) => job[name])
      .map((value) => (value === null ? null : parseTimestamp(String(value))));
    assert.ok(created != null && updated != null && created >= before && updated >= created);
    if (started != null) assert.ok(started >= created);
    if (started != null && ended != null) assert.ok(ended >= started);
    before = created;
  }
  for (const size of [1, 10, 60]) {
    const [last] = jobsOf(new JobStore({ jobs: size, seed: size })).slice(-1);
    assert.ok(String(last?.created_at) < '2026-10-02' && String(last?.created_at) > '2023');
  }
});

test('statuses have plausible shares, and errors belong to ERROR', () => {
  const statuses = countBy(jobs, 'status');
  assert.ok((statuses.get('DONE') ?? 0) > 0.75 * jobs.length);
  for (const status of ['ERROR', 'CANCELED', 'PENDING', 'RUNNING']) {
    const share = (statuses.get(status) ?? 0) / jobs.length;
    assert.ok(share > 0.005 && share < 0.12, `${status}: ${share}`);
  }
  for (const job of jobs) {
    const failed = Array.isArray(job.errors) && job.errors.length > 0;
    assert.equal(failed, job.status === 'ERROR');
  }
});

test('several projects, and every optional field both present and null', () => {
  assert.ok(countBy(jobs, 'project_id').size >= 3);
  for (const name of ['parent_id', 'variables', 'errors', 'slurm_job_id', 'progress']) {
    const nulls = jobs.filter((job) => job[name] === null).length;
    assert.ok(nulls > 0 && nulls < jobs.length, `${name}: ${nulls} of ${jobs.length} are null`);
  }
});

test('a parent is a job that was there before', () => {
  const seen = new Set<unknown>([null]);
  for (const job of jobs) {
    assert.ok(seen.has(job.parent_id));
    seen.add(job.id);
  }
});
