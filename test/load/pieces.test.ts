import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FileBytes, PIECE_BYTES, Pieces } from '../../src/load/pieces.ts';

const lengths = fc.array(
  fc.oneof(fc.nat({ max: 20 }), fc.constantFrom(PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 3)),
  { maxLength: 6 },
);

function chunk(length: number, i: number): Uint8Array {
  return new Uint8Array(length).fill(i + 1);
}

describe('the bytes of a file on their way', () => {
  it('are the same, in as few pieces as need be, each alone in its memory', () => {
    const pieces = new Pieces();
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 3 }), (calls) => {
        const file = new FileBytes(pieces);
        const whole = calls.flat().map(chunk);
        const taken = calls.map((given, call) => {
          const chunks = given.map((length, i) =>
            chunk(length, calls.slice(0, call).flat().length + i),
          );
          const spent = chunks.map((bytes) => bytes.slice());
          for (const bytes of spent) {
            file.add(bytes);
            bytes.fill(0);
          }
          const packed = file.take();
          const bytes = Buffer.concat(packed);
          assert.ok(bytes.equals(Buffer.concat(chunks)));
          assert.equal(packed.length, Math.ceil(bytes.length / PIECE_BYTES));
          const memory = packed.map(({ buffer }) => buffer);
          assert.equal(new Set(memory).size, packed.length);
          pieces.takeBack(memory);
          return bytes.length;
        });
        assert.equal(
          file.bytes,
          taken.reduce((sum, length) => sum + length, 0),
        );
        assert.equal(
          file.sha256(),
          createHash('sha256').update(Buffer.concat(whole)).digest('hex'),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('lie in memory that was given back', () => {
    const pieces = new Pieces();
    const file = new FileBytes(pieces);
    const take = (length: number) => {
      file.add(chunk(length, 0));
      return file.take()[0].buffer;
    };
    const first = take(10);
    assert.notEqual(take(10), first);
    pieces.takeBack([first]);
    assert.equal(take(20), first);
  });

  it('keep little memory that they do not need', () => {
    const pieces = new Pieces();
    const given = Array.from({ length: 100 }, () => new ArrayBuffer(8));
    pieces.takeBack(given.slice(0, 60));
    pieces.takeBack(given.slice(60));
    const kept = Array.from({ length: 100 }, () => pieces.take()).filter((memory) =>
      given.includes(memory),
    );
    assert.equal(kept.length, 16);
  });
});
