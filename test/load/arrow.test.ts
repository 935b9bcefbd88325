import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecordBatchReader, tableFromIPC } from 'apache-arrow';
import { columnTypeOf, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { JOB_COLUMNS } from '../../src/jobs/columns.ts';
import { jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';

describe('an Arrow file', () => {
  it('holds record batches of 2,500 rows', async () => {
    const file = await encode('arrow', JOB_SCHEMA, [jobBatch(0, 24_000)]);
    assert.deepEqual(
      tableFromIPC(file).batches.map(({ numRows }) => numRows),
      [...Array(9).fill(2_500), 1_500],
    );
  });

  it('tells JSON columns from strings', async () => {
    const { schema } = tableFromIPC(await encode('arrow', JOB_SCHEMA, [jobBatch(0, 3)]));
    assert.deepEqual(
      schema.fields.map((field) => [field.name, columnTypeOf(field), !field.nullable]),
      JOB_COLUMNS.map(({ name, type, required }) => [name, type, required]),
    );
  });

  it('has its schema without any row', async () => {
    const table = tableFromIPC(await encode('arrow', JOB_SCHEMA, []));
    assert.equal(table.numRows, 0);
    assert.equal(table.schema.fields.length, JOB_COLUMNS.length);
  });

  it('is an Arrow stream between its magic strings, as the format wants it', async () => {
    const file = await encode('arrow', JOB_SCHEMA, [jobBatch(0, 3000)]);
    assert.equal(file.toString('latin1', 0, 8), 'ARROW1\0\0');
    assert.equal(file.toString('latin1', file.length - 6), 'ARROW1');
    const batches = [...RecordBatchReader.from(file.subarray(8))];
    assert.equal(
      batches.reduce((rows, { numRows }) => rows + numRows, 0),
      3000,
    );
  });
});
