import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { type Compression, FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import { BLOCK_BYTES } from '../../src/load/blocks.ts';
import { ROW_GROUP_BYTES, ROW_GROUP_ROWS } from '../../src/load/parquet-file.ts';
import { batchOf, jobBatch, numbers } from '../support/batches.ts';
import { openFile } from '../support/encode.ts';

const MEGABYTE = 1024 * 1024;
const SEQUENCES = arrowSchema([
  { name: 'sequence', type: 'string', required: true, sent: true, description: '' },
]);

/** Letters that hardly compress. */
function noise(bytes: number): string {
  const random = numbers(1);
  return Buffer.from(Uint8Array.from({ length: bytes }, () => 32 + random() * 94)).toString(
    'latin1',
  );
}

/** The most bytes that had gone in and not come out after any call, and the file's last bytes. */
async function mostHeld(format: Format, compression: Compression, rowBytes: number, rows: number) {
  const loader = await openFile(format, SEQUENCES, compression);
  const batch = batchOf(SEQUENCES, 1, { sequence: [noise(rowBytes)] });
  let most = 0;
  let held = 0;
  for (let row = 0; row < rows; row++) {
    held += rowBytes;
    for (const chunk of await loader.write(batch)) held -= chunk.byteLength;
    most = Math.max(most, held);
  }
  const rest = Buffer.concat(await loader.finish());
  return { most, rest };
}

describe('what a loader holds between two calls', () => {
  for (const format of ['arrow', 'ndjson'] as const) {
    it(`is a block of rows and a chunk at most: ${format}`, async () => {
      const { most } = await mostHeld(format, 'none', 3 * MEGABYTE, 20);
      assert.ok(most <= BLOCK_BYTES + MEGABYTE, `${most} bytes`);
    });
  }

  it('is a row group and a block at most: parquet, however long the rows', async () => {
    const { most, rest } = await mostHeld('parquet', 'none', 5 * MEGABYTE, 24);
    assert.ok(most <= ROW_GROUP_BYTES + 2 * 5 * MEGABYTE, `${most} bytes`);
    assert.deepEqual(
      parquetMetadata(rest).row_groups.map(({ num_rows }) => Number(num_rows)),
      [7, 7, 7, 3],
    );
  });

  it('is a row group at most', async () => {
    const batch = jobBatch(0, 2500);
    for (const format of FORMATS) {
      const loader = await openFile(format, JOB_SCHEMA, 'none');
      let held = 0;
      for (let i = 0; i < 101; i++) {
        assert.ok(held < ROW_GROUP_ROWS, `${format}: ${held} rows`);
        held += batch.numRows;
        if ((await loader.write(batch)).length > 0) held = 0;
      }
    }
  });
});
