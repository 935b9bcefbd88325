import { join } from 'node:path';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
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

type SqlType = 'VARCHAR' | 'TIMESTAMPTZ' | 'DOUBLE' | 'BOOLEAN' | 'VARCHAR[]';
type Columns = Readonly<Record<string, SqlType>>;

/** The columns that are read, by DuckDB's types. */
const JOBS: Columns = {
  ...{ id: 'VARCHAR', batch_id: 'VARCHAR', project_id: 'VARCHAR', status: 'VARCHAR' },
  ...{ created_at: 'TIMESTAMPTZ', start_timestamp: 'TIMESTAMPTZ', end_timestamp: 'TIMESTAMPTZ' },
  ...{ queue_seconds: 'DOUBLE', run_seconds: 'DOUBLE', is_final: 'BOOLEAN' },
  ...{ errors: 'VARCHAR[]', anomalies: 'VARCHAR[]' },
};
const CHANGES: Columns = {
  ...{ change: 'VARCHAR', previous_status: 'VARCHAR', id: 'VARCHAR', status: 'VARCHAR' },
  created_at: 'TIMESTAMPTZ',
};
const REJECTS: Columns = { reason: 'VARCHAR', raw: 'VARCHAR' };

/** A table of the SQL and where it comes from. */
interface Source {
  readonly table: string;
  readonly columns: Columns;
  /** Undefined: the table is empty. */
  readonly file: string | undefined;
  /** Columns that the file does not have. */
  readonly missing: readonly string[];
}

/** Bytes that one line of NDJSON may have: those of the largest page that is fetched. */
const LONGEST_LINE = 64 * 1024 * 1024;

/** Parquet before the others: of it DuckDB reads only the columns that a query names. */
function sources({ files, columns }: Manifest): Source[] {
  const known = columns.map(({ name }) => name);
  const lacking = Object.keys(JOBS).filter((name) => !known.includes(name));
  const source = (table: string, stem: string, all: Columns, ...endings: string[]): Source => {
    const names = endings.map(
      (ending) => files.find(({ name }) => name.startsWith(`${stem}.${ending}`))?.name,
    );
    const file = names.find((name) => name !== undefined);
    return { table, columns: all, file, missing: file === undefined ? Object.keys(all) : lacking };
  };
  return [
    source('source', 'jobs', JOBS, 'parquet', 'ndjson', 'arrow'),
    source('changes', 'changes', CHANGES, 'parquet', 'ndjson', 'arrow'),
    source('rejects', 'rejects', REJECTS, 'ndjson'),
  ];
}

/** One SQL statement that makes a table of a file. DuckDB itself reads no Arrow: by hand it takes an extension. */
function tableSql({ table, columns, file, missing }: Source, folder: string): string {
  const names = Object.entries(columns)
    .map(([name, type]) => (missing.includes(name) ? `NULL::${type} AS ${name}` : name))
    .join(', ');
  const create = (what: 'TABLE' | 'VIEW') => `CREATE OR REPLACE TEMP ${what} ${table} AS SELECT`;
  if (file === undefined) return `${create('TABLE')} ${names} WHERE false`;
  const path = quoted(join(folder, file));
  if (file.includes('.parquet')) {
    return `${create('VIEW')} ${names} FROM read_parquet(${path}, hive_partitioning = false)`;
  }
  if (file.includes('.arrow')) {
    return `INSTALL nanoarrow FROM community; LOAD nanoarrow;\n${create('VIEW')} ${names} FROM read_arrow(${path})`;
  }
  const types = Object.entries(columns).map(([name, type]) => `${name}: '${type}'`);
  return `${create('TABLE')} * FROM read_ndjson(${path}, columns = {${types.join(', ')}}, hive_partitioning = false, maximum_object_size = ${LONGEST_LINE})`;
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
  const tables = sources(manifest).map((source) => `${tableSql(source, '')};`);
  const queries = Object.entries(QUERIES).map(
    ([name, { about, sql }]) => `-- ${name}: ${about}.\n${sql};`,
  );
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
  const { manifest, folder, timeZone } = task;
  const { DuckDBInstance } = await loadDuckDB();
  const instance = await DuckDBInstance.create(':memory:', SETTINGS);
  try {
    const connection = await instance.connect();
    await connection.run(variables(manifest, timeZone));
    for (const source of sources(manifest)) {
      if (source.file?.includes('.arrow')) await copyArrow(connection, source, task);
      else await connection.run(tableSql(source, folder));
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

/** Rows that DuckDB takes at once: those of its vectors. */
const CHUNK_ROWS = 2048;

/** Hands the columns of an Arrow file to DuckDB. Between its magic string and its footer the file is a stream. */
async function copyArrow(
  connection: DuckDBConnection,
  { table, columns, file = '' }: Source,
  { files, folder }: ReportTask,
): Promise<void> {
  const [arrow, duckdb] = await Promise.all([import('apache-arrow'), loadDuckDB()]);
  const typed = Object.entries(columns);
  await connection.run(
    `CREATE TEMP TABLE ${table} (${typed.map(([name, type]) => `${name} ${type}`).join(', ')})`,
  );
  const { BOOLEAN, DOUBLE, LIST, TIMESTAMPTZ, VARCHAR } = duckdb;
  const types = { BOOLEAN, DOUBLE, TIMESTAMPTZ, VARCHAR, 'VARCHAR[]': LIST(VARCHAR) };
  /** Arrow's reader gives instants as milliseconds, and lists as vectors. */
  const cell = (type: SqlType, value: unknown): DuckDBValue => {
    if (typeof value === 'number' && type === 'TIMESTAMPTZ') {
      return new duckdb.DuckDBTimestampTZValue(BigInt(Math.round(value * 1000)));
    }
    if (value instanceof arrow.Vector) return duckdb.listValue([...value]);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null;
  };
  const appender = await connection.createAppender(table);
  const stream = withoutMagic(files.readChunks(join(folder, file)));
  for await (const batch of await arrow.RecordBatchReader.from(stream)) {
    for (let from = 0; from < batch.numRows; from += CHUNK_ROWS) {
      const part = batch.slice(from, from + CHUNK_ROWS);
      const chunk = duckdb.DuckDBDataChunk.create(typed.map(([, type]) => types[type]));
      const cells = typed.map(([name, type]) =>
        Array.from(part.getChild(name) ?? { length: part.numRows }, (value) => cell(type, value)),
      );
      chunk.setColumns(cells);
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
