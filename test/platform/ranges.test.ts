import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { firstWhere, slices } from '../../src/platform/ranges.ts';

it('cuts a list into pieces of which none is empty or too long', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const pieces = slices(items, size);
      assert.deepEqual(pieces.flat(), items);
      assert.equal(pieces.length, Math.ceil(items.length / size));
      assert.ok(pieces.every(({ length }) => length > 0 && length <= size));
    }),
  );
});

it('finds the first of a range, whatever it is asked about, and asks about no other', () => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.nat(100), (from, length, first) => {
      const to = from + length;
      const found = firstWhere(from, to, (at) => {
        assert.ok(at >= from && at < to);
        return at >= first;
      });
      assert.equal(found, Math.min(to, Math.max(from, first)));
    }),
  );
});
