import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hashText, mixed, Random } from './values.ts';

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.uint32());
}

test('the same seeds give the same numbers, other seeds give others', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(), (a, b) => {
      assert.deepEqual(draw(new Random(a, b), 5), draw(new Random(a, b), 5));
      assert.notDeepEqual(draw(new Random(a, b), 5), draw(new Random(a, b + 1), 5));
    }),
  );
});

test('whole numbers stay in their range and reach both ends', () => {
  const random = new Random(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.between(-1, 2)));
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [-1, 0, 1, 2],
  );
});

test('a weight of 0 never comes up, the others in proportion', () => {
  const random = new Random(2);
  const counts = [0, 0, 0];
  for (let i = 0; i < 4000; i++) counts[random.weighted([1, 0, 3])] += 1;
  assert.equal(counts[1], 0);
  assert.ok(counts[2] > 2.5 * counts[0] && counts[2] < 3.5 * counts[0], String(counts));
});

test('shuffling keeps every value and comes to every order', () => {
  const random = new Random(3);
  const orders = new Set(Array.from({ length: 200 }, () => random.shuffle([1, 2, 3]).join('')));
  assert.deepEqual([...orders].sort(), ['123', '132', '213', '231', '312', '321']);
});

test('hashes tell close texts and numbers apart', () => {
  const texts = new Set(Array.from({ length: 5000 }, (_, i) => hashText(`/jobs?offset=${i}`)));
  assert.equal(texts.size, 5000);
  const buckets = new Array(16).fill(0);
  for (let slot = 0; slot < 16_000; slot++) buckets[mixed(1, slot) % 16] += 1;
  assert.ok(Math.min(...buckets) > 800 && Math.max(...buckets) < 1200, String(buckets));
});
