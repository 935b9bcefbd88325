import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Data, RecordBatch, Schema } from 'apache-arrow';
import fc from 'fast-check';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { type BaseFile, openBaseFile } from '../../src/load/base-file.ts';
import { gather } from '../../src/load/blocks.ts';
import { SAMPLE_SCHEMA, slices, tables } from '../support/arbitrary-batches.ts';
import { encode } from '../support/encode.ts';

const KINDS: readonly (readonly [Format, Compression])[] = [
  ['parquet', 'zstd'],
  ['parquet', 'snappy'],
  ['parquet', 'gzip'],
  ['parquet', 'none'],
  ['arrow', 'none'],
  ['ndjson', 'none'],
  ['ndjson', 'gzip'],
];

/** The years 1 to 9999: no other are in any file. */
const usualTables = tables.map(({ rows, values }) => ({
  rows,
  values: Object.fromEntries(
    Object.entries(values).map(([name, column]) => [
      name,
      name.startsWith('timestamp') ? column.map(usualTime) : column,
    ]),
  ),
}));

function usualTime(value: unknown): unknown {
  const [first, span] = [-62_135_596_800_000_000n, 315_537_897_600_000_000n];
  return typeof value === 'bigint' ? first + (BigInt.asUintN(63, value) % span) : value;
}

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'base-file-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function withBase<T>(
  file: {
    format: Format;
    compression: Compression;
    bytes: Uint8Array;
    rows: number;
    schema: Schema;
  },
  work: (base: BaseFile) => Promise<T>,
): Promise<T> {
  const { format, compression, bytes, rows, schema } = file;
  const path = join(folder, `jobs.${format}${compression === 'gzip' ? '.gz' : ''}`);
  await writeFile(path, bytes);
  const base = await openBaseFile({ path, format, rows }, schema);
  try {
    return await work(base);
  } finally {
    await base.close();
  }
}

async function collect(batches: AsyncIterable<RecordBatch>): Promise<RecordBatch[]> {
  const all: RecordBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

/** Every buffer of a column: equal ones mean equal values, bit for bit. */
function buffers({
  nullCount,
  valueOffsets,
  values,
  nullBitmap,
  children,
  length,
  offset,
}: Data): unknown {
  return {
    nullCount,
    valueOffsets,
    values,
    nullBitmap,
    length,
    offset,
    children: children.map(buffers),
  };
}

function columnsOf(batches: readonly RecordBatch[]): unknown {
  if (batches.length === 0) return [];
  const whole = gather(batches.map((batch) => ({ batch, from: 0, to: batch.numRows })));
  return whole.data.children.map(buffers);
}

describe('a base file', () => {
  for (const [format, compression] of KINDS) {
    it(`gives back what was written: ${format} ${compression}`, () =>
      fc.assert(
        fc.asyncProperty(usualTables, fc.nat(40), fc.nat(40), async (table, a, b) => {
          const written = slices(table, [table.rows]);
          const { rows } = table;
          const bytes = await encode(format, SAMPLE_SCHEMA, written, compression);
          const [from, to] = [Math.min(a, b, rows), Math.min(Math.max(a, b), rows)];
          await withBase(
            { format, compression, bytes, rows, schema: SAMPLE_SCHEMA },
            async (base) => {
              const all = await collect(base.batches(0, rows));
              assert.deepEqual(columnsOf(all), columnsOf(written));
              assert.ok((await encode(format, SAMPLE_SCHEMA, all, compression)).equals(bytes));
              const some = await collect(base.batches(from, to));
              const expected = to > from ? written.map((batch) => batch.slice(from, to)) : [];
              assert.deepEqual(columnsOf(some), columnsOf(expected));
            },
          );
        }),
        { numRuns: 60 },
      ));
  }
});
