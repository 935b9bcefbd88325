import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { appendLevels, appendRange, GrowingNumbers } from '../../src/load/parquet-encodings.ts';

/** Numbers in runs, as they come: long stretches of one and stretches that change. */
const runs = (bitWidth: number) =>
  fc
    .array(
      fc.tuple(
        fc.integer({ min: 0, max: 2 ** bitWidth - 1 }),
        fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constantFrom(7, 8, 9, 200, 5000)),
      ),
      { maxLength: 30 },
    )
    .map((given) => Uint32Array.from(given.flatMap(([value, times]) => Array(times).fill(value))));

/** A decoder straight from the specification. */
function read(bytes: Uint8Array, count: number, bitWidth: number): number[] {
  const found: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    let header = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      header += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    const width = header % 2 === 0 ? Math.ceil(bitWidth / 8) : ((header - 1) / 2) * bitWidth;
    let bits = 0n;
    for (let i = 0; i < width; i++) bits |= BigInt(bytes[at++]) << BigInt(8 * i);
    if (header % 2 === 0) found.push(...Array(header / 2).fill(Number(bits)));
    for (let i = 0; i < (header - 1) * 4 && header % 2 === 1; i++)
      found.push(Number((bits >> BigInt(i * bitWidth)) & BigInt(2 ** bitWidth - 1)));
  }
  assert.ok(found.length - count < 8, 'more than one group is filled up');
  return found.slice(0, count);
}

describe('the hybrid of runs and packed bits', () => {
  for (const bitWidth of [1, 2, 3, 7, 8, 9, 15, 16, 17, 20, 24]) {
    it(`of ${bitWidth} bits is read back as it was`, () => {
      fc.assert(
        fc.property(runs(bitWidth), (given) => {
          const target = new ByteWriter();
          writeRleBitPackedHybrid(target, given, bitWidth);
          assert.deepEqual(read(target.getBytes(), given.length, bitWidth), [...given]);
        }),
        { numRuns: 40 },
      );
    });
  }

  it('takes a few bytes for what is all the same', () => {
    const target = new ByteWriter();
    appendLevels(target, new Uint32Array(50_000).fill(1), 1);
    assert.ok(target.index <= 8);
    assert.equal(target.view.getInt32(0, true), target.index - 4);
  });

  it('is never much longer than packed bits', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 })), (given) => {
        const target = new ByteWriter();
        writeRleBitPackedHybrid(target, Uint32Array.from(given), 2);
        const packed = Math.ceil(given.length / 8) * 2;
        assert.ok(target.index <= packed * 1.5 + 4, `${target.index}, ${packed}`);
      }),
    );
  });
});

describe('what grows', () => {
  it('holds bytes in the order they came, long and short', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 20 }), (pieces) => {
        const target = new ByteWriter();
        for (const [i, piece] of pieces.entries()) {
          if (i % 2 === 0) target.appendBytes(piece);
          else {
            const { buffer, byteOffset, byteLength } = piece;
            appendRange(target, new DataView(buffer, byteOffset, byteLength), 0, piece.length);
          }
        }
        assert.deepEqual(Buffer.from(target.getBytes()), Buffer.concat(pieces));
      }),
    );
  });

  it('loses its first numbers only', () => {
    const numbers = new GrowingNumbers();
    for (let i = 0; i < 1000; i++) numbers.push(i);
    numbers.fill(7, 300);
    numbers.drop(998);
    assert.deepEqual(
      [...numbers.values.subarray(0, numbers.length)],
      [998, 999, ...Array(300).fill(7)],
    );
  });
});
