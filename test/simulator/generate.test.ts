import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { JobStore } from './index.ts';
import { JOB_FIELDS } from './members.ts';
import { isUuid, microsOf } from './values.ts';

type Job = Record<string, unknown>;

const END = Date.UTC(2026, 10, 25, 2) * 1000;

function jobTexts(store: JobStore): string[] {
  return store.page({ offset: 0, limit: store.size, direction: 'ASC' }).rows;
}

function jobsOf(store: JobStore): Job[] {
  return jobTexts(store).map((text) => JSON.parse(text));
}

function grouped(jobs: readonly Job[], keyOf: (job: Job) => unknown): Map<unknown, Job[]> {
  const groups = new Map<unknown, Job[]>();
  for (const job of jobs) groups.set(keyOf(job), [...(groups.get(keyOf(job)) ?? []), job]);
  return groups;
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
  const batches = grouped(jobs, (job) => job.batch_id);
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
});

test('statuses have plausible shares, errors belong to ERROR, and only the last jobs are open', () => {
  const statuses = countBy(jobs, 'status');
  assert.ok((statuses.get('DONE') ?? 0) > 0.75 * jobs.length);
  for (const status of ['ERROR', 'CANCELED']) {
    const share = (statuses.get(status) ?? 0) / jobs.length;
    assert.ok(share > 0.02 && share < 0.12, `${status}: ${share}`);
  }
  for (const job of jobs) {
    const failed = Array.isArray(job.errors) && job.errors.length > 0;
    assert.equal(failed, job.status === 'ERROR');
  }
  const isOpen = (job: Job): boolean => job.status === 'PENDING' || job.status === 'RUNNING';
  assert.equal(jobs.slice(0, 4900).filter(isOpen).length, 0);
  for (const status of ['PENDING', 'RUNNING']) assert.ok((statuses.get(status) ?? 0) > 10);
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

test('more jobs of one history are newer ones: the others stay as they were', () => {
  const size = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(size, size, size, fc.nat(), (history, one, other, seed) => {
      const [few, many] = [Math.min(one, other), Math.max(one, other)];
      const options = { history, seed, oddities: true, end: END };
      const rows = (count: number) => jobTexts(new JobStore({ ...options, jobs: count }));
      assert.deepEqual(rows(many).slice(0, few), rows(few));
    }),
    { numRuns: 40 },
  );
});

test('the history reaches up to its end, and what ended did so before; what is beyond comes after', () => {
  const near = END - 3 * 86_400_000_000;
  const options = { jobs: 5200, history: 5000, seed: 7, end: END };
  const all = jobsOf(new JobStore(options)).map((job) => ({
    created: microsOf(String(job.created_at)) ?? 0,
    ended: job.end_timestamp === null ? 0 : (microsOf(String(job.end_timestamp)) ?? 0),
  }));
  const [history, later] = [all.slice(0, 5000), all.slice(5000)];
  assert.ok(history.every(({ created, ended }) => created < END && ended <= END));
  assert.ok((history.at(-1)?.created ?? 0) > near);
  assert.ok(later.every(({ created }) => created >= (history.at(-1)?.created ?? 0)));
  assert.ok((later.at(-1)?.created ?? 0) > END);
});

test('jobs wait longer in working hours, and come more often from year to year', () => {
  const many = jobsOf(new JobStore({ jobs: 40_000, seed: 7, end: END }));
  const waits = (from: number, to: number): number[] =>
    many
      .filter(({ created_at }) => {
        const hour = Number(String(created_at).slice(11, 13));
        return hour >= from && hour < to;
      })
      .filter(({ start_timestamp }) => start_timestamp !== null)
      .map(({ start_timestamp, created_at }) => {
        return (microsOf(String(start_timestamp)) ?? 0) - (microsOf(String(created_at)) ?? 0);
      });
  assert.ok(median(waits(13, 17)) > 3 * median(waits(1, 5)));
  const perYear = ['2023', '2024', '2025'].map(
    (year) => many.filter(({ created_at }) => String(created_at).startsWith(year)).length,
  );
  assert.ok(perYear[0] < perYear[1] && perYear[1] < perYear[2], String(perYear));
});

test('failures cluster in batches and days, with texts that differ in numbers and ids only', () => {
  const share = (group: readonly Job[]): number =>
    group.filter(({ status }) => status === 'ERROR').length / group.length;
  const groups = (keyOf: (job: Job) => unknown) =>
    [...grouped(jobs, keyOf).values()].filter((group) => group.length >= 10);
  const usual = share(jobs);
  for (const keyOf of [
    (job: Job) => job.batch_id,
    (job: Job) => String(job.created_at).slice(0, 10),
  ]) {
    const shares = groups(keyOf).map(share);
    assert.ok(Math.max(...shares) > 4 * usual, 'a group fails far more often than others');
    assert.ok(median(shares) < usual, 'most groups fail less often than all together');
  }
  const texts = jobs.flatMap(({ errors }) => (Array.isArray(errors) ? errors.map(String) : []));
  assert.ok(texts.every((text) => /\d/.test(text)));
  const bare = new Set(texts.map((text) => text.replace(/[0-9a-f]{8}-[-0-9a-f]{27}|[\d.]+/g, '#')));
  assert.ok(bare.size > 4 && bare.size < 12, [...bare].join('; '));
  assert.ok(new Set(texts).size > 0.5 * texts.length);
});

test('most variables have an omega, which is a number', () => {
  const omegas = jobs.map(({ variables }) => Object(variables).omega);
  const found = omegas.filter((omega) => typeof omega === 'number');
  assert.ok(found.length > 0.6 * jobs.length);
});

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
