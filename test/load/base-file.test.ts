import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Data, type RecordBatch, Schema } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { Column } from '../../src/jobs/columns.ts';
import { IdList } from '../../src/jobs/id-index.ts';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { type BaseFile, openBaseFile, readBaseIndex } from '../../src/load/base-file.ts';
import { BLOCK_BYTES, BLOCK_ROWS, gather, textBytes } from '../../src/load/blocks.ts';
import { EXIT, ExportError } from '../../src/platform/errors.ts';
import { SAMPLE_SCHEMA, slices, tables } from '../support/arbitrary-batches.ts';
import { batchOf, cut, jobBatch, type Values } from '../support/batches.ts';
import { encode } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

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

const KEY_COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', required: true, sent: true, description: '' },
  { name: 'status', type: 'string', required: true, sent: true, description: '' },
  { name: 'created_at', type: 'timestamp', required: true, sent: true, description: '' },
  { name: 'note', type: 'string', required: false, sent: true, description: '' },
  { name: 'list', type: 'strings', required: false, sent: true, description: '' },
];
const KEY_SCHEMA = arrowSchema(KEY_COLUMNS);

function keys(rows: number): Values {
  const column = <T>(value: (row: number) => T) => Array.from({ length: rows }, (_, i) => value(i));
  return {
    id: column((row) => `${row}`.padStart(36, '0')),
    status: column((row) => (row % 7 === 0 ? 'RUNNING' : 'DONE')),
    created_at: column((row) => BigInt(row) * 1_000_000n),
    list: column((row) => [null, [], [null, `${row}`], ['a', 'b']][row % 4]),
  };
}

/** Two row groups; the notes begin as a dictionary, which is then given up, and take many pages. */
const LONG_ROWS = 130_000;
const NOTES = Array.from({ length: LONG_ROWS }, (_, row) =>
  row % 5 === 0 ? null : `note ${row < 3_000 ? row % 10 : row}`,
);
const LONG_BATCH = batchOf(KEY_SCHEMA, LONG_ROWS, { ...keys(LONG_ROWS), note: NOTES });
const LONG = cut(LONG_BATCH, [10_000]);

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'base-file-'));
});
after(() => rm(folder, { recursive: true, force: true }));

interface Sample {
  readonly format: Format;
  readonly compression: Compression;
  readonly bytes: Uint8Array;
  readonly rows: number;
  readonly schema: Schema;
}

async function withBase<T>(file: Sample, work: (base: BaseFile) => Promise<T>): Promise<T> {
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

  for (const [format, compression] of KINDS) {
    it(`gives any rows of many pages and row groups: ${format} ${compression}`, async () => {
      const bytes = await encode(format, KEY_SCHEMA, LONG, compression);
      const file = { format, compression, bytes, rows: LONG_ROWS, schema: KEY_SCHEMA };
      await withBase(file, async (base) => {
        const all = await collect(base.batches(0, LONG_ROWS));
        assert.ok(all.every(({ numRows }) => numRows <= BLOCK_ROWS));
        assert.ok((await encode(format, KEY_SCHEMA, all, compression)).equals(bytes));
        const ranges = [
          [0, 1],
          [2_499, 2_501],
          [122_499, 122_501],
          [124_000, LONG_ROWS],
          [7, 7],
        ];
        for (const [from = 0, to = 0] of ranges) {
          const some = await collect(base.batches(from, to));
          const expected = to > from ? [gather([{ batch: LONG_BATCH, from, to }])] : [];
          assert.deepEqual(columnsOf(some), columnsOf(expected), `${from} to ${to}`);
        }
        const [only] = await collect(base.batches(125_000, 125_001, ['note']));
        assert.deepEqual(
          only?.toArray().map((row) => row?.toJSON()),
          [{ note: NOTES[125_000] }],
        );
      });
    });
  }

  it('gives no more than a block of text at a time, however often a long text comes', async () => {
    const text = 'x'.repeat(90_000);
    const values = { ...keys(400), note: Array(400).fill(text) };
    const written = [batchOf(KEY_SCHEMA, 400, values)];
    for (const [format, compression] of KINDS) {
      const bytes = await encode(format, KEY_SCHEMA, written, compression);
      const file = { format, compression, bytes, rows: 400, schema: KEY_SCHEMA };
      await withBase(file, async (base) => {
        let rows = 0;
        for await (const { data, numRows } of base.batches(0, 400)) {
          assert.ok(textBytes(data.children, 0, numRows) <= BLOCK_BYTES + text.length);
          rows += numRows;
        }
        assert.equal(rows, 400);
      });
    }
  });
});

describe('where a base file may be cut', () => {
  for (const [format, compression] of KINDS.slice(3)) {
    it(`leaves what comes before as it is: ${format} ${compression}`, async () => {
      const rows = format === 'parquet' ? LONG_ROWS : 6;
      const length = format === 'parquet' ? () => 1 : (row: number) => (row % 3) * 3_000_000;
      const notes = Array.from({ length: rows }, (_, row) => 'n'.repeat(length(row)));
      const before = [batchOf(KEY_SCHEMA, rows, { ...keys(rows), note: notes })];
      const bytes = await encode(format, KEY_SCHEMA, before, compression);
      const file = { format, compression, bytes, rows, schema: KEY_SCHEMA };
      await withBase(file, async (base) => {
        const starts = new Set<number>();
        const places =
          format === 'parquet' ? [0, 5, 122_500, 122_501, rows] : [0, 1, 2, 3, 4, 5, 6];
        for (const row of places) {
          const note = [...notes.slice(0, row), ...notes.slice(row + 1), 'new'];
          const changed = [batchOf(KEY_SCHEMA, rows, { ...keys(rows), note })];
          const after = await encode(format, KEY_SCHEMA, changed, compression);
          const cut = await base.cutBefore(row);
          assert.ok(cut.row <= row);
          assert.ok(after.subarray(0, cut.byte).equals(bytes.subarray(0, cut.byte)), `${row}`);
          starts.add(cut.row);
        }
        if (format === 'parquet') assert.deepEqual([...starts], [0, 122_500]);
        else assert.equal(starts.size, compression === 'gzip' ? 1 : format === 'ndjson' ? 7 : 4);
      });
    });
  }
});

describe('the index of a base file', () => {
  const texts = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.uuid());
  const someKeys = fc.uniqueArray(fc.tuple(fc.nat(3), texts, fc.boolean()), {
    maxLength: 40,
    selector: ([time, id]) => `${time} ${id}`,
  });

  for (const [format, compression] of KINDS) {
    const indexOf = async (rows: readonly (readonly [number, string, boolean])[]) => {
      const values = {
        id: rows.map(([, id]) => id),
        status: rows.map(([, , isFinal]) => (isFinal ? 'ERROR' : 'RUNNING')),
        created_at: rows.map(([time]) => BigInt(time) - 1n),
      };
      const written = rows.length === 0 ? [] : [batchOf(KEY_SCHEMA, rows.length, values)];
      const bytes = await encode(format, KEY_SCHEMA, written, compression);
      const file = { format, compression, bytes, rows: rows.length, schema: KEY_SCHEMA };
      return withBase(file, readBaseIndex);
    };

    it(`has the keys of all rows: ${format} ${compression}`, () =>
      fc.assert(
        fc.asyncProperty(someKeys, async (unsorted) => {
          const sorted = unsorted.toSorted(
            ([a, x], [b, y]) => a - b || Buffer.compare(Buffer.from(x), Buffer.from(y)),
          );
          const { rows, created, isFinal, ids } = await indexOf(sorted);
          const list = new IdList(ids);
          assert.equal(rows, sorted.length);
          const found = Array.from({ length: rows }, (_, row) => [
            Number(created[row]) + 1,
            list.textAt(row),
            isFinal[row] === 1,
          ]);
          assert.deepEqual(found, sorted);
          for (const { buffer } of [created, isFinal, ...ids.chunks])
            assert.ok(buffer instanceof SharedArrayBuffer);
        }),
        { numRuns: 40 },
      ));

    it(`is refused where keys do not ascend: ${format} ${compression}`, async () => {
      const wrong = /not in the order of created_at and id/;
      for (const [a, b] of [
        ['b', 'a'],
        ['a', 'a'],
        ['😀', '～'],
      ] as const) {
        const error = await rejection(
          indexOf([
            [1, a, true],
            [1, b, true],
          ]),
        );
        assert.match(error.message, wrong);
      }
      assert.match(
        (
          await rejection(
            indexOf([
              [2, 'a', true],
              [1, 'b', true],
            ]),
          )
        ).message,
        wrong,
      );
    });
  }
});

describe('a base file that is not what its manifest says', () => {
  const rows = 300;
  const written = [jobBatch(0, rows)];

  async function readAll(file: Sample): Promise<RecordBatch[]> {
    return withBase(file, (base) => collect(base.batches(0, file.rows)));
  }

  for (const [format, compression] of KINDS) {
    const encoded = encode(format, JOB_SCHEMA, written, compression);
    const sample = async () => {
      return { format, compression, bytes: await encoded, rows, schema: JOB_SCHEMA };
    };

    it(`is refused when cut off: ${format} ${compression}`, async () => {
      const file = await sample();
      await fc.assert(
        fc.asyncProperty(fc.nat(file.bytes.length - 1), async (length) => {
          const cut = { ...file, bytes: file.bytes.subarray(0, length) };
          assertDamage(await rejection(readAll(cut)));
        }),
        { numRuns: 60, examples: [[0], [8], [file.bytes.length - 1]] },
      );
    });

    it(`is refused, or read to its end, when a byte is another: ${format} ${compression}`, async () => {
      const file = await sample();
      await fc.assert(
        fc.asyncProperty(
          fc.nat(file.bytes.length - 1),
          fc.integer({ min: 1, max: 255 }),
          async (at, change) => {
            const bytes = Uint8Array.from(file.bytes);
            bytes[at] = (bytes[at] ?? 0) ^ change;
            const outcome = await readAll({ ...file, bytes }).catch((error: unknown) => error);
            if (outcome instanceof Error) assertDamage(outcome);
            else if (Array.isArray(outcome))
              assert.equal(
                outcome.reduce((sum, { numRows }) => sum + numRows, 0),
                rows,
              );
          },
        ),
        { numRuns: 200, examples: [[Math.min(28_228, file.bytes.length - 1), 115]] },
      );
    });

    it(`is refused when it has other rows or columns, or is no such file: ${format} ${compression}`, async () => {
      const file = await sample();
      const { fields } = JOB_SCHEMA;
      const others = [
        { rows: rows + 1 },
        { rows: rows - 1 },
        { schema: new Schema(fields.slice(1)) },
        { schema: new Schema(fields.slice(0, -1)) },
        {
          schema: new Schema(
            fields.map((field) => (field.name === 'runs' ? field.clone({ name: 'shots' }) : field)),
          ),
        },
        { bytes: Buffer.from('{"a":1}\n') },
        { bytes: Buffer.alloc(1000, 'PAR1ARROW1') },
      ];
      for (const other of others) assertDamage(await rejection(readAll({ ...file, ...other })));
    });
  }

  it('is told apart from one that is not there', async () => {
    const path = join(folder, 'none.parquet');
    const error = await rejection(openBaseFile({ path, format: 'parquet', rows }, JOB_SCHEMA));
    assert.ok(error instanceof ExportError && error.exitCode === EXIT.io);
  });
});

function assertDamage(error: unknown): void {
  assert.ok(error instanceof ExportError, String(error));
  assert.equal(error.exitCode, EXIT.data);
  assert.match(error.message, /is damaged: /);
}
