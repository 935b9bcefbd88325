import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { JobStore, type Night, passNight, Random } from './index.ts';
import { SimulatorError } from './values.ts';

type Texts = ReadonlyMap<string, string>;

const FINAL = /"status":"(?:DONE|ERROR|CANCELED)"/;

function textsOf(store: JobStore): Texts {
  return new Map(store.ids().map((id) => [id, store.get(id) ?? '']));
}

function memberOf(texts: Texts, id: string, name: string): unknown {
  return JSON.parse(texts.get(id) ?? '{}')[name];
}

const some = fc.nat({ max: 30 });
const nights = fc.record({
  finished: fc.oneof(some, fc.constant('all' as const)),
  altered: some,
  deleted: some,
  backdated: some,
  added: some,
});

test('a night does what it says to the jobs it names, and nothing to the others', () => {
  fc.assert(
    fc.property(nights, fc.nat(), (night, seed) => {
      const store = new JobStore({ jobs: 200, seed });
      const before = textsOf(store);
      const newest = store.keysAt(store.size - 1).createdAt;
      const changes = passNight(store, night, new Random(seed));
      const after = textsOf(store);
      const { finished, altered, deleted, backdated, added } = changes;
      assert.deepEqual(
        [altered, deleted, backdated, added].map(({ length }) => length),
        [night.altered, night.deleted, night.backdated, night.added],
      );
      for (const id of finished) {
        assert.doesNotMatch(before.get(id) ?? '', FINAL);
        assert.match(after.get(id) ?? '', FINAL);
        const [was, is] = [before, after].map((texts) => String(memberOf(texts, id, 'updated_at')));
        assert.ok(is > was);
      }
      for (const id of altered) {
        assert.notEqual(after.get(id), before.get(id));
        for (const name of ['status', 'updated_at', 'created_at']) {
          assert.equal(memberOf(after, id, name), memberOf(before, id, name));
        }
      }
      for (const id of deleted) assert.ok(before.has(id) && !after.has(id));
      for (const id of backdated) assert.ok(store.keysOf(id).createdAt <= newest);
      for (const id of added) assert.ok(store.keysOf(id).createdAt > newest);
      const touched = new Set(Object.values(changes).flat());
      assert.equal(touched.size, Object.values(changes).flat().length);
      const others = (texts: Texts) => [...texts].filter(([id]) => !touched.has(id));
      assert.deepEqual(others(after), others(before));
    }),
    { numRuns: 40 },
  );
});

test('the same night of the same list is the same, and all open jobs can be ended', () => {
  const night: Night = { finished: 'all', altered: 3, deleted: 3, backdated: 3, added: 50 };
  const [one, other] = [1, 1].map((seed) => {
    const store = new JobStore({ jobs: 300, seed });
    return [passNight(store, { ...night, added: 0 }, new Random(seed)), store] as const;
  });
  assert.deepEqual(one[0], other[0]);
  assert.ok(one[0].finished.length > 0);
  assert.deepEqual(
    one[1].idsWhere({ status: ['PENDING', 'RUNNING'] }).toSorted(),
    one[0].backdated.toSorted(),
  );
});

test('jobs can be named; on an empty list a night only adds', () => {
  const store = new JobStore({ jobs: 20 });
  const [first, second] = store.ids();
  const { altered, deleted } = passNight(
    store,
    { altered: [first], deleted: [second] },
    new Random(1),
  );
  assert.deepEqual([altered, deleted], [[first], [second]]);
  assert.throws(() => passNight(store, { deleted: [second] }, new Random(1)), SimulatorError);
  const empty = new JobStore({ jobs: 0 });
  const night = { finished: 'all', altered: 2, deleted: 2, backdated: 2, added: 2 } as const;
  const changes = passNight(empty, night, new Random(1));
  assert.deepEqual(empty.ids().toSorted(), changes.added.toSorted());
  assert.equal(Object.values(changes).flat().length, 2);
});
