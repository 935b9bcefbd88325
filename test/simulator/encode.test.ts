import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDrift, JobStore } from './index.ts';
import { PageEncoder } from './pages.ts';

const HEAD = '{"status":"success","message":"OK.","code":"200","data":[';

test('encoded pages are the texts of the list, whatever is cached, changed or turned round', () => {
  const cut = fc.record({
    offset: fc.nat({ max: 300 }),
    limit: fc.integer({ min: 1, max: 100 }),
    direction: fc.constantFrom('ASC' as const, 'DESC' as const),
  });
  const budget = fc.constantFrom(0, 30_000, 1_000_000);
  fc.assert(
    fc.property(
      fc.array(cut, { minLength: 1, maxLength: 12 }),
      budget,
      fc.boolean(),
      (cuts, bytes, warm) => {
        const store = new JobStore({ jobs: 250, seed: 5, oddities: true });
        const drift = createDrift(store, { every: 1, burst: 4 });
        const encoder = new PageEncoder(store, bytes);
        if (warm) encoder.warm();
        for (const query of cuts) {
          const { slots } = store.window(query);
          const page = {
            rows: slots,
            pagination: undefined,
            contentRange: undefined,
            code: '"200"',
          };
          const expected = `${HEAD}${slots.map((slot) => store.text(slot)).join(',')}]}`;
          assert.equal(encoder.encode(page).toString(), expected);
          drift();
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('pagination and literal rows are written as given', () => {
  const encoder = new PageEncoder(new JobStore({ jobs: 0 }), 0);
  const page = {
    rows: ['{"a":1e400}', '{}'],
    pagination: { total: '8.5', start: 4, end: 6 },
    contentRange: undefined,
    code: '200',
  };
  assert.equal(
    encoder.encode(page).toString(),
    '{"status":"success","message":"OK.","code":200,"data":[{"a":1e400},{}],"pagination":{"total":8.5,"start":4,"end":6}}',
  );
});
