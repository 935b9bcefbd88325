import type { Instant } from './timestamp.ts';

/** What a cell of each type of column holds, null apart. */
export interface CellTypes {
  string: string;
  /** JSON text. The column is one of strings. */
  json: string;
  /** A number only where that is exact. */
  int64: number | bigint;
  float64: number;
  bool: boolean;
  /** Microseconds since the epoch, UTC. */
  timestamp: Instant;
  strings: readonly (string | null)[];
}

export type ColumnType = keyof CellTypes;

/** What is known of a row once the columns that are sent have been read: derived columns are made of it. */
export interface ReadRow {
  /** A field that is a string; undefined for anything else. */
  text(field: string): string | undefined;
  /** A timestamp column; null where it is null or could not be read. */
  instant(column: string): Instant | null;
  /** Length of a list column; null where it is null or could not be read. */
  length(column: string): number | null;
  isUnread(column: string): boolean;
  /** Fields without a column and raw values that could not be read, as one JSON object; null for none. */
  extra(): string | null;
  /** What reading it met, such as `unparsable:runs`. */
  readonly flags: readonly string[];
}

interface Described<T extends ColumnType> {
  readonly name: string;
  readonly type: T;
  /** A row without a usable value in a required column is set aside as a reject. */
  readonly required: boolean;
  readonly description: string;
}

export interface SentColumn<T extends ColumnType> extends Described<T> {
  /** The value is the job's field of the same name. */
  readonly sent: true;
}

export interface DerivedColumn<T extends ColumnType> extends Described<T> {
  readonly sent: false;
  readonly derive: (row: ReadRow) => CellTypes[T] | null;
}

export type Column = { [T in ColumnType]: SentColumn<T> | DerivedColumn<T> }[ColumnType];

/** A column that `optional` or `required` made: TypeScript knows its name. */
type Sent<N extends string, T extends ColumnType> = SentColumn<T> & { readonly name: N };

function sentColumn(required: boolean) {
  return <N extends string, T extends ColumnType>(name: N, type: T, description: string) =>
    ({ name, type, required, sent: true, description }) satisfies Sent<N, T>;
}

const optional = sentColumn(false);
const required = sentColumn(true);

function derived<T extends ColumnType>(
  name: string,
  type: T,
  derive: DerivedColumn<T>['derive'],
  description: string,
): DerivedColumn<T> {
  return { name, type, required: false, sent: false, derive, description };
}

const TABLE = [
  required('id', 'string', 'job id, a UUID'),
  required('batch_id', 'string', 'batch the job belongs to'),
  required('project_id', 'string', 'project the job belongs to'),
  required('status', 'string', 'status as sent; the set is open'),
  optional('parent_id', 'string', 'job this one was made from'),
  optional('slurm_job_id', 'string', 'id of the Slurm job that submitted it'),
  optional('runs', 'int64', 'times the pulse sequence is repeated'),
  optional('progress', 'int64', 'percent done'),
  optional('creation_order', 'int64', 'rank inside its batch'),
  required('created_at', 'timestamp', 'when the job was created'),
  optional('updated_at', 'timestamp', 'when the job last changed'),
  optional('start_timestamp', 'timestamp', 'when it started to run'),
  optional('end_timestamp', 'timestamp', 'when it finished, failed or was cancelled'),
  // biome-ignore format: a column is one line
  derived('queue_seconds', 'float64', seconds('created_at', 'start_timestamp'), 'start_timestamp - created_at'),
  // biome-ignore format: a column is one line
  derived('run_seconds', 'float64', seconds('start_timestamp', 'end_timestamp'), 'end_timestamp - start_timestamp'),
  // biome-ignore format: a column is one line
  derived('total_seconds', 'float64', seconds('created_at', 'end_timestamp'), 'end_timestamp - created_at'),
  derived('is_final', 'bool', isFinal, 'status is DONE, ERROR, CANCELED or TIMED_OUT'),
  optional('errors', 'strings', 'error messages; null stays null, [] stays []'),
  derived('error_count', 'int64', errorCount, 'number of errors, 0 for null'),
  optional('variables', 'json', 'values of the sequence variables, as sent'),
  optional('sequence', 'string', 'serialized pulse sequence'),
  // biome-ignore format: a column is one line
  derived('extra', 'json', (row) => row.extra(), 'fields not named above and raw values that could not be read; null if none'),
  derived('anomalies', 'strings', anomaliesOf, 'what a careful reader should know of the row'),
] as const;

/**
 * The jobs table, each column in one line: one fixed schema in every file, whatever the data. Order is the order in the
 * files. Derived columns are made in this order, after those that are sent.
 */
export const JOB_COLUMNS: readonly Column[] = TABLE;

/** Not required of a job, but of an export: which version of a job counts, and what the manifest counts. */
const ALWAYS_KEPT: readonly string[] = ['updated_at', 'anomalies'];

/** Names of the columns that an export may leave out. */
export const OPTIONAL_COLUMNS: readonly string[] = JOB_COLUMNS.filter(
  ({ name, required }) => !required && !ALWAYS_KEPT.includes(name),
).map(({ name }) => name);

/** The jobs table without some of its columns. */
export function columnsWithout(names: readonly string[] = []): readonly Column[] {
  return JOB_COLUMNS.filter(({ name }) => !names.includes(name));
}
/** What stands in front of a row in `changes.*`: `created`, `updated` or `deleted`, and the status in the last snapshot. */
export const CHANGE_COLUMNS = [
  { name: 'change', type: 'string', required: true },
  { name: 'previous_status', type: 'string', required: false },
] as const;

/** The fields of a job that have a column. Source: GET /api/v2/jobs, `data[]`. */
export type JobField = Extract<(typeof TABLE)[number], { readonly sent: true }>['name'];

/** Names of the fields that a table takes from the job. */
export function sentFields(columns: readonly Column[]): string[] {
  return columns.filter(({ sent }) => sent).map(({ name }) => name);
}

/** What the manifest says of the columns. */
export function describeColumns(
  columns: readonly Column[] = JOB_COLUMNS,
): { name: string; type: ColumnType; required: boolean }[] {
  return columns.map(({ name, type, required }) => ({ name, type, required }));
}

/** Every status seen so far. The set is open: others are kept and flagged `unknown_status`. */
const KNOWN_STATUSES: ReadonlySet<string> = new Set([
  ...['PENDING', 'RUNNING', 'DONE', 'ERROR', 'CANCELED', 'TIMED_OUT', 'PAUSED', 'CANCELING'],
]);

/** Statuses after which a job no longer changes. */
export const FINAL_STATUSES: ReadonlySet<string> = new Set([
  ...['DONE', 'ERROR', 'CANCELED', 'TIMED_OUT'],
]);

/** The seconds from one timestamp column to another. */
function seconds(from: string, to: string): (row: ReadRow) => number | null {
  return (row) => {
    const [start, end] = [row.instant(from), row.instant(to)];
    if (start === null || end === null) return null;
    const areNumbers = typeof start === 'number' && typeof end === 'number';
    return (areNumbers ? end - start : Number(BigInt(end) - BigInt(start))) / 1e6;
  };
}

function isFinal(row: ReadRow): boolean {
  return FINAL_STATUSES.has(row.text('status') ?? '');
}

function errorCount(row: ReadRow): number | null {
  return row.isUnread('errors') ? null : (row.length('errors') ?? 0);
}

/** Beside what reading the row met: what its values say together. */
function anomaliesOf(row: ReadRow): string[] {
  const created = row.instant('created_at');
  const start = row.instant('start_timestamp');
  const end = row.instant('end_timestamp');
  const flags = [...row.flags];
  if (start !== null && created !== null && start < created) flags.push('start_before_created');
  if (start !== null && end !== null && end < start) flags.push('end_before_start');
  if (!KNOWN_STATUSES.has(row.text('status') ?? '')) flags.push('unknown_status');
  return flags;
}

/** A column as a data file describes it. */
export interface FoundColumn {
  readonly name: string;
  /** A `ColumnType`, or the file's own word for a type this project never writes. */
  readonly type: string;
  readonly required: boolean;
}

/** What a reader that shares no code with the writer finds in a data file. */
export interface FileContents {
  readonly rows: number;
  /** sha256, as hex, of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  /**
   * In file order. An NDJSON file describes no columns: there they are the ones asked for, which every line was found
   * to have.
   */
  readonly columns: readonly FoundColumn[];
}

/** In front of the format of a file of changes, e.g. `changes-parquet`. */
export const CHANGES_PREFIX = 'changes-';
