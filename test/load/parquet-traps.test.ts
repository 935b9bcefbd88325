import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { Column, ColumnType } from '../../src/jobs/columns.ts';
import { COMPRESSIONS } from '../../src/jobs/pipeline.ts';
import { openParquetFile, ROW_GROUP_ROWS } from '../../src/load/parquet-file.ts';
import { batchOf, jobBatch, type Values } from '../support/batches.ts';
import { metadataOf, parquetBytes } from '../support/parquet.ts';
import { withDuckDb, withHyparquet } from '../support/read-encoded.ts';
import { rejection } from '../support/rejection.ts';

/** Each test is named after what parquetjs-lite 0.8.7 does when it is left to itself. */

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

function optional(name: string, type: ColumnType): Column {
  return { name, type, required: false, sent: true, description: '' };
}

const MIXED = arrowSchema([
  optional('count', 'int64'),
  optional('at', 'timestamp'),
  optional('none', 'int64'),
  optional('word', 'string'),
  optional('words', 'strings'),
  optional('json', 'json'),
]);

const MIXED_VALUES: Values = {
  count: [2n ** 53n + 1n, null, LEAST, MOST, -1n],
  at: [0n, -1n, null, 1_700_000_000_123_456n, 5n],
  word: ['z', 'é', null, '\u{10000}', '\uffff'],
  words: [['a', null], [], null, [''], ['b', 'c']],
  json: ['{"a":1}', '1', null, '[]', '"x"'],
};

async function mixed(): Promise<Buffer> {
  return parquetBytes(MIXED, [batchOf(MIXED, 5, MIXED_VALUES)]);
}

function chunkOf(metadata: ReturnType<typeof metadataOf>, index: number, group = 0) {
  return metadata.row_groups[group].columns[index].meta_data;
}

describe('the Parquet writer', () => {
  it('coerces silently: integers past 2^53 stay digit for digit', async () => {
    const rows = await withHyparquet(await mixed());
    assert.deepEqual(
      rows.map(({ count }) => count),
      MIXED_VALUES.count,
    );
  });

  it('coerces silently: text is not taken for a number, nor a number for a timestamp', async () => {
    const numbers = arrowSchema([optional('a', 'int64')]);
    for (const type of ['string', 'float64', 'timestamp'] as const) {
      const other = arrowSchema([optional('a', type)]);
      const file = await openParquetFile(numbers, 'none');
      const batch = batchOf(other, 1, { a: [null] });
      const error = await rejection((async () => file.encode(batch))());
      assert.equal(error.exitCode, 70);
    }
  });

  it('writes a page index that lacks required fields: there is none', async () => {
    for (const { columns } of metadataOf(await mixed()).row_groups) {
      for (const chunk of columns) {
        assert.equal(chunk.column_index_offset, undefined);
        assert.equal(chunk.offset_index_offset, undefined);
      }
    }
  });

  it('gets statistics wrong: bounds are exact, text by its bytes, and none where readers differ', async () => {
    const metadata = metadataOf(await mixed());
    const found = ['count', 'at', 'none', 'word', 'words', 'json'].map((_, i) => {
      const { null_count, min_value, max_value } = chunkOf(metadata, i)?.statistics ?? {};
      return [null_count, min_value, max_value];
    });
    assert.deepEqual(found, [
      [1n, LEAST, MOST],
      [1n, -1n, 1_700_000_000_123_456n],
      [5n, undefined, undefined],
      [1n, 'z', '\u{10000}'],
      [undefined, undefined, undefined],
      [1n, '"x"', '{"a":1}'],
    ]);
  });

  it('gets statistics wrong: a reader that prunes by them finds every row', async () => {
    const file = await mixed();
    await withDuckDb(async (read) => {
      const count = async (where: string) =>
        (await read(file, `SELECT count(*) FROM $file WHERE ${where}`))[0][0];
      assert.equal(await count(`count = ${MOST}`), 1n);
      assert.equal(await count('count < -9000000000000000000'), 1n);
      assert.equal(await count(`"at" < '1970-01-01T00:00:00Z'::TIMESTAMPTZ`), 1n);
      assert.equal(await count('none IS NULL'), 5n);
    });
  });

  it('writes converted types only: DuckDB sees UTC, text and lists', async () => {
    await withDuckDb(async (read) => {
      const described = await read(await mixed(), 'SELECT column_type FROM (DESCRIBE FROM $file)');
      assert.deepEqual(described.flat(), [
        'BIGINT',
        'TIMESTAMP WITH TIME ZONE',
        'BIGINT',
        'VARCHAR',
        'VARCHAR[]',
        'VARCHAR',
      ]);
    });
  });

  it('writes converted types only: older readers still find them', async () => {
    const { schema } = metadataOf(await mixed());
    const types = schema.map(({ name, converted_type, logical_type }) => [
      name,
      converted_type,
      logical_type?.type,
    ]);
    assert.deepEqual(types, [
      ['root', undefined, undefined],
      ['count', undefined, undefined],
      ['at', 'TIMESTAMP_MICROS', 'TIMESTAMP'],
      ['none', undefined, undefined],
      ['word', 'UTF8', 'STRING'],
      ['words', 'LIST', 'LIST'],
      ['list', undefined, undefined],
      ['element', 'UTF8', 'STRING'],
      ['json', 'UTF8', 'STRING'],
    ]);
  });

  it('reports compressed sizes as uncompressed ones: the true ones are there', async () => {
    const jobs = [jobBatch(0, 3000)];
    const plain = metadataOf(await parquetBytes(JOB_SCHEMA, jobs, 'none'));
    const gzip = metadataOf(await parquetBytes(JOB_SCHEMA, jobs, 'gzip'));
    for (let i = 0; i < plain.row_groups[0].columns.length; i++) {
      const before = chunkOf(plain, i);
      const after = chunkOf(gzip, i);
      assert.equal(before?.total_uncompressed_size, before?.total_compressed_size);
      // The page headers hold the compressed size too: a byte or two less.
      const less = Number(before?.total_uncompressed_size) - Number(after?.total_uncompressed_size);
      assert.ok(Math.abs(less) <= 8, `${less} bytes`);
    }
    assert.ok(gzip.row_groups[0].total_byte_size > 700_000n);
  });

  it('makes row groups of 4,096 rows: here they have 122,500', async () => {
    const narrow = arrowSchema([optional('n', 'int64')]);
    const blocks = Array.from({ length: 100 }, (_, i) =>
      batchOf(narrow, 2500, { n: Array.from({ length: 2500 }, (_, j) => BigInt(i * 2500 + j)) }),
    );
    const metadata = metadataOf(await parquetBytes(narrow, blocks));
    assert.deepEqual(
      metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
      [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 5000],
    );
    assert.equal(metadata.num_rows, 250_000n);
    assert.equal(chunkOf(metadata, 0, 1)?.statistics?.max_value, 244_999n);
  });

  it('has no ZSTD and a slow GZIP: every codec offered is one it has', async () => {
    const codecs = [];
    for (const compression of COMPRESSIONS) {
      const batch = batchOf(MIXED, 5, MIXED_VALUES);
      const metadata = metadataOf(await parquetBytes(MIXED, [batch], compression));
      codecs.push(chunkOf(metadata, 0)?.codec);
    }
    assert.deepEqual(codecs, ['ZSTD', 'SNAPPY', 'GZIP', 'UNCOMPRESSED']);
  });

  it('wants rows: a file without any still has its columns', async () => {
    const file = await parquetBytes(JOB_SCHEMA, []);
    assert.equal(metadataOf(file).num_rows, 0n);
    await withDuckDb(async (read) => {
      assert.deepEqual(await read(file, 'SELECT count(*), count(created_at) FROM $file'), [
        [0n, 0n],
      ]);
      const types = await read(file, 'SELECT column_type FROM (DESCRIBE FROM $file)');
      assert.equal(types.length, JOB_SCHEMA.fields.length);
    });
  });
});
