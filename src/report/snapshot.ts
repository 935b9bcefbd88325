import { join } from 'node:path';
import type { DuckDBAppender, DuckDBType, DuckDBValue } from '@duckdb/node-api';
import type { Manifest } from '../jobs/manifest.ts';
import { checked, list } from '../json/checked-json.ts';
import { EXIT, ExportError, hasCode, messageOf } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { type Answers, QUERIES, VIEWS } from './queries.ts';

/** What is reported on: a snapshot, staged or published. */
export interface ReportTask {
  /** Absolute path of the snapshot. */
  readonly folder: string;
  readonly files: FileSystem;
  /** Of days and hours, as the IANA names it: `Europe/Paris`. */
  readonly timeZone: string;
  readonly manifest: Manifest;
}

type Columns = Readonly<Record<string, string>>;

const IDENTITY = { id: 'VARCHAR', status: 'VARCHAR', created_at: 'TIMESTAMPTZ' };
/** Columns that the queries read, by DuckDB's types. The table of `jobs.*` is `stored_jobs`, and so on. */
const STORED: Readonly<Record<string, Columns>> = {
  jobs: {
    ...{ ...IDENTITY, batch_id: 'VARCHAR', project_id: 'VARCHAR', is_final: 'BOOLEAN' },
    ...{ start_timestamp: 'TIMESTAMPTZ', end_timestamp: 'TIMESTAMPTZ' },
    ...{ queue_seconds: 'DOUBLE', run_seconds: 'DOUBLE' },
    ...{ errors: 'VARCHAR[]', anomalies: 'VARCHAR[]' },
  },
  changes: { ...IDENTITY, change: 'VARCHAR', previous_status: 'VARCHAR' },
  rejects: { reason: 'VARCHAR', raw: 'VARCHAR' },
};

/** The file of a table, the one that is read fastest; undefined where the table is empty. */
function fileOf(stem: string, { files }: Manifest): string | undefined {
  const names = ['parquet', 'ndjson', 'arrow'].map(
    (format) => files.find(({ name }) => name.startsWith(`${stem}.${format}`))?.name,
  );
  return names.find((name) => name !== undefined);
}

/** Bytes that one line of NDJSON may have: those of the largest page that is fetched. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** One SQL statement that makes a table of a file. Of Parquet DuckDB reads only the columns that a query names. */
function tableSql(stem: string, columns: Columns, manifest: Manifest, path?: string): string {
  const name = `stored_${stem}`;
  const create = 'CREATE OR REPLACE TEMP';
  const entries = Object.entries(columns);
  if (path === undefined) {
    return `${create} TABLE ${name} (${entries.map((column) => column.join(' ')).join(', ')})`;
  }
  if (path.includes('.ndjson')) {
    const types = entries.map(([column, type]) => `${column}: '${type}'`);
    return `${create} TABLE ${name} AS FROM read_ndjson(${quoted(path)}, columns = {${types.join(', ')}}, hive_partitioning = false, maximum_object_size = ${LONGEST_LINE})`;
  }
  const known = ['change', 'previous_status', ...manifest.columns.map((column) => column.name)];
  const selected = entries
    .map(([column, type]) => (known.includes(column) ? column : `NULL::${type} AS ${column}`))
    .join(', ');
  const view = `${create} VIEW ${name} AS SELECT ${selected} FROM`;
  // DuckDB itself reads no Arrow: by hand it takes an extension.
  return path.includes('.arrow')
    ? `INSTALL nanoarrow FROM community; LOAD nanoarrow;\n${view} read_arrow(${quoted(path)})`
    : `${view} read_parquet(${quoted(path)}, hive_partitioning = false)`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function variables({ finishedAt }: Manifest, timeZone: string): string {
  return `SET TimeZone = 'UTC';
SET VARIABLE as_of = TIMESTAMPTZ ${quoted(finishedAt)};
SET VARIABLE zone = ${quoted(timeZone)}`;
}

/** Every number of the page, as SQL for DuckDB: run it with the snapshot as working folder. */
export function reportSql(manifest: Manifest, timeZone: string): string {
  const title = `-- The numbers of report.html, run ${manifest.runId}. In the snapshot's folder: duckdb < report.sql`;
  const tables = Object.entries(STORED).map(
    ([stem, columns]) => `${tableSql(stem, columns, manifest, fileOf(stem, manifest))};`,
  );
  const queries = Object.values(QUERIES).map(({ sql }) => `${sql};`);
  const parts = [title, `${variables(manifest, timeZone)};`, ...tables, VIEWS.trim(), ...queries];
  return `${parts.join('\n\n')}\n`;
}

/** Memory and threads are those of a small machine; nothing is fetched, and nothing is written beside it. */
const SETTINGS = {
  threads: '2',
  memory_limit: '300MB',
  preserve_insertion_order: 'false',
  temp_directory: '',
  autoinstall_known_extensions: 'false',
  autoload_known_extensions: 'false',
} as const;

/**
 * Asks a snapshot every question of the report.
 *
 * @throws ExportError (78, report) when DuckDB is not installed, (65) when the files cannot be read as what they should be
 */
export async function askSnapshot(task: ReportTask): Promise<Answers> {
  const { manifest, folder, files, timeZone } = task;
  const { DuckDBInstance } = await loadDuckDB();
  const instance = await DuckDBInstance.create(':memory:', SETTINGS);
  try {
    const connection = await instance.connect();
    await connection.run(variables(manifest, timeZone));
    for (const [stem, columns] of Object.entries(STORED)) {
      const file = fileOf(stem, manifest);
      const path = file && join(folder, file);
      const isArrow = path?.includes('.arrow');
      await connection.run(tableSql(stem, columns, manifest, isArrow ? undefined : path));
      if (!path || !isArrow) continue;
      const appender = await connection.createAppender(`stored_${stem}`);
      await copyArrow(files.readChunks(path), Object.keys(columns), appender);
    }
    await connection.run(VIEWS);
    const answers: Record<string, unknown> = {};
    for (const [name, { sql, row }] of Object.entries(QUERIES)) {
      const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
      answers[name] = checked(list(row), rows);
    }
    connection.closeSync();
    // Each answer was checked by the schema of its query, which `Answers` is made of.
    return answers as Answers;
  } catch (error) {
    if (error instanceof ExportError) throw error;
    const message = `${folder} cannot be reported on: ${messageOf(error).split('\n')[0]}`;
    throw new ExportError(message, { exitCode: EXIT.data, stage: 'report', cause: error });
  } finally {
    instance.closeSync();
  }
}

async function loadDuckDB(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch (error) {
    const isMissing = hasCode(error, 'ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND');
    const problem = isMissing ? 'which is not installed' : 'which cannot be loaded here';
    throw new ExportError(
      `the report needs DuckDB, ${problem}; install it beside this program: npm install @duckdb/node-api`,
      { exitCode: EXIT.config, stage: 'report', cause: error },
    );
  }
}

/** Rows that DuckDB takes at once: those of its vectors. One at a time takes six times as long. */
const CHUNK_ROWS = 2048;

/** Hands the rows of an Arrow file to a table. Between its magic string and its footer the file is a stream. */
async function copyArrow(
  chunks: AsyncIterable<Uint8Array>,
  names: readonly string[],
  appender: DuckDBAppender,
): Promise<void> {
  const [arrow, duckdb] = await Promise.all([import('apache-arrow'), loadDuckDB()]);
  /** Arrow's reader gives instants as milliseconds, and lists as vectors. */
  const cell = (type: DuckDBType | undefined, value: unknown): DuckDBValue => {
    if (typeof value === 'number' && type === duckdb.TIMESTAMPTZ) {
      return new duckdb.DuckDBTimestampTZValue(BigInt(Math.round(value * 1000)));
    }
    if (value instanceof arrow.Vector) return duckdb.listValue([...value]);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null;
  };
  const types = names.map((_, at) => appender.columnType(at));
  for await (const batch of await arrow.RecordBatchReader.from(withoutMagic(chunks))) {
    for (let from = 0; from < batch.numRows; from += CHUNK_ROWS) {
      const part = batch.slice(from, from + CHUNK_ROWS);
      const columns = names.map((name, at) => {
        const values = part.getChild(name) ?? { length: part.numRows };
        return Array.from(values, (value) => cell(types[at], value));
      });
      const chunk = duckdb.DuckDBDataChunk.create(types);
      chunk.setColumns(columns);
      appender.appendDataChunk(chunk);
    }
  }
  appender.closeSync();
}

/** `ARROW1` and two bytes of padding. */
const MAGIC_BYTES = 8;

async function* withoutMagic(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = MAGIC_BYTES;
  for await (const chunk of chunks) {
    yield chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}
