import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Int64, vectorFromArray } from 'apache-arrow';
import fc from 'fast-check';
import { FixedColumn } from '../../src/load/block-columns.ts';
import { IntegerRange } from '../../src/load/parquet-range.ts';

const WORD = 2n ** 32n;

/** Numbers whose halves differ in sign, besides any. */
const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n, 2n ** 31n - 1n, WORD - 1n, WORD, -WORD, -(2n ** 31n)),
);

describe('the range of integers', () => {
  it('is that of all values added, nulls aside', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.option(integers)), { maxLength: 3 }), (blocks) => {
        const range = new IntegerRange();
        for (const values of blocks) {
          const column = new FixedColumn();
          const [data] = vectorFromArray(values, new Int64()).data;
          column.append(data, 0, values.length);
          range.add(column);
        }
        const present = blocks.flat().filter((value) => value !== null);
        const sorted = present.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        const bounds = range.bounds();
        assert.equal(bounds?.min.readBigInt64LE(), sorted.at(0));
        assert.equal(bounds?.max.readBigInt64LE(), sorted.at(-1));
      }),
    );
  });
});
