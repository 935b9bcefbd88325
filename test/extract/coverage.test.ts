import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Coverage } from '../../src/extract/coverage.ts';

/** An answer to a still list whose jobs have the keys 0, 1, 2, ... */
const slices = fc.array(
  fc.tuple(fc.nat(30), fc.nat(12)).map(([low, length]) => ({ low, high: low + length })),
  { maxLength: 25 },
);

const jobs = (low: number, high: number) =>
  Array.from({ length: high - low + 1 }, (_, at) => String(low + at));

test('in a still list a key is covered once an answer holds it strictly inside', () => {
  fc.assert(
    fc.property(slices, (answers) => {
      const coverage = new Coverage();
      for (const { low, high } of answers) {
        coverage.add({ low, high, jobs: jobs(low, high), start: low, end: high });
      }
      // Between whole keys as well: halves tell whether two answers hang together.
      for (let key = -1; key <= 44; key += 0.5) {
        const inside = ({ low, high }: { low: number; high: number }) => low < key && key < high;
        const covered = coverage.segments.some(
          ({ low, high }) => Number(low) < key && key < Number(high),
        );
        assert.equal(covered, answers.some(inside), `${key}`);
      }
      const bounds = coverage.segments.flatMap(({ low, high }) => [Number(low), Number(high)]);
      assert.deepEqual(
        bounds,
        bounds.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('answers whose times overlap, and which share no job, do not hang together', () => {
  const coverage = new Coverage();
  coverage.add({ low: null, high: 10, jobs: ['a', 'b'], start: 0, end: 9 });
  coverage.add({ low: 8, high: null, jobs: ['c', 'd'], start: 8, end: 20 });
  assert.equal(coverage.isWhole, false);
  assert.deepEqual(coverage.gaps(), [{ from: 10, to: 10, start: 9, end: 8 }]);
  coverage.add({ low: 9, high: 12, jobs: ['b', 'c'], start: 9, end: 12 });
  assert.equal(coverage.isWhole, true);
});

test('an answer that shares a job with one side only extends that side', () => {
  const coverage = new Coverage();
  coverage.add({ low: null, high: 10, jobs: ['a', 'b'], start: 0, end: 10 });
  coverage.add({ low: 20, high: null, jobs: ['c', 'd'], start: 20, end: 30 });
  coverage.add({ low: 5, high: 25, jobs: ['b', 'e'], start: 5, end: 25 });
  assert.deepEqual(
    coverage.segments.map(({ low, high }) => [low, high]),
    [
      [null, 20],
      [20, null],
    ],
  );
});

test('a tie of a whole answer covers nothing', () => {
  const coverage = new Coverage();
  coverage.add({ low: 3, high: 3, jobs: ['a'], start: 0, end: 0 });
  assert.deepEqual(coverage.segments, []);
});
