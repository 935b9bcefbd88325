import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DIRECTIONS, JobStore, ORDER_COLUMNS } from './index.ts';
import { shuffledWindow, tieGroup } from './job-list.ts';
import { Random } from './values.ts';

test('every column orders, nulls last, and DESC is ASC turned round', () => {
  const store = new JobStore({ jobs: 400, seed: 8 });
  for (const order of ORDER_COLUMNS) {
    const [ascending, descending] = DIRECTIONS.map(
      (direction) => store.page({ offset: 0, limit: 400, order, direction }).rows,
    );
    assert.deepEqual(descending, ascending.toReversed());
    const values = ascending.map((row) => JSON.parse(row)[order]);
    const firstNull = values.indexOf(null);
    const filled = firstNull < 0 ? values : values.slice(0, firstNull);
    assert.ok(firstNull < 0 || values.slice(firstNull).every((value) => value === null));
    for (let i = 1; i < filled.length; i++) assert.ok(filled[i - 1] <= filled[i], order);
    assert.equal(new Set(ascending).size, 400);
  }
});

test('a window over shuffled ties takes from each group it touches as many as lie in it', () => {
  const keys = fc.array(fc.nat({ max: 6 }), { maxLength: 40 });
  fc.assert(
    fc.property(
      keys,
      fc.nat({ max: 45 }),
      fc.nat({ max: 20 }),
      fc.nat(),
      (unsorted, offset, limit, seed) => {
        const sorted = unsorted.toSorted((a, b) => a - b);
        const list = sorted.map((_, slot) => slot);
        const isTied = (a: number, b: number): boolean => sorted[a] === sorted[b];
        const window = shuffledWindow(list, offset, limit, isTied, new Random(seed));
        assert.deepEqual(
          window.map((slot) => sorted[slot]),
          sorted.slice(offset, offset + limit),
        );
        assert.equal(new Set(window).size, window.length);
      },
    ),
  );
});

test('tie groups are as wide as the equal keys', () => {
  const isSame = (a: number, b: number): boolean => a === b;
  assert.deepEqual(tieGroup([1, 2, 2, 2, 3], 2, isSame), { start: 1, end: 4 });
  assert.deepEqual(tieGroup([2, 2, 3], 1, isSame), { start: 0, end: 2 });
  assert.deepEqual(tieGroup([5], 0, isSame), { start: 0, end: 1 });
});

test('ties in changing order: every page holds the right instants, two pages another order', () => {
  const store = new JobStore({ jobs: 500, seed: 9, ties: 'shuffled' });
  const stable = new JobStore({ jobs: 500, seed: 9 });
  const instants = (rows: readonly string[]): unknown[] =>
    rows.map((row) => JSON.parse(row).created_at);
  const query = { offset: 100, limit: 100, direction: 'ASC' } as const;
  const [one, other] = [store.page(query), store.page(query)];
  assert.notDeepEqual(one.rows, other.rows);
  assert.deepEqual(instants(one.rows), instants(other.rows));
  assert.deepEqual(instants(one.rows), instants(stable.page(query).rows));
  const again = new JobStore({ jobs: 500, seed: 9, ties: 'shuffled' });
  assert.deepEqual(again.page(query).rows, one.rows);
});
