import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type RecordBatch, RecordBatchReader, RecordBatchStreamWriter } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { FORMATS } from '../../src/jobs/pipeline.ts';
import { BLOCK_BYTES, BLOCK_ROWS, Blocks, gather } from '../../src/load/blocks.ts';
import { decodePart, PartEncoder } from '../../src/platform/part-file.ts';
import { cuts, slices, tables } from '../support/arbitrary-batches.ts';
import { batchOf, cut, jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';

const NOTES = arrowSchema([
  { name: 'note', type: 'string', required: false, sent: true, description: '' },
  { name: 'tags', type: 'strings', required: true, sent: true, description: '' },
]);

function notes(lengths: readonly number[]): RecordBatch {
  return batchOf(NOTES, lengths.length, {
    note: lengths.map((length) => (length === 0 ? null : 'n'.repeat(length / 2))),
    tags: lengths.map((length) => ['t'.repeat(length / 2)]),
  });
}

function blockRows(batches: readonly RecordBatch[]): number[] {
  const blocks = new Blocks();
  const rows: number[] = [];
  for (const batch of batches)
    for (const block of blocks.add({ batch, from: 0, to: batch.numRows })) rows.push(block.numRows);
  for (const block of blocks.rest()) rows.push(block.numRows);
  return rows;
}

describe('where a file is divided', () => {
  const jobs = jobBatch(0, 2 * BLOCK_ROWS + 501);

  for (const format of FORMATS) {
    it(`does not depend on how the rows were batched: ${format}`, async () => {
      const whole = await encode(format, JOB_SCHEMA, [jobs]);
      for (const lengths of [[100], [1, 2499, 2501], [777], [2500], [2499, 2, 3000]]) {
        const file = await encode(format, JOB_SCHEMA, cut(jobs, lengths));
        assert.ok(file.equals(whole), `cut by ${lengths}`);
      }
    });

    it(`does not depend on how they travelled: ${format}`, async () => {
      const writer = new RecordBatchStreamWriter();
      writer.reset(undefined, JOB_SCHEMA);
      for (const batch of cut(jobs, [999])) writer.write(batch);
      const travelled = RecordBatchReader.from(writer.finish().toUint8Array(true));
      const file = await encode(format, JOB_SCHEMA, travelled);
      assert.ok(file.equals(await encode(format, JOB_SCHEMA, [jobs])));
    });
  }

  it('is every so many rows', () => {
    const lengths = Array(BLOCK_ROWS + 1).fill(2);
    assert.deepEqual(blockRows(cut(notes(lengths), [600])), [BLOCK_ROWS, 1]);
  });

  it('is before the row that would be too much text, lists included', () => {
    const third = BLOCK_BYTES / 4 + 2;
    const lengths = [third, third, 0, third, third, 10, BLOCK_BYTES * 2, 0, 4, BLOCK_BYTES, 2];
    const expected = [4, 2, 1, 2, 1, 1];
    for (const by of [[100], [1], [2], [3, 1]]) {
      assert.deepEqual(blockRows(cut(notes(lengths), by)), expected, `cut by ${by}`);
    }
  });
});

describe('rows that are gathered', () => {
  it('are those they were, in any pieces of any batches', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(tables, cuts), { minLength: 1, maxLength: 3 }), (sources) => {
        const batches = sources.flatMap(([table, lengths]) => slices(table, lengths));
        fc.pre(batches.length > 0);
        const pieces = batches.map((batch, at) => {
          const from = at % 2 === 0 ? 0 : batch.numRows >> 1;
          return { batch, from, to: batch.numRows };
        });
        const expected = pieces.flatMap(({ batch, from }) => batch.toArray().slice(from));
        const gathered = gather(pieces);
        assert.deepEqual(gathered.toArray().map(String), expected.map(String));
        assert.equal(gathered.data.offset, 0);
      }),
    );
  });

  it('are not copied where they are all of a batch', () => {
    const rest = { rejects: new Uint8Array(), again: [], settled: null, state: null };
    const part = new PartEncoder(JOB_SCHEMA).encode({ batch: jobBatch(0, 10), ...rest });
    const { batch } = decodePart(part) ?? assert.fail();
    const [ids] = gather([{ batch, from: 0, to: 10 }]).data.children;
    assert.equal(ids.values.buffer, part.buffer);
    const [some] = gather([{ batch, from: 0, to: 9 }]).data.children;
    assert.notEqual(some.values.buffer, part.buffer);
  });
});
