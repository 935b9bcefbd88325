import { type Data, makeData, RecordBatch, Struct } from 'apache-arrow';
import { JOB_SCHEMA } from '../domain/arrow-schema.ts';
import { JOB_COLUMNS } from '../domain/columns.ts';
import { EXIT, ExportError } from '../domain/errors.ts';
import { FINAL_STATUSES, KNOWN_STATUSES, type RawJob } from '../domain/job.ts';
import type { Micros } from '../domain/timestamp.ts';
import {
  BoolBuffer,
  Float64Buffer,
  Int64Buffer,
  StringBuffer,
  StringsBuffer,
  TimestampBuffer,
} from './column-buffers.ts';
import {
  type Read,
  readInt64,
  readJson,
  readString,
  readStrings,
  readTimestamp,
  UNPARSABLE,
} from './fields.ts';

/** Before the platform existed: 2015-01-01T00:00:00Z. */
const EARLIEST_PLAUSIBLE: Micros = 1_420_070_400_000_000n;
const MICROS_PER_SECOND = 1e6;
const TEXT_FIELDS = JOB_COLUMNS.filter(({ sent, type }) => sent && type === 'string').map(
  ({ name }) => name,
);
const SENT_FIELDS: ReadonlySet<string> = new Set(
  JOB_COLUMNS.filter(({ sent }) => sent).map(({ name }) => name),
);

/**
 * The columns of the jobs table, filled row by row. Rows are pushed in order; `finish` makes the batch.
 */
export class JobsTable {
  readonly anomalies = new Map<string, number>();
  readonly #latestPlausible: Micros;
  readonly #strings: Record<
    'id' | 'batch_id' | 'project_id' | 'status' | 'parent_id' | 'slurm_job_id',
    StringBuffer
  >;
  readonly #sequence: StringBuffer;
  readonly #variables: StringBuffer;
  readonly #extra: StringBuffer;
  readonly #integers: Record<'runs' | 'progress' | 'creation_order', Int64Buffer>;
  readonly #times: Record<
    'created_at' | 'updated_at' | 'start_timestamp' | 'end_timestamp',
    TimestampBuffer
  >;
  readonly #seconds: Record<'queue_seconds' | 'run_seconds' | 'total_seconds', Float64Buffer>;
  readonly #isFinal: BoolBuffer;
  readonly #errors: StringsBuffer;
  readonly #errorCount: Int64Buffer;
  readonly #flags: StringsBuffer;
  #rows = 0;
  /** Of the row being pushed. */
  #rowFlags: string[] = [];
  #known = 0;
  #unread: string[] = [];

  constructor(capacity: number, latestPlausible: Micros) {
    const integer = (): Int64Buffer => new Int64Buffer(capacity);
    const time = (): TimestampBuffer => new TimestampBuffer(capacity);
    const seconds = (): Float64Buffer => new Float64Buffer(capacity);
    const text = (): StringBuffer => new StringBuffer(capacity);
    this.#latestPlausible = latestPlausible;
    this.#strings = {
      id: text(),
      batch_id: text(),
      project_id: text(),
      status: text(),
      parent_id: text(),
      slurm_job_id: text(),
    };
    this.#integers = { runs: integer(), progress: integer(), creation_order: integer() };
    this.#times = {
      created_at: time(),
      updated_at: time(),
      start_timestamp: time(),
      end_timestamp: time(),
    };
    this.#seconds = { queue_seconds: seconds(), run_seconds: seconds(), total_seconds: seconds() };
    this.#sequence = text();
    this.#variables = text();
    this.#extra = text();
    this.#isFinal = new BoolBuffer(capacity);
    this.#errors = new StringsBuffer(capacity);
    this.#errorCount = integer();
    this.#flags = new StringsBuffer(capacity);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds a job as a row. @returns why it cannot be one, or undefined when it is */
  push(job: RawJob): string | undefined {
    const { id, batch_id: batchId, project_id: projectId, status } = job;
    if (typeof id !== 'string' || id === '') return missing('id', id);
    if (typeof batchId !== 'string') return missing('batch_id', batchId);
    if (typeof projectId !== 'string') return missing('project_id', projectId);
    if (typeof status !== 'string') return missing('status', status);
    const created = readTimestamp(job.created_at);
    if (created === null || created === UNPARSABLE) return missing('created_at', job.created_at);

    if (!isWellFormed(job)) return 'text with half of a surrogate pair, which UTF-8 cannot carry';

    this.#rows++;
    this.#rowFlags = [];
    this.#unread = [];
    this.#known = 5;
    this.#strings.id.push(id);
    this.#strings.batch_id.push(batchId);
    this.#strings.project_id.push(projectId);
    this.#strings.status.push(status);
    this.#strings.parent_id.push(this.#read(job, 'parent_id', readString));
    this.#strings.slurm_job_id.push(this.#read(job, 'slurm_job_id', readString));
    this.#integers.runs.push(this.#read(job, 'runs', readInt64));
    this.#integers.progress.push(this.#read(job, 'progress', readInt64));
    this.#integers.creation_order.push(this.#read(job, 'creation_order', readInt64));
    this.#pushTimes(job, created);
    this.#isFinal.push(FINAL_STATUSES.has(status));
    if (!KNOWN_STATUSES.has(status)) this.#rowFlags.push('unknown_status');
    this.#pushErrors(job);
    this.#variables.push(this.#read(job, 'variables', (value) => jsonOf(value, id)));
    this.#sequence.push(this.#read(job, 'sequence', readString));
    this.#extra.push(this.#extraOf(job, id));
    this.#flags.push(this.#rowFlags);
    for (const flag of this.#rowFlags)
      this.anomalies.set(flag, (this.anomalies.get(flag) ?? 0) + 1);
    return undefined;
  }

  #read<T>(job: RawJob, field: string, read: (value: unknown) => Read<T>): T | null {
    const value = job[field];
    if (value !== undefined) this.#known++;
    const result = read(value);
    if (result !== UNPARSABLE) return result;
    this.#rowFlags.push(`unparsable:${field}`);
    this.#unread.push(field);
    return null;
  }

  #pushTimes(job: RawJob, created: Micros): void {
    const updated = this.#read(job, 'updated_at', readTimestamp);
    const start = this.#read(job, 'start_timestamp', readTimestamp);
    const end = this.#read(job, 'end_timestamp', readTimestamp);
    this.#pushTime('created_at', created);
    this.#pushTime('updated_at', updated);
    this.#pushTime('start_timestamp', start);
    this.#pushTime('end_timestamp', end);
    if (start !== null && start < created) this.#rowFlags.push('start_before_created');
    if (start !== null && end !== null && end < start) this.#rowFlags.push('end_before_start');
    this.#seconds.queue_seconds.push(secondsBetween(created, start));
    this.#seconds.run_seconds.push(secondsBetween(start, end));
    this.#seconds.total_seconds.push(secondsBetween(created, end));
  }

  #pushTime(
    field: 'created_at' | 'updated_at' | 'start_timestamp' | 'end_timestamp',
    time: Micros | null,
  ): void {
    this.#times[field].push(time);
    const implausible =
      time !== null && (time < EARLIEST_PLAUSIBLE || time > this.#latestPlausible);
    if (implausible) this.#rowFlags.push(`implausible:${field}`);
  }

  #pushErrors(job: RawJob): void {
    const unread = this.#unread.length;
    const errors = this.#read(job, 'errors', readStrings);
    const isUnparsable = this.#unread.length > unread;
    this.#errors.push(errors);
    this.#errorCount.push(isUnparsable ? null : BigInt(errors?.length ?? 0));
  }

  /** Fields without a column, and the raw values of columns that could not be read, as one JSON object. */
  #extraOf(job: RawJob, id: string): string | null {
    if (this.#known === Object.keys(job).length && this.#unread.length === 0) return null;
    const entries = Object.entries(job).filter(
      ([field]) => !SENT_FIELDS.has(field) || this.#unread.includes(field),
    );
    return entries.length === 0 ? null : jsonOf(Object.fromEntries(entries), id);
  }

  finish(): RecordBatch {
    const columns: Record<string, { finish(): Data }> = {
      ...this.#strings,
      ...this.#integers,
      ...this.#times,
      ...this.#seconds,
      is_final: this.#isFinal,
      errors: this.#errors,
      error_count: this.#errorCount,
      variables: this.#variables,
      sequence: this.#sequence,
      extra: this.#extra,
      anomalies: this.#flags,
    };
    const children = JOB_COLUMNS.map(({ name }) => columns[name].finish());
    const length = children[0].length;
    return new RecordBatch(
      JOB_SCHEMA,
      makeData({ type: new Struct(JOB_SCHEMA.fields), length, nullCount: 0, children }),
    );
  }
}

/** Whether every text that becomes a cell is well-formed Unicode; JSON columns escape what is not. */
function isWellFormed(job: RawJob): boolean {
  for (const field of TEXT_FIELDS) {
    const value = job[field];
    if (typeof value === 'string' && !value.isWellFormed()) return false;
  }
  const { errors } = job;
  return (
    !Array.isArray(errors) ||
    errors.every((item) => typeof item !== 'string' || item.isWellFormed())
  );
}

function missing(field: string, value: unknown): string {
  if (value === undefined || value === null || value === '') return `${field}: missing`;
  return field === 'created_at' ? `${field}: not a timestamp` : `${field}: not a string`;
}

function secondsBetween(from: Micros | null, to: Micros | null): number | null {
  return from === null || to === null ? null : Number(to - from) / MICROS_PER_SECOND;
}

function jsonOf(value: unknown, id: string): string | null {
  try {
    return readJson(value);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new ExportError(
      `Job ${id} holds a value that is nested too deeply to be written. Leave the job out with a filter and report it.`,
      { exitCode: EXIT.data, stage: 'transform' },
    );
  }
}
