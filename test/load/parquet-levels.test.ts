import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { levelsBound, writeLevels } from '../../src/load/parquet-levels.ts';

const SENTINEL = 0xee;

/** Levels in runs, as they come: long stretches of one and stretches that change. */
const levels = (bitWidth: number) =>
  fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 2 ** bitWidth - 1 }),
        fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(7, 8, 9, 200, 5000)),
      ),
      { maxLength: 30 },
    )
    .map((runs) => Uint8Array.from(runs.flatMap(([level, times]) => Array(times).fill(level))));

/** A decoder straight from the specification. */
function read(bytes: Uint8Array, count: number, bitWidth: number): number[] {
  const found: number[] = [];
  let at = 4;
  const end = 4 + Buffer.from(bytes).readUInt32LE(0);
  while (at < end) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (header % 2 === 0) {
      found.push(...Array(header / 2).fill(bytes[at++]));
      continue;
    }
    for (let group = 0; group < (header - 1) / 2; group++) {
      let bits = 0n;
      for (let i = 0; i < bitWidth; i++) bits |= BigInt(bytes[at++]) << BigInt(8 * i);
      for (let i = 0; i < 8; i++) {
        found.push(Number((bits >> BigInt(i * bitWidth)) & BigInt(2 ** bitWidth - 1)));
      }
    }
  }
  return found.slice(0, count);
}

describe('levels', () => {
  for (const bitWidth of [1, 2]) {
    it(`of ${bitWidth} bits are read back as they were, within their bound`, () => {
      fc.assert(
        fc.property(levels(bitWidth), (given) => {
          const target = new Uint8Array(levelsBound(given.length) + 1).fill(SENTINEL);
          const end = writeLevels(given, given.length, bitWidth, target, 0);
          assert.ok(end <= levelsBound(given.length), 'more than its bound');
          assert.equal(target[end], SENTINEL);
          assert.deepEqual(read(target, given.length, bitWidth), [...given]);
        }),
      );
    });
  }

  it('that are all the same take a few bytes', () => {
    const target = new Uint8Array(levelsBound(50_000));
    assert.ok(writeLevels(new Uint8Array(50_000).fill(1), 50_000, 1, target, 0) <= 8);
  });
});
