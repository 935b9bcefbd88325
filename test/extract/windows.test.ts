import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { endOf, planWindows, requestsAtMost } from '../../src/extract/windows.ts';

const totals = fc.integer({ min: 0, max: 5000 });
const pageSizes = fc.integer({ min: 2, max: 100 });

test('windows cover [0, total) and neighbours share exactly one row', () => {
  fc.assert(
    fc.property(totals, pageSizes, (total, pageSize) => {
      const windows = planWindows(total, pageSize);
      assert.equal(windows[0].offset, 0);
      for (const [at, window] of windows.entries()) {
        assert.equal(window.limit, pageSize);
        if (at > 0) assert.equal(window.offset, endOf(windows[at - 1]) - 1);
      }
      const last = windows[windows.length - 1];
      assert.ok(endOf(last) >= total);
      assert.ok(windows.length === 1 || last.offset + 1 < total, 'the last window is needed');
    }),
  );
});

test('an export of N jobs is planned with at most ceil((N-1)/99)+3 requests', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000_000 }), (total) => {
      assert.ok(requestsAtMost(total, 100) <= Math.ceil((total - 1) / 99) + 3);
    }),
    { numRuns: 20 },
  );
});
