/**
 * `json` is a string column whose text is a JSON value; `strings` is a list of strings; `timestamp` is microseconds
 * since the epoch, UTC.
 */
export type ColumnType = 'string' | 'int64' | 'timestamp' | 'float64' | 'bool' | 'strings' | 'json';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  /** A row without a usable value in a required column is set aside as a reject. */
  readonly required: boolean;
  /** True when the value is taken from the job's field of the same name. */
  readonly sent: boolean;
  readonly description: string;
}

function sent(name: string, type: ColumnType, description: string): Column {
  return { name, type, required: false, sent: true, description };
}

function required(name: string, type: ColumnType, description: string): Column {
  return { name, type, required: true, sent: true, description };
}

function derived(name: string, type: ColumnType, description: string): Column {
  return { name, type, required: false, sent: false, description };
}

/** The jobs table: one fixed schema in every file, whatever the data. Order is the order in the files. */
export const JOB_COLUMNS: readonly Column[] = [
  required('id', 'string', 'job id, a UUID'),
  required('batch_id', 'string', 'batch the job belongs to'),
  required('project_id', 'string', 'project the job belongs to'),
  required('status', 'string', 'status as sent; the set is open'),
  sent('parent_id', 'string', 'job this one was made from'),
  sent('slurm_job_id', 'string', 'id of the Slurm job that submitted it'),
  sent('runs', 'int64', 'times the pulse sequence is repeated'),
  sent('progress', 'int64', 'percent done'),
  sent('creation_order', 'int64', 'rank inside its batch'),
  required('created_at', 'timestamp', 'when the job was created'),
  sent('updated_at', 'timestamp', 'when the job last changed'),
  sent('start_timestamp', 'timestamp', 'when it started to run'),
  sent('end_timestamp', 'timestamp', 'when it finished, failed or was cancelled'),
  derived('queue_seconds', 'float64', 'start_timestamp - created_at'),
  derived('run_seconds', 'float64', 'end_timestamp - start_timestamp'),
  derived('total_seconds', 'float64', 'end_timestamp - created_at'),
  derived('is_final', 'bool', 'status is DONE, ERROR, CANCELED or TIMED_OUT'),
  sent('errors', 'strings', 'error messages; null stays null, [] stays []'),
  derived('error_count', 'int64', 'number of errors, 0 for null'),
  sent('variables', 'json', 'values of the sequence variables, as sent'),
  sent('sequence', 'string', 'serialized pulse sequence'),
  derived(
    'extra',
    'json',
    'fields not named above and raw text that could not be read; null if none',
  ),
  derived('anomalies', 'strings', 'what a careful reader should know of the row'),
];
