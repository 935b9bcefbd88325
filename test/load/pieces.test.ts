import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PIECE_BYTES, Pieces } from '../../src/load/pieces.ts';

const lengths = fc.array(
  fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 3)),
  { maxLength: 6 },
);

function chunk(length: number, i: number): Uint8Array {
  return new Uint8Array(length).fill(i + 1);
}

describe('pieces', () => {
  it('hold the same bytes, each alone in its memory, as few as need be', () => {
    const pieces = new Pieces();
    fc.assert(
      fc.property(lengths, (given) => {
        const chunks = given.map(chunk);
        const bytes = Buffer.concat(chunks);
        const packed = pieces.pack(chunks);
        assert.ok(Buffer.concat(packed).equals(bytes));
        assert.equal(packed.length, Math.ceil(bytes.length / PIECE_BYTES));
        const memory = packed.map(({ buffer }) => buffer);
        assert.equal(new Set(memory).size, packed.length);
        pieces.takeBack(memory);
      }),
      { numRuns: 50 },
    );
  });

  it('use memory that was given back', () => {
    const pieces = new Pieces();
    const [first] = pieces.pack([chunk(10, 0)]);
    const [second] = pieces.pack([chunk(10, 1)]);
    assert.notEqual(second?.buffer, first?.buffer);
    if (first !== undefined) pieces.takeBack([first.buffer]);
    const [third] = pieces.pack([chunk(20, 2)]);
    assert.equal(third?.buffer, first?.buffer);
  });
});
