import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { PhysicalType } from '../../src/load/parquet-schema.ts';
import { Range } from '../../src/load/parquet-statistics.ts';

/** Texts that differ late, hold characters of every length, and end where nothing comes behind. */
const texts = fc
  .tuple(
    fc.constantFrom(
      '',
      'a'.repeat(63),
      'é'.repeat(32),
      '\u{10ffff}'.repeat(16),
      '\u{10ffff}'.repeat(15),
    ),
    fc.array(
      fc.constantFrom(
        '\0',
        'a',
        'z',
        '\x7f',
        'é',
        '\u07ff',
        '\ud7ff',
        '\uffff',
        '😀',
        '\u{10ffff}',
      ),
      {
        maxLength: 6,
      },
    ),
  )
  .map(([start, end]) => start + end.join(''));

function rangeOf(type: PhysicalType, values: readonly Buffer[]) {
  const range = new Range(type);
  for (const value of values) {
    const { buffer, byteOffset, length } = Buffer.concat([Buffer.of(1), value]);
    range.add(new DataView(buffer, byteOffset, length), 1, length);
  }
  return range.bounds();
}

describe('the range of texts', () => {
  it('holds all of them by their bytes, in at most 64 bytes and a character, and is exact where it says so', () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 8 }), (given) => {
        const sorted = given.map((text) => Buffer.from(text)).sort(Buffer.compare);
        const [least, most] = [sorted[0], sorted[sorted.length - 1]];
        const bounds = rangeOf(
          'BYTE_ARRAY',
          given.map((text) => Buffer.from(text)),
        );
        assert.ok(bounds !== undefined);
        const { min, max, minIsExact, maxIsExact } = bounds;
        assert.equal(minIsExact, least.length <= 64);
        assert.deepEqual(min, minIsExact ? least : least.subarray(0, min.length));
        assert.ok(min.length <= 64 && (minIsExact || min.length > 60));
        assert.equal(maxIsExact, most.length <= 64);
        if (max === undefined) assert.equal(most.toString().slice(0, 32), '\u{10ffff}'.repeat(16));
        else if (maxIsExact) assert.deepEqual(max, most);
        else assert.ok(Buffer.compare(max, most) > 0 && max.length <= 67);
        for (const bound of [min, max ?? min])
          assert.deepEqual(Buffer.from(bound.toString()), bound, 'is whole UTF-8');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the range of numbers', () => {
  const word = 2n ** 32n;
  const integers = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.constantFrom(0n, 1n, -1n, 2n ** 31n, 2n ** 31n - 1n, word - 1n, word, -word, -(2n ** 31n)),
  );

  it('is that of 64-bit integers', () => {
    fc.assert(
      fc.property(fc.array(integers), (given) => {
        const bounds = rangeOf(
          'INT64',
          given.map((value) => Buffer.from(BigInt64Array.of(value).buffer)),
        );
        const sorted = [...given].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        assert.equal(bounds?.min.readBigInt64LE(), sorted.at(0));
        assert.equal(bounds?.max?.readBigInt64LE(), sorted.at(-1));
      }),
    );
  });

  it('is that of doubles, with both zeros inside, and none where there is a NaN', () => {
    const doubles = fc.oneof(fc.double(), fc.constantFrom(0, -0, Infinity, -Infinity, 5e-324));
    fc.assert(
      fc.property(fc.array(doubles, { maxLength: 5 }), (given) => {
        const bounds = rangeOf(
          'DOUBLE',
          given.map((value) => Buffer.from(Float64Array.of(value).buffer)),
        );
        if (given.length === 0 || given.some(Number.isNaN)) {
          assert.equal(bounds, undefined);
          return;
        }
        const [min, max] = [bounds?.min.readDoubleLE(), bounds?.max?.readDoubleLE()];
        // Adding a zero of the other sign keeps any number but zero itself.
        assert.ok(Object.is(min, Math.min(...given) === 0 ? -0 : Math.min(...given)));
        assert.ok(Object.is(max, Math.max(...given) === 0 ? 0 : Math.max(...given)));
      }),
    );
  });
});
