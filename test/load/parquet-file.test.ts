import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordBatch, Schema } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { Column, ColumnType } from '../../src/jobs/columns.ts';
import { COMPRESSIONS } from '../../src/jobs/pipeline.ts';
import { HELD_BYTES, openParquetFile, ROW_GROUP_ROWS } from '../../src/load/parquet-file.ts';
import { batchOf, jobBatch, numbers, type Values } from '../support/batches.ts';
import { metadataOf, parquetBytes } from '../support/parquet.ts';
import { duckExpression, type Rows, withDuckDb, withHyparquet } from '../support/read-encoded.ts';
import { rejection } from '../support/rejection.ts';

const MEGABYTE = 1024 * 1024;
const BLOCK_ROWS = 2500;

function column(name: string, type: ColumnType, required = false): Column {
  return { name, type, required, sent: true, description: '' };
}

const COLUMNS = [
  column('text', 'string', true),
  column('text_or_null', 'string'),
  column('int64', 'int64', true),
  column('int64_or_null', 'int64'),
  column('time_or_null', 'timestamp'),
  column('float64_or_null', 'float64'),
  column('bool_or_null', 'bool'),
  column('strings', 'strings', true),
  column('strings_or_null', 'strings'),
];
const SCHEMA = arrowSchema(COLUMNS);

/** A block: how many rows, of how many different values, and how many of a hundred rows have none. */
interface Shape {
  readonly rows: number;
  readonly distinct: number;
  readonly nulls: number;
  readonly seed: number;
}

const shapes = fc.array(
  fc.record({
    rows: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 200, max: 1500 })),
    distinct: fc.constantFrom(1, 2, 5, 300, 1e9),
    nulls: fc.constantFrom(0, 3, 50, 100),
    seed: fc.nat(),
  }),
  { minLength: 1, maxLength: 4 },
);

function valuesOf({ rows, distinct, nulls, seed }: Shape): Values {
  const random = numbers(seed);
  const some = () => Math.floor(random() * distinct);
  const text = () => `${'x'.repeat(some() % 40)}${some()}é`;
  const make: Record<ColumnType, () => unknown> = {
    string: text,
    json: text,
    int64: () => BigInt(some()) * 9_007_199_254n - 5n,
    timestamp: () => BigInt(some()) * 1_000_003n,
    float64: () => some() / 8,
    bool: () => some() % 2 === 0,
    strings: () => Array.from({ length: some() % 4 }, () => (random() < 0.2 ? null : text())),
  };
  return Object.fromEntries(
    COLUMNS.map(({ name, type, required }) => [
      name,
      Array.from({ length: rows }, () =>
        !required && random() * 100 < nulls ? null : make[type](),
      ),
    ]),
  );
}

function rowsOf(blocks: readonly Values[]): Rows {
  return blocks.flatMap((values) =>
    (values.text ?? []).map((_, row) =>
      Object.fromEntries(COLUMNS.map(({ name }) => [name, values[name]?.[row]])),
    ),
  );
}

function batches(blocks: readonly Values[]): RecordBatch[] {
  return blocks.map((values) => batchOf(SCHEMA, values.text?.length ?? 0, values));
}

const compressions = fc.constantFrom(...COMPRESSIONS);

describe('what a reader finds, with a dictionary, without, or with one given up on the way', () => {
  it('is what was written, says hyparquet', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, compressions, async (given, compression) => {
        const blocks = given.map(valuesOf);
        const file = await parquetBytes(SCHEMA, batches(blocks), compression);
        assert.deepEqual(await withHyparquet(file), rowsOf(blocks));
      }),
      { numRuns: 60 },
    );
  });

  it('is what was written, says DuckDB', async () => {
    const select = `SELECT ${COLUMNS.map(duckExpression).join(', ')} FROM $file`;
    await withDuckDb(async (read) =>
      fc.assert(
        fc.asyncProperty(shapes, compressions, async (given, compression) => {
          const blocks = given.map(valuesOf);
          const file = await parquetBytes(SCHEMA, batches(blocks), compression);
          const expected = rowsOf(blocks).map((row) => Object.values(row));
          assert.deepEqual(await read(file, select), expected);
        }),
        { numRuns: 30 },
      ),
    );
  });
});

describe('the statistics of a column', () => {
  it('are the bounds and nulls of its values, as DuckDB reads them', async () => {
    const flat = COLUMNS.filter(({ type }) => type !== 'strings' && type !== 'float64');
    await withDuckDb(async (read) =>
      fc.assert(
        fc.asyncProperty(shapes, async (given) => {
          const blocks = given.map(valuesOf);
          const found = await read(
            await parquetBytes(SCHEMA, batches(blocks)),
            `SELECT path_in_schema, stats_null_count, stats_min_value, stats_max_value
              FROM parquet_metadata($file)`,
          );
          for (const { name, type } of flat) {
            const all = blocks.flatMap((values) => values[name] ?? []);
            const there = all.filter((value) => value !== null).map(sortable);
            const sorted = there.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
            const [, nulls, min, max] = found.find(([path]) => path === name) ?? [];
            assert.equal(nulls, BigInt(all.length - there.length));
            if (type === 'timestamp') continue;
            assert.deepEqual([min, max], [text(sorted.at(0)), text(sorted.at(-1))], name);
          }
        }),
        { numRuns: 30 },
      ),
    );
  });
});

/** Texts of these tests stand in the order of their bytes as in that of their characters. */
function sortable(value: unknown): string | bigint {
  return typeof value === 'bigint' ? value : String(value);
}

function text(value: string | bigint | undefined): string | null {
  return value === undefined ? null : String(value);
}

describe('a dictionary', () => {
  const encodings = (file: Buffer) =>
    Object.fromEntries(
      metadataOf(file).row_groups[0].columns.map(({ meta_data }) => [
        meta_data?.path_in_schema.join('.'),
        meta_data?.encodings.includes('RLE_DICTIONARY'),
      ]),
    );

  it('is there for what comes again, and not for what does not', async () => {
    const found = encodings(await parquetBytes(JOB_SCHEMA, [jobBatch(0, BLOCK_ROWS)]));
    const { batch_id, status, runs, id, created_at, variables, is_final } = found;
    assert.deepEqual([batch_id, status, runs], [true, true, true]);
    assert.deepEqual([id, created_at, variables, is_final], [false, false, false, false]);
    assert.equal(found['errors.list.element'], true);
  });

  it('holds a long text that many jobs share once', async () => {
    const random = numbers(1);
    const text = Array.from({ length: 4000 }, () => random().toString(36)).join('');
    const narrow = arrowSchema([column('text', 'string', true)]);
    const block = batchOf(narrow, 200, { text: Array(200).fill(text) });
    const file = await parquetBytes(narrow, Array(6).fill(block), 'none');
    assert.ok(file.length < text.length + 5000, `${file.length} bytes`);
  });

  it('is left in time: what it keeps of different long texts is a block of them', async () => {
    const narrow = arrowSchema([column('text', 'string', true)]);
    const texts = Array.from({ length: 50 }, (_, i) => `${i}`.repeat(40_000));
    const file = await parquetBytes(narrow, [batchOf(narrow, 50, { text: texts })]);
    assert.equal(encodings(file).text, false);
    assert.deepEqual(
      (await withHyparquet(file)).map(({ text }) => text),
      texts,
    );
  });
});

describe('a row group', () => {
  const narrow = arrowSchema([
    column('id', 'string', true),
    column('created_at', 'timestamp', true),
    column('status', 'string'),
    column('errors', 'strings'),
  ]);
  const block = (first: number, rows = BLOCK_ROWS) => {
    const row = Array.from({ length: rows }, (_, i) => first + i);
    return batchOf(narrow, rows, {
      id: row.map((i) => `${(i * 7919) % 100_003}-${i}`),
      created_at: row.map((i) => BigInt(i)),
      status: row.map((i) => (i % 7 === 0 ? null : `S${i % 11}`)),
      errors: row.map((i) => (i % 5 === 0 ? [`E${i % 3}`, null] : [])),
    });
  };
  const blocks = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => block(first + i * BLOCK_ROWS));
  const bytesOf = (file: Buffer, group: number) => {
    const { columns } = metadataOf(file).row_groups[group];
    const ranges = columns.map(({ meta_data }) => {
      const start = Number(meta_data?.dictionary_page_offset ?? meta_data?.data_page_offset);
      return [start, start + Number(meta_data?.total_compressed_size)];
    });
    for (const [i, [start]] of ranges.entries()) if (i > 0) assert.equal(start, ranges[i - 1][1]);
    return file.subarray(ranges[0][0], ranges[ranges.length - 1][1]);
  };

  it('has the same bytes wherever it stands', async () => {
    const full = ROW_GROUP_ROWS / BLOCK_ROWS;
    const tail = blocks(5_000_000, 5);
    const alone = await parquetBytes(narrow, tail);
    for (const before of [blocks(0, full), blocks(3, full * 2)]) {
      const file = await parquetBytes(narrow, [...before, ...tail]);
      assert.deepEqual(bytesOf(file, before.length / full), bytesOf(alone, 0));
    }
  });

  /** Rows of the row groups of a compressed file of long texts, a block each. */
  async function sizes(schema: Schema, text: string, rows: number): Promise<number[]> {
    const given = Array.from({ length: rows }, (_, i) =>
      batchOf(schema, 1, { sequence: [`${i}${text}`] }),
    );
    const { row_groups } = metadataOf(await parquetBytes(schema, given));
    return row_groups.map(({ num_rows }) => Number(num_rows));
  }

  it('says that it is sorted only where it is', async () => {
    const claims = async (given: RecordBatch[]) =>
      metadataOf(await parquetBytes(narrow, given)).row_groups[0].sorting_columns?.map(
        ({ column_idx, descending, nulls_first }) => [column_idx, descending, nulls_first],
      );
    const order = [
      [1, false, false],
      [0, false, false],
    ];
    assert.deepEqual(await claims([block(0), block(BLOCK_ROWS)]), order);
    assert.equal(await claims([block(1), block(0)]), undefined);
    const tied = (...id: string[]) =>
      batchOf(narrow, id.length, { id, created_at: id.map(() => 5n) });
    assert.deepEqual(await claims([tied('A', 'a'), tied('é', '\uffff', '😀')]), order);
    assert.equal(await claims([tied('a', 'A')]), undefined);
    assert.equal(await claims([tied('b'), tied('a')]), undefined);
  });

  it('ends at 128 MB of values, or at 32 MB of pages: those and a block are all that is held', async () => {
    const long = arrowSchema([column('sequence', 'string', true)]);
    const random = numbers(1);
    const noise = Uint8Array.from({ length: 5 * MEGABYTE }, () => 32 + random() * 94);
    const text = Buffer.from(noise).toString('latin1');
    let held = 0;
    let most = 0;
    const chunks: Buffer[] = [];
    const file = await openParquetFile(long, 'none');
    for (let row = 0; row < 24; row++) {
      held += text.length;
      for (const chunk of file.encode(batchOf(long, 1, { sequence: [`${row}${text}`] }))) {
        held -= chunk.length;
        chunks.push(Buffer.from(chunk));
      }
      most = Math.max(most, held);
    }
    for (const chunk of file.finish()) chunks.push(Buffer.from(chunk));
    assert.ok(most <= HELD_BYTES + 2 * 5 * MEGABYTE, `${most} bytes`);
    const { row_groups } = metadataOf(Buffer.concat(chunks));
    assert.deepEqual(
      row_groups.map(({ num_rows }) => Number(num_rows)),
      [7, 7, 7, 3],
    );
    assert.deepEqual(await sizes(long, `${text.slice(0, 9000)}`.repeat(600), 30), [25, 5]);
  });
});

describe('a Parquet file', () => {
  it('is the same, written alone or while others are', async () => {
    const alone = await parquetBytes(JOB_SCHEMA, [jobBatch(0, 500), jobBatch(500, 500)]);
    const chunks: Buffer[][] = [[], [], []];
    const files = await Promise.all(chunks.map(() => openParquetFile(JOB_SCHEMA, 'zstd')));
    const take = (i: number, taken: Uint8Array[]) =>
      chunks[i].push(...taken.map((chunk) => Buffer.from(chunk)));
    for (const first of [0, 500])
      for (const [i, file] of files.entries()) take(i, file.encode(jobBatch(first, 500)));
    for (const [i, file] of files.entries()) take(i, file.finish());
    for (const found of chunks) assert.deepEqual(Buffer.concat(found), alone);
  });

  it('names its writer and version as parquet-mr parses them', async () => {
    const { created_by = '' } = metadataOf(await parquetBytes(JOB_SCHEMA, []));
    assert.match(created_by, /^(.*?) version (\d+\.\d+\.\d+) \(build ([^)]+)\)$/);
  });

  it('takes no batch that does not fit, nor a null where none may be', async () => {
    const narrow = arrowSchema([column('a', 'int64', true), column('b', 'string')]);
    const other = arrowSchema([column('b', 'string'), column('a', 'int64', true)]);
    const codeOf = async (batch: RecordBatch) => {
      const file = await openParquetFile(narrow, 'none');
      return (await rejection((async () => file.encode(batch))())).exitCode;
    };
    assert.equal(await codeOf(batchOf(other, 1, { a: [1n] })), 70);
    assert.equal(await codeOf(batchOf(narrow, 3, { a: [1n, 2n, 3n] }).slice(1, 3)), 70);
    assert.equal(await codeOf(batchOf(narrow, 2, { a: [1n, null] })), 65);
  });
});
