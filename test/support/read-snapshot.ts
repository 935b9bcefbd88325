import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { createGunzip, gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { RecordBatchReader } from 'apache-arrow';
import { decompress } from 'fzstd';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { canonicalJson, type PlainRow } from './expected-row.ts';

const TIMES = ['created_at', 'updated_at', 'start_timestamp', 'end_timestamp'];
const JSON_COLUMNS = ['variables', 'extra'];

/** One query in a fresh DuckDB, rows as plain JSON values (integers beyond 2^53 as text). */
export async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  const rows = reader.getRowObjectsJson();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

/** The rows of a Parquet file as DuckDB reads them. */
export function parquetByDuckdb(path: string): Promise<PlainRow[]> {
  return byDuckdb('', `read_parquet('${path}')`);
}

/** The rows of the view that `load.sql` makes in the folder of a snapshot. */
export function viewByDuckdb(folder: string): Promise<PlainRow[]> {
  return loaded(folder, (sql) => byDuckdb(sql, 'jobs'));
}

/** Name and type of each of its columns. */
export async function viewTypes(folder: string): Promise<string[]> {
  const columns = await loaded(folder, (sql) => duckdb(`${sql} DESCRIBE jobs`));
  return columns.map(({ column_name, column_type }) => `${column_name} ${column_type}`);
}

async function loaded<T>(folder: string, query: (sql: string) => Promise<T>): Promise<T> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return await query(await readFile('load.sql', 'utf8'));
  } finally {
    process.chdir(before);
  }
}

async function byDuckdb(setup: string, source: string): Promise<PlainRow[]> {
  const replaced = TIMES.map((name) => `epoch_us(${name}) AS ${name}`).join(', ');
  const rows = await duckdb(`${setup} SELECT * REPLACE (${replaced}) FROM ${source}`);
  return rows.map((row) => plain(row));
}

/** The rows of a Parquet file as hyparquet reads them. */
export async function parquetByHyparquet(path: string): Promise<PlainRow[]> {
  const parsers = {
    timestampFromMicroseconds: (micros: bigint) => micros,
    jsonFromBytes: (bytes: Uint8Array) => Buffer.from(bytes).toString(),
  };
  const compressors = {
    GZIP: (input: Uint8Array) => gunzipSync(input),
    ZSTD: (input: Uint8Array) => decompress(input),
  };
  const file = await asyncBufferFromFile(path);
  const rows = await parquetReadObjects({ file, compressors, parsers });
  return rows.map(plain);
}

/** The rows of an Arrow IPC file as apache-arrow reads them. */
export async function arrowRows(path: string): Promise<PlainRow[]> {
  const rows: PlainRow[] = [];
  for (const batch of RecordBatchReader.from(await readFile(path))) {
    const columns = batch.schema.fields.map(({ name }, at) => ({
      name,
      column: batch.getChildAt(at),
    }));
    for (let row = 0; row < batch.numRows; row++) {
      const values = columns.map(({ name, column }) => {
        if (!column?.isValid(row)) return [name, null];
        if (TIMES.includes(name)) return [name, column.data[0].values[row]];
        const value: unknown = column.get(row);
        return [
          name,
          name === 'errors' || name === 'anomalies' ? [...(value as Iterable<unknown>)] : value,
        ];
      });
      rows.push(plain(Object.fromEntries(values)));
    }
  }
  return rows;
}

/** The rows of an NDJSON file, plain or gzip, with instants written as the format writes them. */
export async function ndjsonRows(path: string): Promise<PlainRow[]> {
  const source = createReadStream(path);
  const input = path.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  const rows: PlainRow[] = [];
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY }))
    rows.push(ndjsonRow(line));
  return rows;
}

function ndjsonRow(line: string): PlainRow {
  const { parse } = JSON;
  const row: Record<string, unknown> = parse(line);
  for (const name of ['runs', 'progress', 'creation_order']) {
    const digits = new RegExp(`"${name}":(-?\\d+)`).exec(line);
    row[name] = row[name] === null ? null : digits?.[1];
  }
  for (const name of TIMES) {
    const text = row[name];
    if (typeof text === 'string') row[name] = microsOf(text);
  }
  return plain(row);
}

function microsOf(text: string): bigint {
  const match = /^([+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{6})Z$/.exec(text);
  if (!match) throw new Error(`not an instant with six digits and Z: ${text}`);
  return BigInt(Date.parse(`${match[1]}Z`)) * 1000n + BigInt(match[2]);
}

function plain(row: Readonly<Record<string, unknown>>): PlainRow {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value === null || value === undefined) return [name, null];
      if (JSON_COLUMNS.includes(name)) return [name, canonicalJson(String(value))];
      if (name === 'anomalies') return [name, [...(value as string[])].sort()];
      const isInteger =
        TIMES.includes(name) ||
        ['runs', 'progress', 'creation_order', 'error_count'].includes(name);
      return [name, isInteger ? String(value) : value];
    }),
  );
}
