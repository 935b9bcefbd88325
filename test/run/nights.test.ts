import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import fc from 'fast-check';
import { runExport } from '../../src/index.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import type { RunEvent } from '../../src/platform/effects.ts';
import { type JobStore, passNight, Random, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { duckdb } from '../support/read-snapshot.ts';

const SECOND = 1e6;
const HOUR = 3600 * SECOND;

/** The list as it is, by id. */
function stateOf(store: JobStore): ReadonlyMap<string, string> {
  return new Map(store.ids().map((id) => [id, store.get(id) ?? '']));
}

/** What changed between two states, as `change id previous status` in no order. */
function difference(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Set<string> {
  const statusOf = (text = '{}') => JSON.parse(text).status;
  const lines = new Set<string>();
  for (const [id, text] of after) {
    const known = before.get(id);
    if (known === undefined) lines.add(`created ${id} null`);
    else if (known !== text) lines.add(`updated ${id} ${statusOf(known)}`);
  }
  for (const [id, text] of before) if (!after.has(id)) lines.add(`deleted ${id} ${statusOf(text)}`);
  return lines;
}

/** The same as DuckDB reads it from the changes of a snapshot. */
async function changesIn(folder: string): Promise<Set<string>> {
  const rows = await duckdb(`FROM '${join(folder, 'changes.parquet')}'`);
  return new Set(rows.map((row) => `${row.change} ${row.id} ${row.previous_status}`));
}

const dataOf = ({ files }: Manifest): string[] =>
  files
    .filter(({ name }) => /^(jobs|changes)\./.test(name))
    .map(({ name, rows, sha256 }) => `${name} ${rows} ${sha256}`);

const nights = fc.record({
  seed: fc.nat(),
  jobs: fc.integer({ min: 150, max: 500 }),
  ties: fc.constantFrom('stable' as const, 'shuffled' as const),
  faults: fc.boolean(),
  nights: fc.array(
    fc.record({
      finished: fc.nat({ max: 40 }),
      deleted: fc.nat({ max: 3 }),
      added: fc.nat({ max: 120 }),
      late: fc.nat({ max: 4 }),
      /** Progress events after which the run is killed, each time anew. */
      kills: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

/** One that is certain to be gone on with from a base. */
const PLAIN = {
  ...{ seed: 1, jobs: 150, ties: 'stable' as const, faults: false },
  nights: [{ finished: 5, deleted: 0, added: 20, late: 1, kills: [] }],
};

/** Runs an export, killed at the given progress, and again until it ends. */
async function exported(
  given: Parameters<typeof runExport>[0],
  wall: number,
  kills: readonly number[] = [],
) {
  const told: string[] = [];
  const clock = {
    wall: () => wall,
    monotonic: () => performance.now(),
    sleep: async () => {},
  };
  for (const after of [...kills, Number.POSITIVE_INFINITY]) {
    const stop = new AbortController();
    let left = after;
    const emit = (event: RunEvent) => {
      if (event.type === 'log') told.push(event.message);
      if (event.type === 'progress' && --left === 0) stop.abort(new Error('killed'));
    };
    try {
      return { ...(await runExport(given, { emit, clock }, stop.signal)), told };
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  }
  throw new Error('unreachable');
}

const FAULTS = (['503', 'reset', 'truncated-gzip'] as const).map((kind) => ({ kind, rate: 0.05 }));

test('night after night an incremental export makes the files of a full one, and says what changed', {
  timeout: 600_000,
}, async (t) => {
  const methods = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(nights, async ({ seed, jobs, ties, faults, nights: list }) => {
      const api = await startSimulator({
        jobs,
        seed,
        ties,
        largestBatch: 15,
        ...(faults && { faults: FAULTS }),
      });
      try {
        const random = new Random(seed);
        const [own, whole] = [await temporaryFolder(t), await temporaryFolder(t)];
        let before: ReadonlyMap<string, string> | undefined;
        for (const { kills, late, ...night } of [{ kills: [], late: 0 }, ...list]) {
          if (before !== undefined) passNight(api.jobs, night, random);
          for (let n = 0; n < late; n++)
            api.jobs.insert({ created_at: api.jobs.latest - random.below(HOUR / 2) });
          const wall = Math.ceil(api.jobs.latest / 1000) + 60_000;
          const full = { ...exportOptions(api.url, whole), pageSize: 50, allowShrink: true };
          const incremental = { ...full, output: own, incremental: true };
          const [one, other] = [
            await exported(incremental, wall, kills),
            await exported(full, wall),
          ];
          const { method } = one.manifest.completeness;
          methods.set(method, (methods.get(method) ?? 0) + 1);
          assert.ok(one.manifest.completeness.proven);
          assert.deepEqual(dataOf(one.manifest), dataOf(other.manifest));
          const now = stateOf(api.jobs);
          if (before !== undefined) {
            const expected = difference(before, now);
            assert.deepEqual(await changesIn(one.folder), expected);
            const { created = 0, updated = 0, deleted = 0 } = one.manifest.changes ?? {};
            assert.equal(created + updated + deleted, expected.size);
          }
          before = now;
        }
      } finally {
        await api.close();
      }
    }),
    { numRuns: 3, examples: [[PLAIN]], includeErrorInReport: true },
  );
  t.diagnostic([...methods].map(([method, runs]) => `${runs} ${method}`).join(', '));
  assert.ok(methods.has('incremental'));
});

async function twoNights(
  t: TestContext,
  change: (store: JobStore) => void,
  options: Partial<ReturnType<typeof exportOptions>> = {},
  jobs = 3000,
) {
  const api = await startSimulator({ jobs });
  t.after(() => api.close());
  const base = { ...exportOptions(api.url, await temporaryFolder(t)), incremental: true };
  const first = await exported(base, Math.ceil(api.jobs.latest / 1000) + 60_000);
  change(api.jobs);
  const wall = Math.ceil(api.jobs.latest / 1000) + 120_000;
  return { api, base, wall, first, second: await exported({ ...base, ...options }, wall) };
}

test('a quiet night costs a handful of requests and has changes of no row', async (t) => {
  const { second } = await twoNights(t, () => {});
  assert.equal(second.manifest.completeness.method, 'incremental');
  assert.deepEqual(second.manifest.changes, { created: 0, updated: 0, deleted: 0, failed: 0 });
  assert.equal((await changesIn(second.folder)).size, 0);
  assert.ok(second.manifest.requests <= 6, `${second.manifest.requests} requests`);
});

test('a batch longer than a page makes no night read everything, and the same files as a full one', async (t) => {
  const batch = (store: JobStore): void => {
    const created_at = store.latest + SECOND;
    for (let n = 0; n < 250; n++) store.insert({ created_at });
  };
  const { base, second, wall } = await twoNights(t, batch, {}, 12_000);
  assert.equal(second.manifest.completeness.method, 'incremental', second.told.join('\n'));
  assert.equal(second.manifest.changes?.created, 250);
  assert.ok(second.manifest.requests < 100, `${second.manifest.requests} requests`);
  const output = await temporaryFolder(t);
  const full = await exported({ ...base, output, incremental: false }, wall);
  const jobs = dataOf(second.manifest).filter((line) => line.startsWith('jobs.'));
  assert.deepEqual(jobs, dataOf(full.manifest));
});

test('what an incremental export takes on trust is counted by the next full one', async (t) => {
  const night = { altered: 5, backdated: 3, finished: 2, added: 10 };
  for (const options of [{ incremental: false }, { changes: false, fullEveryMs: 0 }]) {
    const change = (store: JobStore) => passNight(store, night, new Random(3));
    const { first, second } = await twoNights(t, change, options);
    assert.equal(first.manifest.audit, undefined);
    assert.deepEqual(second.manifest.audit, { changed: 5, late: 3 });
    const told = second.told.join('\n');
    assert.match(told, /5 jobs changed that had ended, and 3 appeared late/);
  }
});

test('a job older than the overlap, or a filter that jobs can leave, makes everything be read', async (t) => {
  const { second, api } = await twoNights(t, (store) => {
    store.insert({ created_at: store.keysAt(10).createdAt + 1 });
  });
  assert.notEqual(second.manifest.completeness.method, 'incremental');
  assert.match(second.told.join('\n'), /reading everything: .*older than the overlap/);
  assert.equal(second.manifest.rows, api.jobs.size);
  const done = { filters: { status: ['DONE'] } };
  const other = { ...exportOptions(api.url, await temporaryFolder(t)), ...done, incremental: true };
  await exported(other, 0);
  const again = await exported(other, 1000);
  assert.match(again.told.join('\n'), /jobs can enter and leave what the filter status matches/);
});

test('a job that can no longer be read makes everything be read, and is set aside once', async (t) => {
  const api = await startSimulator({ jobs: 3000 });
  const { port } = new URL(api.url);
  const options = { ...exportOptions(api.url, await temporaryFolder(t)), incremental: true };
  const wall = Math.ceil(api.jobs.latest / 1000) + 60_000;
  try {
    await exported(options, wall);
  } finally {
    await api.close();
  }
  const planted = { 2990: 'invalid-utf8' } as const;
  const spoilt = await startSimulator({ jobs: 3000, planted, port: Number(port) });
  t.after(() => spoilt.close());
  const { manifest, told } = await exported({ ...options, maxRejects: 1 }, wall + 60_000);
  assert.match(told.join('\n'), /reading everything: there are jobs that cannot be read/);
  assert.deepEqual([manifest.rows, manifest.rejects], [2999, 1]);
});
