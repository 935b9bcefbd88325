import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Bool, Int64, makeData, RecordBatch, RecordBatchStreamWriter, Struct } from 'apache-arrow';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { FORMATS } from '../../src/jobs/pipeline.ts';
import { columnsOf } from '../../src/load/columns.ts';
import { BLOCK_BYTES, BLOCK_ROWS, RowBlocks } from '../../src/load/row-blocks.ts';
import { decodeBatches } from '../../src/platform/ipc.ts';
import { batchOf, cut, jobBatch } from '../support/batches.ts';
import { encode, openFile } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

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
  const blocks = new RowBlocks(columnsOf(NOTES));
  const rows: number[] = [];
  for (const batch of batches) for (const block of blocks.add(batch)) rows.push(block.rows);
  for (const block of blocks.rest()) rows.push(block.rows);
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
      const travelled = decodeBatches(writer.finish().toUint8Array(true));
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

describe('what lies under a null', () => {
  it('leaves no trace in a file', async () => {
    const schema = arrowSchema([
      { name: 'n', type: 'int64', required: false, sent: true, description: '' },
      { name: 'b', type: 'bool', required: false, sent: true, description: '' },
    ]);
    const batch = (under: bigint, bits: number) => {
      const nullBitmap = Uint8Array.of(0b101);
      const n = makeData({ type: new Int64(), nullBitmap, data: BigInt64Array.of(1n, under, 3n) });
      const b = makeData({ type: new Bool(), length: 3, nullBitmap, data: Uint8Array.of(bits) });
      const type = new Struct(schema.fields);
      return new RecordBatch(schema, makeData({ type, length: 3, nullCount: 0, children: [n, b] }));
    };
    for (const format of FORMATS) {
      const clean = await encode(format, schema, [batch(0n, 0b101)]);
      assert.ok(clean.equals(await encode(format, schema, [batch(77n, 0b111)])), format);
    }
  });
});

describe('a batch that does not belong', () => {
  it('is refused when its columns are others', async () => {
    const loader = openFile('parquet', JOB_SCHEMA);
    const error = await rejection(loader.write(notes([2])));
    assert.equal(error.exitCode, 70);
  });

  for (const format of FORMATS) {
    it(`is refused when a required column has a null: ${format}`, async () => {
      const loader = openFile(format, NOTES);
      const hole = batchOf(NOTES, 2, { note: ['a', 'b'], tags: [['c'], null] });
      const error = await rejection(loader.write(hole));
      assert.equal(error.exitCode, 65);
      assert.match(error.message, /tags/);
    });
  }
});
