import assert from 'node:assert/strict';
import test from 'node:test';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { BatchEncoder, decodeBatches } from '../../src/platform/ipc.ts';
import { cuts, SAMPLE_SCHEMA, slices, tables } from '../support/arbitrary-batches.ts';

test('each batch is an Arrow IPC stream of its own, whatever came before it', () => {
  const encoder = new BatchEncoder(SAMPLE_SCHEMA);
  fc.assert(
    fc.property(tables, cuts, (table, lengths) => {
      for (const batch of slices(table, lengths)) {
        const bytes = encoder.encode(batch);
        const rows = tableFromIPC(bytes);
        assert.deepEqual(rows.schema.fields.map(String), SAMPLE_SCHEMA.fields.map(String));
        assert.equal(JSON.stringify(texts(rows.toArray())), JSON.stringify(texts(batch.toArray())));
        assert.deepEqual(
          decodeBatches(bytes).map(({ numRows }) => numRows),
          [batch.numRows],
        );
      }
    }),
    { numRuns: 50 },
  );
});

test('a batch without rows is one all the same', () => {
  const [batch] = slices({ rows: 1, values: {} }, [1]);
  const bytes = new BatchEncoder(SAMPLE_SCHEMA).encode(batch.slice(0, 0));
  assert.deepEqual(
    decodeBatches(bytes).map(({ numRows }) => numRows),
    [0],
  );
});

test('a batch is copied: its memory may be filled anew', () => {
  const encoder = new BatchEncoder(SAMPLE_SCHEMA);
  const [batch] = slices({ rows: 1, values: { id: ['before'] } }, [1]);
  const bytes = encoder.encode(batch);
  batch.getChild('id')?.data[0].values.fill(0x78);
  assert.equal(tableFromIPC(bytes).getChild('id')?.get(0), 'before');
  assert.equal(tableFromIPC(encoder.encode(batch)).getChild('id')?.get(0), 'xxxxxx');
});

function texts(rows: readonly unknown[]): string[] {
  return rows.map(String);
}
