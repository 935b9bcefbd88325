import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { JsonValue } from '../../src/json/json-value.ts';
import { decodeJournal, encodeLine } from '../../src/store/journal-codec.ts';

const recordArbitrary: fc.Arbitrary<JsonValue> = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value)));
const recordsArbitrary = fc.array(recordArbitrary, { minLength: 1, maxLength: 6 });

function encode(records: readonly JsonValue[]): Buffer {
  return Buffer.concat(records.map((record, number) => encodeLine(number, record)));
}

function flipped(bytes: Uint8Array, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

describe('the journal', () => {
  it('has one readable line a record: length, CRC-32, number and record', () => {
    const line = Buffer.from(encodeLine(3, { kind: 'note', note: 'é' })).toString('utf8');
    assert.equal(line, '00000031 1284e12b [3,{"kind":"note","note":"é"}]\n');
  });

  it('gives back what was written', () => {
    fc.assert(
      fc.property(recordsArbitrary, (records) => {
        const journal = encode(records);
        const { lines, rest } = decodeJournal(journal);
        assert.deepEqual(
          lines.map(({ record }) => record),
          records,
        );
        assert.equal(rest, 'none');
        assert.equal(lines.at(-1)?.end, journal.length);
      }),
    );
  });

  it('cut anywhere, holds the whole lines before the cut and calls the rest torn', () => {
    fc.assert(
      fc.property(recordsArbitrary, fc.nat(), (records, seed) => {
        const journal = encode(records);
        const cut = journal.subarray(0, seed % (journal.length + 1));
        const { lines, rest } = decodeJournal(cut);
        const whole = decodeJournal(journal).lines.filter(({ end }) => end <= cut.length);
        assert.deepEqual(lines, whole);
        assert.equal(rest, (whole.at(-1)?.end ?? 0) === cut.length ? 'none' : 'torn');
      }),
    );
  });

  it('with any bit of its last line changed, loses that line and calls it torn', () => {
    fc.assert(
      fc.property(recordsArbitrary, fc.integer({ min: 0, max: 7 }), (records, bit) => {
        const before = encode(records.slice(0, -1));
        const journal = encode(records);
        for (let at = before.length; at < journal.length; at++) {
          const { lines, rest } = decodeJournal(flipped(journal, at, 1 << bit));
          assert.equal(lines.length, records.length - 1, `byte ${at}`);
          assert.equal(rest, 'torn', `byte ${at}`);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('with any bit before its last line changed, is damaged', () => {
    fc.assert(
      fc.property(recordsArbitrary, recordArbitrary, fc.nat(7), (records, last, bit) => {
        const journal = encode([...records, last]);
        const end = encode(records).length;
        for (let at = 0; at < end; at++) {
          const { lines, rest } = decodeJournal(flipped(journal, at, 1 << bit));
          assert.equal(rest, 'damaged', `byte ${at}`);
          assert.ok(lines.length < records.length);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes zeros behind its end, as a power loss leaves them, for a torn line', () => {
    const journal = encode([1, 2]);
    const { lines, rest } = decodeJournal(Buffer.concat([journal, Buffer.alloc(4096)]));
    assert.deepEqual([lines.length, rest], [2, 'torn']);
  });

  it('shows a line that is missing, doubled or out of order', () => {
    const [a, b, c] = [encodeLine(0, 'a'), encodeLine(1, 'b'), encodeLine(2, 'c')];
    for (const lines of [
      [a, c],
      [b, c],
      [a, a, b],
      [a, c, b],
    ]) {
      assert.equal(decodeJournal(Buffer.concat(lines)).rest, 'damaged');
    }
  });
});
