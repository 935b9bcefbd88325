import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { COMPRESSIONS } from '../../src/jobs/pipeline.ts';
import { formatTimestamp } from '../../src/jobs/timestamp.ts';
import {
  cuts,
  SAMPLE_COLUMNS,
  SAMPLE_SCHEMA,
  slices,
  type Table,
  tables,
} from '../support/arbitrary-batches.ts';
import { encode } from '../support/encode.ts';
import {
  duckExpression,
  type Rows,
  withArrow,
  withDuckDb,
  withHyparquet,
} from '../support/read-encoded.ts';

const compressions = fc.constantFrom(undefined, ...COMPRESSIONS);

function rowsOf({ rows, values }: Table): Rows {
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(SAMPLE_COLUMNS.map(({ name }) => [name, values[name]?.[row]])),
  );
}

describe('what any reader finds in a file', () => {
  it('is what was written, in Parquet, says hyparquet', async () => {
    await fc.assert(
      fc.asyncProperty(tables, cuts, compressions, async (table, lengths, compression) => {
        const file = await encode('parquet', SAMPLE_SCHEMA, slices(table, lengths), compression);
        assert.deepEqual(await withHyparquet(file), rowsOf(table));
      }),
      { numRuns: 60 },
    );
  });

  it('is what was written, in Parquet, says DuckDB', async () => {
    const select = `SELECT ${SAMPLE_COLUMNS.map(duckExpression).join(', ')} FROM $file`;
    await withDuckDb(async (read) =>
      fc.assert(
        fc.asyncProperty(tables, cuts, compressions, async (table, lengths, compression) => {
          const file = await encode('parquet', SAMPLE_SCHEMA, slices(table, lengths), compression);
          const found = await read(file, select);
          assert.deepEqual(
            found,
            rowsOf(table).map((row) => Object.values(row)),
          );
        }),
        { numRuns: 30 },
      ),
    );
  });

  it('is what was written, in an Arrow file, says apache-arrow', async () => {
    await fc.assert(
      fc.asyncProperty(tables, cuts, async (table, lengths) => {
        const file = await encode('arrow', SAMPLE_SCHEMA, slices(table, lengths));
        assert.deepEqual(withArrow(file), rowsOf(table));
      }),
      { numRuns: 60 },
    );
  });

  it('is what was written, in NDJSON, character for character', async () => {
    await fc.assert(
      fc.asyncProperty(tables, cuts, fc.boolean(), async (table, lengths, gzip) => {
        const compression = gzip ? 'gzip' : 'none';
        const file = await encode('ndjson', SAMPLE_SCHEMA, slices(table, lengths), compression);
        const text = (gzip ? gunzipSync(file) : file).toString('utf8');
        assert.equal(text, rowsOf(table).map(jsonLine).join(''));
      }),
    );
  });
});

/** The plain way to write a row, against which the fast one is checked. */
function jsonLine(row: Record<string, unknown>): string {
  const members = SAMPLE_COLUMNS.map(({ name, type }) => {
    const value = row[name];
    if (value === null) return `"${name}":null`;
    if (typeof value === 'bigint') {
      return `"${name}":${type === 'timestamp' ? `"${formatTimestamp(value)}"` : value}`;
    }
    if (Object.is(value, -0)) return `"${name}":-0`;
    return `"${name}":${JSON.stringify(value).replace(/[\u0085\u2028\u2029]/g, escaped)}`;
  });
  return `{${members.join(',')}}\n`;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
