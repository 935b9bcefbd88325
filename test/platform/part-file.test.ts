import assert from 'node:assert/strict';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { decodePart, PartEncoder } from '../../src/platform/part-file.ts';
import { cuts, SAMPLE_SCHEMA, slices, tables } from '../support/arbitrary-batches.ts';

const EMPTY = { rejects: new Uint8Array(), again: [], settled: null, state: null };

test('a part is an Arrow IPC stream to any reader, and gives back all that went in', () => {
  const encoder = new PartEncoder(SAMPLE_SCHEMA);
  fc.assert(
    fc.property(
      tables,
      cuts,
      fc.uint8Array(),
      fc.array(fc.string({ unit: 'grapheme' })),
      fc.option(fc.bigInt()),
      fc.jsonValue(),
      (table, lengths, rejects, again, settled, state) => {
        const json = JSON.parse(JSON.stringify(state));
        for (const batch of slices(table, lengths)) {
          const bytes = encoder.encode({ batch, rejects, again, settled, state: json });
          const rows = tableFromIPC(bytes);
          assert.deepEqual(rows.schema.fields.map(String), SAMPLE_SCHEMA.fields.map(String));
          assert.deepEqual(rows.toArray().map(String), batch.toArray().map(String));
          const part = decodePart(bytes);
          assert.equal(part?.batch.numRows, batch.numRows);
          assert.deepEqual(Buffer.from(part.rejects), Buffer.from(rejects));
          assert.deepEqual([part.again, part.settled, part.state], [again, settled, json]);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('a part that is cut off, grown or altered anywhere is none', () => {
  const [batch] = slices({ rows: 1, values: { id: ['a'] } }, [1]);
  const bytes = new PartEncoder(SAMPLE_SCHEMA).encode({
    ...EMPTY,
    rejects: Buffer.from('{}\n'),
    batch,
  });
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes);
    altered[at] ^= 1;
    assert.equal(decodePart(altered), undefined, `bit at ${at}`);
    assert.equal(decodePart(Buffer.from(bytes.subarray(0, at))), undefined, `cut at ${at}`);
  }
  assert.equal(decodePart(Buffer.concat([bytes, Buffer.alloc(1)])), undefined);
});

test('a part without rows is one all the same', () => {
  const [batch] = slices({ rows: 1, values: {} }, [1]);
  const bytes = new PartEncoder(SAMPLE_SCHEMA).encode({ ...EMPTY, batch: batch.slice(0, 0) });
  assert.equal(decodePart(bytes)?.batch.numRows, 0);
});

test('a batch is copied: its memory may be filled anew', () => {
  const encoder = new PartEncoder(SAMPLE_SCHEMA);
  const [batch] = slices({ rows: 1, values: { id: ['before'] } }, [1]);
  const bytes = encoder.encode({ ...EMPTY, batch });
  batch.getChild('id')?.data[0].values.fill(0x78);
  assert.equal(tableFromIPC(bytes).getChild('id')?.get(0), 'before');
  assert.equal(
    tableFromIPC(encoder.encode({ ...EMPTY, batch }))
      .getChild('id')
      ?.get(0),
    'xxxxxx',
  );
});
