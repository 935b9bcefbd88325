import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { DataType, tableFromIPC, Vector } from 'apache-arrow';
import { decompress } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import type { Column } from '../../src/jobs/columns.ts';

/** Rows as plain values: strings, bigints for integers and timestamps, numbers, booleans, lists, null. */
export type Rows = Record<string, unknown>[];

export async function withHyparquet(bytes: Uint8Array): Promise<Rows> {
  const decoder = new TextDecoder();
  const rows = await parquetReadObjects({
    file: new Uint8Array(bytes).buffer,
    compressors: { GZIP: (page) => gunzipSync(page), ZSTD: (page) => decompress(page) },
    parsers: {
      timestampFromMicroseconds: (micros) => micros,
      jsonFromBytes: (json) => decoder.decode(json),
    },
  });
  // It says undefined for a list that is null.
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null])),
  );
}

export function withArrow(bytes: Uint8Array): Rows {
  const table = tableFromIPC(bytes);
  const columns = table.schema.fields.map(({ name }, i): [string, unknown[]] => [
    name,
    plainValues(table.getChildAt(i)),
  ]);
  return Array.from({ length: table.numRows }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row]])),
  );
}

function plainValues(vector: Vector | null): unknown[] {
  return (vector?.data ?? []).flatMap((data) => {
    const values = new Vector([data]);
    return Array.from({ length: data.length }, (_, i) => {
      if (!data.getValid(i)) return null;
      if (DataType.isList(data.type)) return [...values.get(i)];
      // Arrow's own getter rounds timestamps to milliseconds.
      return DataType.isTimestamp(data.type) ? data.values[i] : values.get(i);
    });
  });
}

/** DuckDB in memory, over files in a folder that is removed when `work` ends. */
export async function withDuckDb<T>(
  work: (read: (bytes: Uint8Array, sql: string) => Promise<unknown[][]>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'loaders-'));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  let reads = 0;
  try {
    return await work(async (bytes, sql) => {
      // A path of its own for each: DuckDB keeps what it read of a file, and now and then takes it for that of the next.
      const path = join(folder, `${reads++}.parquet`);
      await writeFile(path, bytes);
      const result = await connection.runAndReadAll(sql.replaceAll('$file', `'${path}'`));
      return result.getRowsJS();
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What DuckDB selects to show a column exactly: microseconds for a timestamp, the text of JSON. */
export function duckExpression({ name, type }: Column): string {
  if (type === 'timestamp') return `epoch_us("${name}")`;
  return type === 'json' ? `"${name}"::VARCHAR` : `"${name}"`;
}
