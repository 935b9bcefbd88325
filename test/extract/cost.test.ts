import assert from 'node:assert/strict';
import test from 'node:test';
import { type ListOptions, ShiftingList } from '../support/shifting-list.ts';
import { readAll, readerOf } from './reading.ts';

const windowsOf = (jobs: number) => Math.ceil(jobs / 99);

/** Proves a list, with nothing missing or doubled. @returns the requests it took, and by which method */
async function prove(options: ListOptions): Promise<{ requests: number; method: string }> {
  const list = new ShiftingList(options);
  const { ids, completeness } = await readAll(readerOf(list.fetchPage));
  assert.equal(completeness.proven, true, JSON.stringify({ options, completeness }));
  assert.deepEqual(
    [...list.throughout].filter((id) => ids.get(id) !== 1),
    [],
  );
  assert.ok([...ids.values()].every((times) => times === 1));
  return { requests: list.requests, method: completeness.method };
}

for (const length of [0, 1, 2, 99, 100, 101, 199, 200, 1000, 9902])
  for (const tied of [1, 5])
    test(`a still list of ${length} jobs, ${tied} tied, takes 1.10 requests a window and 3 at most`, async (t) => {
      const { requests, method } = await prove({ length, tied });
      t.diagnostic(`${requests} requests, ${windowsOf(length)} windows of 99`);
      assert.equal(method, length > 1 && length <= tied ? 'id' : 'enclosed');
      assert.ok(requests <= 1.1 * windowsOf(length) + 3, `${requests} requests`);
    });

for (const tied of [2, 5, 20, 60, 260, 1200])
  for (const length of [300, 3000, 20_000]) {
    const windows = windowsOf(length);
    const list = { length, tied, shuffles: true };
    test(`${length} jobs, ${tied} tied, in another order each time: at most three requests a window`, async (t) => {
      const { requests, method } = await prove(list);
      t.diagnostic(`${method}: ${requests} requests, ${(requests / windows).toFixed(2)} a window`);
      assert.ok(requests <= 3 * windows, `${requests} requests`);
    });
    test(`the same where the order of the id is refused: six, and 280 where ties are longer than 60`, async (t) => {
      const { requests, method } = await prove({ ...list, refuses: ['id'] });
      t.diagnostic(`${method}: ${requests} requests, ${(requests / windows).toFixed(2)} a window`);
      assert.ok(requests <= 6 * windows + (tied > 60 ? 280 : 0), `${requests} requests`);
    });
  }

const MOVES: Readonly<Record<string, (list: ShiftingList) => void>> = {
  'draining, anywhere': (list) => list.delete(Math.floor(list.random() * list.entries.length)),
  'draining, oldest first': (list) => list.delete(0),
  growing: (list) => list.insert(list.entries.length, 1e6 + list.requests),
  'growing inside': (list) => list.insert(Math.floor(list.random() * list.entries.length)),
};

for (const [name, move] of Object.entries(MOVES))
  test(`99 of 100 lists are proven that change with every request: ${name}`, async (t) => {
    const jobs = 1500;
    let [proven, requests] = [0, 0];
    for (let seed = 0; seed < 100; seed++) {
      const list = new ShiftingList({ length: jobs, tied: 3, seed, afterAnswer: move });
      const { ids, completeness } = await readAll(readerOf(list.fetchPage));
      if (completeness.proven) {
        proven++;
        assert.deepEqual(
          [...list.throughout].filter((id) => ids.get(id) !== 1),
          [],
          `seed ${seed}`,
        );
      }
      requests += list.requests;
    }
    t.diagnostic(
      `${proven} proven, ${(requests / 100 / windowsOf(jobs)).toFixed(2)} requests a window`,
    );
    assert.ok(proven >= 99, `${proven} of 100 proven`);
  });
