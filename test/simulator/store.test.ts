import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JobStore } from './index.ts';
import { SimulatorError } from './values.ts';

const DAY = 86_400_000_000;

function walk(store: JobStore): string[] {
  return idsOf(store.page({ offset: 0, limit: store.size, direction: 'ASC' }).rows);
}

function idsOf(rows: readonly string[]): string[] {
  return rows.map((row) => String(JSON.parse(row).id));
}

/** A list kept the slow and obvious way. */
interface Model {
  readonly jobs: { id: string; createdAt: number; status: string }[];
}

type Step =
  | { readonly kind: 'insert'; readonly createdAt: number | undefined }
  | { readonly kind: 'delete' | 'update' | 'shuffle'; readonly at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('insert' as const),
    createdAt: fc.option(
      fc.integer({ min: 0, max: 3 }).map((day) => (19_000 + day) * DAY),
      {
        nil: undefined,
      },
    ),
  }),
  fc.record({
    kind: fc.constantFrom('delete' as const, 'update' as const, 'shuffle' as const),
    at: fc.nat({ max: 40 }),
  }),
);

function apply(store: JobStore, model: Model, one: Step): void {
  const { jobs } = model;
  if (one.kind === 'insert') {
    const id = store.insert(one.createdAt === undefined ? {} : { created_at: one.createdAt });
    const newest = Math.max(...jobs.map((job) => job.createdAt), 0) + 1;
    const createdAt = one.createdAt ?? newest;
    const after = jobs.findLastIndex((job) => job.createdAt <= createdAt) + 1;
    jobs.splice(after, 0, { id, createdAt: store.keysAt(after).createdAt, status: 'PENDING' });
    return;
  }
  const at = one.at % Math.max(1, jobs.length);
  const job = jobs[at];
  if (job === undefined) return;
  if (one.kind === 'delete') {
    store.delete(job.id);
    jobs.splice(at, 1);
  } else if (one.kind === 'update') {
    store.update(job.id, { status: 'RUNNING' });
    job.status = 'RUNNING';
  } else {
    store.shuffleTies(at);
    const order = new Map(store.ids().map((id, position) => [id, position]));
    jobs.sort((a, b) => a.createdAt - b.createdAt || position(order, a.id) - position(order, b.id));
  }
}

function position(order: ReadonlyMap<string, number>, id: string): number {
  return order.get(id) ?? Number.NaN;
}

test('under any changes the list is the one a naive model keeps', () => {
  const steps = fc.array(step, { maxLength: 60 });
  const window = fc.record({ offset: fc.nat({ max: 60 }), limit: fc.integer({ min: 1, max: 20 }) });
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 30 }), steps, window, (seed, size, script, cut) => {
      const store = new JobStore({ jobs: size, seed });
      const model: Model = {
        jobs: store.ids().map((id, at) => ({
          id,
          createdAt: store.keysAt(at).createdAt,
          status: store.keysAt(at).status,
        })),
      };
      for (const one of script) {
        apply(store, model, one);
        store.page({ offset: 0, limit: 5, filters: { idStartsWith: 'a' } });
        store.page({ offset: 0, limit: 5, filters: { status: ['RUNNING'] } });
      }
      const ids = model.jobs.map((job) => job.id);
      assert.deepEqual(walk(store), ids);
      const end = cut.offset + cut.limit;
      assert.deepEqual(store.page({ ...cut, direction: 'ASC' }), {
        total: ids.length,
        rows: ids.slice(cut.offset, end).map((id) => store.get(id)),
      });
      assert.deepEqual(idsOf(store.page(cut).rows), ids.toReversed().slice(cut.offset, end));
      const running = model.jobs.filter((job) => job.status === 'RUNNING');
      const filtered = store.page({ ...cut, direction: 'ASC', filters: { status: ['RUNNING'] } });
      assert.equal(filtered.total, running.length);
      assert.deepEqual(
        idsOf(filtered.rows),
        running.slice(cut.offset, end).map((job) => job.id),
      );
      const [prefix] = ids[0] ?? 'f';
      const expected = ids.filter((id) => id.startsWith(prefix));
      const found = store.page({
        offset: 0,
        limit: 999,
        direction: 'ASC',
        filters: { idStartsWith: prefix },
      });
      assert.deepEqual([found.total, idsOf(found.rows)], [expected.length, expected]);
    }),
    { numRuns: 150 },
  );
});

test('counts of all prefixes of one length add up to the list', () => {
  const store = new JobStore({ jobs: 3000, seed: 2 });
  const hex = [...'0123456789abcdef'];
  const count = (idStartsWith: string): number =>
    store.page({ offset: 0, limit: 1, filters: { idStartsWith } }).total;
  const sum = (prefixes: readonly string[]): number =>
    prefixes.reduce((total, prefix) => total + count(prefix), 0);
  assert.equal(sum(hex), 3000);
  assert.equal(sum(hex.map((digit) => `3${digit}`)), count('3'));
  const [id] = store.ids();
  assert.equal(count(id), 1);
  assert.equal(count(`${id}0`), 0);
  assert.equal(count(id.slice(0, 20)), 1);
  assert.equal(count(''), 3000);
});

test('a page beyond the end is empty and still tells the total', () => {
  const store = new JobStore({ jobs: 30 });
  assert.deepEqual(store.page({ offset: 30, limit: 10 }), { total: 30, rows: [] });
  assert.deepEqual(new JobStore({ jobs: 0 }).page({ offset: 0, limit: 10 }), {
    total: 0,
    rows: [],
  });
});

test('a job inserted without a time is the newest, one with a time takes its place', () => {
  const store = new JobStore({ jobs: 10, seed: 4 });
  const newest = store.insert();
  const { createdAt } = store.keysAt(3);
  const tied = store.insert({ created_at: createdAt });
  assert.equal(store.ids().at(-1), newest);
  const position = store.ids().indexOf(tied);
  assert.equal(store.keysAt(position).createdAt, createdAt);
  assert.ok(store.keysAt(position + 1).createdAt > createdAt, 'behind the jobs it ties with');
  const second = store.insert();
  assert.equal(store.ids().at(-1), second);
});

test('fields given are what is sent; raw members replace, add and leave out', () => {
  const store = new JobStore({ jobs: 0 });
  const id = store.insert({
    id: 'AAAAAAAA-0000-4000-8000-000000000001',
    status: 'DONE',
    runs: null,
    created_at: 1_700_000_000_123_456,
    end_timestamp: 1_700_000_001_000_000,
    errors: ['e'],
    variables: { a: [1] },
    raw: { progress: '1e400', novel: '{"k":1,"k":2}', slurm_job_id: null },
  });
  assert.equal(id, 'aaaaaaaa-0000-4000-8000-000000000001');
  const text = store.get(id) ?? '';
  assert.match(text, /"created_at":"2023-11-14T22:13:20.123456\+00:00"/);
  assert.match(text, /"variables":\{"a":\[1\]\},"errors":\["e"\],"progress":1e400,/);
  assert.match(text, /"runs":null/);
  assert.match(text, /"novel":\{"k":1,"k":2\}\}$/);
  assert.doesNotMatch(text, /slurm_job_id/);
});

test('an update changes the text, keeps the rest, and is newer', () => {
  const store = new JobStore({ jobs: 20, seed: 5 });
  const [id] = store.ids();
  const before = JSON.parse(store.get(id) ?? '');
  store.update(id, { status: 'CANCELED', sequence: null });
  const after = JSON.parse(store.get(id) ?? '');
  assert.ok(after.updated_at > before.updated_at);
  assert.deepEqual(after, {
    ...before,
    status: 'CANCELED',
    sequence: null,
    updated_at: after.updated_at,
  });
  store.update(id, { created_at: store.keysAt(19).createdAt + 1 });
  assert.equal(store.ids().at(-1), id);
  assert.equal(store.size, 20);
});

test('the log tells which jobs existed all the time', () => {
  const store = new JobStore({ jobs: 5, seed: 6 });
  const [first, second, ...others] = store.ids();
  const early = store.insert();
  store.page({ offset: 0, limit: 5 });
  store.delete(first);
  const late = store.insert();
  store.update(second, { status: 'DONE' });
  assert.deepEqual(store.operations, [
    { kind: 'insert', id: early, page: 0 },
    { kind: 'delete', id: first, page: 1 },
    { kind: 'insert', id: late, page: 1 },
    { kind: 'update', id: second, page: 1 },
  ]);
  assert.deepEqual(store.existedSince(), new Set([second, ...others]));
  assert.deepEqual(store.existedSince(1), new Set([second, ...others, early]));
});

test('ids that are no UUID, taken or unknown are refused as wrong usage', () => {
  const store = new JobStore({ jobs: 2 });
  const [id] = store.ids();
  const isUsage = (error: unknown): boolean => error instanceof SimulatorError;
  assert.throws(() => store.insert({ id: 'x' }), isUsage);
  assert.throws(() => store.insert({ id }), isUsage);
  assert.throws(() => store.update('00000000-0000-4000-8000-00000000000f', {}), isUsage);
  assert.throws(() => store.delete('x'), isUsage);
  assert.throws(() => store.keysAt(2), isUsage);
});
