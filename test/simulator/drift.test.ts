import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  change,
  createDrift,
  DRIFT_OPERATIONS,
  type DriftOperation,
  JobStore,
  Random,
} from './index.ts';

function drifted(seed: number, pages: number, every = 1, burst = 1): JobStore {
  const store = new JobStore({ jobs: 200, seed });
  const afterPage = createDrift(store, { every, burst, seed });
  for (let i = 0; i < pages; i++) {
    store.page({ offset: i, limit: 10 });
    afterPage();
  }
  return store;
}

test('the same seed makes the same changes, another seed makes others', () => {
  const [one, other, third] = [drifted(1, 60), drifted(1, 60), drifted(2, 60)];
  assert.deepEqual(one.operations, other.operations);
  assert.deepEqual(one.ids(), other.ids());
  assert.notDeepEqual(one.operations, third.operations);
});

test('changes come after every n pages, as many as the burst says', () => {
  const store = new JobStore({ jobs: 50 });
  const afterPage = createDrift(store, { every: 3, burst: 2, operations: { update: 1 } });
  for (let i = 0; i < 7; i++) {
    store.page({ offset: 0, limit: 1 });
    afterPage();
  }
  assert.deepEqual(
    store.operations.map(({ kind, page }) => [kind, page]),
    [
      ['update', 3],
      ['update', 3],
      ['update', 6],
      ['update', 6],
    ],
  );
});

test('whatever happens, the list stays ordered, ids unique, and the log explains it', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1000 }), (seed) => {
      const start = new Set(new JobStore({ jobs: 200, seed }).ids());
      const store = drifted(seed, 40, 1, 3);
      const ids = store.ids();
      assert.equal(new Set(ids).size, ids.length);
      for (let i = 1; i < ids.length; i++) {
        assert.ok(store.keysAt(i - 1).createdAt <= store.keysAt(i).createdAt);
      }
      const expected = new Set(start);
      for (const { kind, id } of store.operations) {
        if (kind === 'insert') expected.add(id);
        if (kind === 'delete') expected.delete(id);
      }
      assert.deepEqual(new Set(ids), expected);
      for (const id of store.existedSince()) assert.ok(start.has(id) && expected.has(id));
    }),
    { numRuns: 30 },
  );
});

const EFFECTS: Readonly<Record<DriftOperation, (before: string[], after: string[]) => void>> = {
  insert: (before, after) => assert.deepEqual(after.slice(0, -1), before),
  'insert-batch': (before, after) => {
    assert.ok(after.length >= before.length + 2);
    assert.deepEqual(after.slice(0, before.length), before);
  },
  backdate: (before, after) => {
    assert.equal(after.length, before.length + 1);
    assert.deepEqual(
      after.filter((id) => before.includes(id)),
      before,
    );
  },
  delete: (before, after) => assert.equal(after.length, before.length - 1),
  'delete-batch': (before, after) => assert.ok(after.length < before.length),
  update: (before, after) => assert.deepEqual(after, before),
  shuffle: (before, after) => assert.deepEqual(after.toSorted(), before.toSorted()),
};

for (const operation of DRIFT_OPERATIONS) {
  test(`${operation} does to the list what its name says`, () => {
    for (let seed = 0; seed < 10; seed++) {
      const store = new JobStore({ jobs: 120, seed });
      const before = store.ids();
      change(store, operation, new Random(seed));
      EFFECTS[operation](before, store.ids());
    }
    const empty = new JobStore({ jobs: 0 });
    change(empty, operation, new Random(1));
    assert.ok(operation.startsWith('insert') ? empty.size > 0 : empty.size === 0);
  });
}
