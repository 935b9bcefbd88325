import { type Data, makeData, RecordBatch, Struct } from 'apache-arrow';
import { JOB_SCHEMA } from '../jobs/arrow-schema.ts';
import { JOB_COLUMNS } from '../jobs/columns.ts';
import { FIELD, FINAL_STATUSES, JOB_FIELDS, type JobField, KNOWN_STATUSES } from '../jobs/job.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { FORM, QUOTE } from '../json/json-scanner.ts';
import type { RawJob } from '../json/raw-job.ts';
import {
  type Instant,
  isEmptyText,
  isNull,
  isText,
  type Read,
  readInstant,
  readInt64,
  readStrings,
  UNPARSABLE,
} from './fields.ts';
import { BoolBuffer, Float64Buffer, Int64Buffer, TimestampBuffer } from './fixed-buffers.ts';
import { StringBuffer, StringsBuffer } from './string-buffers.ts';

/** Before the platform existed: 2015-01-01T00:00:00Z. */
const EARLIEST_PLAUSIBLE = 1_420_070_400_000_000;
const MICROS_PER_SECOND = 1e6;

const REQUIRED_TEXTS = [FIELD.id, FIELD.batch_id, FIELD.project_id, FIELD.status];
const TEXTS = [...REQUIRED_TEXTS, FIELD.parent_id, FIELD.slurm_job_id, FIELD.sequence];
const INTEGERS = [FIELD.runs, FIELD.progress, FIELD.creation_order];
const SENT_FIELDS: ReadonlySet<string> = new Set(JOB_FIELDS);

/** The column of a field. */
interface FieldColumn<Buffer> {
  readonly field: number;
  readonly buffer: Buffer;
}

/**
 * The columns of the jobs table, filled row by row, one batch after the other.
 */
export class JobsTable {
  /** How many of its rows carry each anomaly. */
  anomalies = new Map<string, number>();
  readonly #latestPlausible: number;
  readonly #texts: readonly FieldColumn<StringBuffer>[];
  readonly #integers: readonly FieldColumn<Int64Buffer>[];
  readonly #times: Record<
    'created_at' | 'updated_at' | 'start_timestamp' | 'end_timestamp',
    TimestampBuffer
  >;
  readonly #seconds: Record<'queue_seconds' | 'run_seconds' | 'total_seconds', Float64Buffer>;
  readonly #isFinal: BoolBuffer;
  readonly #errors: StringsBuffer;
  readonly #errorCount: Int64Buffer;
  readonly #variables: StringBuffer;
  readonly #extra: StringBuffer;
  readonly #flags: StringsBuffer;
  #rows = 0;
  /** Of the row being pushed. */
  #rowFlags: string[] = [];
  readonly #unread = new Set<string>();
  #errorTexts: Read<readonly (string | null)[]> = null;

  constructor(capacity: number, latestPlausible: Micros) {
    const time = (): TimestampBuffer => new TimestampBuffer(capacity);
    const seconds = (): Float64Buffer => new Float64Buffer(capacity);
    this.#latestPlausible = Number(latestPlausible);
    this.#texts = TEXTS.map((field) => ({ field, buffer: new StringBuffer(capacity) }));
    this.#integers = INTEGERS.map((field) => ({ field, buffer: new Int64Buffer(capacity) }));
    this.#times = {
      created_at: time(),
      updated_at: time(),
      start_timestamp: time(),
      end_timestamp: time(),
    };
    this.#seconds = { queue_seconds: seconds(), run_seconds: seconds(), total_seconds: seconds() };
    this.#isFinal = new BoolBuffer(capacity);
    this.#errors = new StringsBuffer(capacity);
    this.#errorCount = new Int64Buffer(capacity);
    this.#variables = new StringBuffer(capacity);
    this.#extra = new StringBuffer(capacity);
    this.#flags = new StringsBuffer(capacity);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds a job as a row. @returns why it cannot be one, or undefined when it is */
  push(job: RawJob): string | undefined {
    for (const field of REQUIRED_TEXTS) if (!isText(job, field)) return missing(job, field);
    if (isEmptyText(job, FIELD.id)) return missing(job, FIELD.id);
    const created = readInstant(job, FIELD.created_at);
    if (created === null || created === UNPARSABLE) return missing(job, FIELD.created_at);
    this.#errorTexts = readStrings(job, FIELD.errors);
    if (!this.#isWellFormed(job))
      return 'text with half of a surrogate pair, which UTF-8 cannot carry';

    this.#rows++;
    this.#rowFlags = [];
    this.#unread.clear();
    for (const { field, buffer } of this.#texts) this.#pushText(job, field, buffer);
    for (const { field, buffer } of this.#integers)
      buffer.push(this.#accept(field, readInt64(job, field)));
    this.#pushTimes(job, created);
    this.#pushStatus(job);
    this.#pushErrors();
    this.#pushVariables(job);
    this.#extra.push(this.#extraOf(job));
    this.#flags.push(this.#rowFlags);
    for (const flag of this.#rowFlags)
      this.anomalies.set(flag, (this.anomalies.get(flag) ?? 0) + 1);
    return undefined;
  }

  /** Whether every text that becomes a cell is; JSON columns keep the escapes of what is not. */
  #isWellFormed(job: RawJob): boolean {
    for (const field of TEXTS) {
      const mayBeNot = job.formOf(field) === FORM.unicode;
      if (mayBeNot && !job.string(JOB_FIELDS[field])?.isWellFormed()) return false;
    }
    const errors = this.#errorTexts;
    return (
      errors === null ||
      errors === UNPARSABLE ||
      errors.every((text) => text === null || text.isWellFormed())
    );
  }

  #pushText(job: RawJob, field: number, buffer: StringBuffer): void {
    const start = job.startOf(field);
    const end = job.endOf(field) - 1;
    const form = job.formOf(field);
    if (isNull(job, start)) buffer.push(null);
    else if (job.bytes[start] !== QUOTE) buffer.push(this.#accept<string>(field, UNPARSABLE));
    else if (form === FORM.plain) buffer.pushBytes(job.view, start + 1, end);
    else if (form === FORM.escaped) buffer.pushEscaped(job.bytes, start + 1, end);
    else buffer.push(job.string(JOB_FIELDS[field]) ?? null);
  }

  #accept<T>(field: number, value: Read<T>): T | null {
    if (value !== UNPARSABLE) return value;
    this.#rowFlags.push(`unparsable:${JOB_FIELDS[field]}`);
    this.#unread.add(JOB_FIELDS[field]);
    return null;
  }

  #pushTimes(job: RawJob, created: Instant): void {
    const updated = this.#accept(FIELD.updated_at, readInstant(job, FIELD.updated_at));
    const start = this.#accept(FIELD.start_timestamp, readInstant(job, FIELD.start_timestamp));
    const end = this.#accept(FIELD.end_timestamp, readInstant(job, FIELD.end_timestamp));
    const { created_at, updated_at, start_timestamp, end_timestamp } = this.#times;
    this.#pushTime(created_at, 'created_at', created);
    this.#pushTime(updated_at, 'updated_at', updated);
    this.#pushTime(start_timestamp, 'start_timestamp', start);
    this.#pushTime(end_timestamp, 'end_timestamp', end);
    if (start !== null && start < created) this.#rowFlags.push('start_before_created');
    if (start !== null && end !== null && end < start) this.#rowFlags.push('end_before_start');
    this.#seconds.queue_seconds.push(secondsBetween(created, start));
    this.#seconds.run_seconds.push(secondsBetween(start, end));
    this.#seconds.total_seconds.push(secondsBetween(created, end));
  }

  #pushTime(buffer: TimestampBuffer, name: JobField, time: Instant | null): void {
    buffer.push(time);
    const implausible =
      time !== null && (time < EARLIEST_PLAUSIBLE || time > this.#latestPlausible);
    if (implausible) this.#rowFlags.push(`implausible:${name}`);
  }

  #pushStatus(job: RawJob): void {
    const status = job.string('status') ?? '';
    this.#isFinal.push(FINAL_STATUSES.has(status));
    if (!KNOWN_STATUSES.has(status)) this.#rowFlags.push('unknown_status');
  }

  #pushErrors(): void {
    const errors = this.#accept(FIELD.errors, this.#errorTexts);
    this.#errors.push(errors);
    this.#errorCount.push(this.#unread.has('errors') ? null : (errors?.length ?? 0));
  }

  #pushVariables(job: RawJob): void {
    const start = job.startOf(FIELD.variables);
    if (isNull(job, start)) this.#variables.push(null);
    else if (job.formOf(FIELD.variables) === FORM.spaced)
      this.#variables.push(job.json('variables') ?? null);
    else this.#variables.pushBytes(job.view, start, job.endOf(FIELD.variables));
  }

  /** Fields without a column, and the raw values of columns that could not be read, as one JSON object. */
  #extraOf(job: RawJob): string | null {
    if (!job.hasOthers && this.#unread.size === 0) return null;
    const members = [...job.members()]
      .filter(([name]) => !SENT_FIELDS.has(name) || this.#unread.has(name))
      .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    return members.length === 0 ? null : `{${members.join()}}`;
  }

  /** The rows since the last call. Their memory is used again: the batch is good until the next row is pushed. */
  finish(): RecordBatch {
    this.#rows = 0;
    this.anomalies = new Map();
    const columns: Record<string, { finish(): Data }> = {
      ...byName(this.#texts),
      ...byName(this.#integers),
      ...this.#times,
      ...this.#seconds,
      is_final: this.#isFinal,
      errors: this.#errors,
      error_count: this.#errorCount,
      variables: this.#variables,
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

function byName<Buffer>(columns: readonly FieldColumn<Buffer>[]): Record<string, Buffer> {
  return Object.fromEntries(columns.map(({ field, buffer }) => [JOB_FIELDS[field], buffer]));
}

function missing(job: RawJob, field: number): string {
  const name = JOB_FIELDS[field];
  const isMissing =
    isNull(job, job.startOf(field)) || (isText(job, field) && isEmptyText(job, field));
  if (isMissing) return `${name}: missing`;
  return field === FIELD.created_at ? `${name}: not a timestamp` : `${name}: not a string`;
}

function secondsBetween(from: Instant | null, to: Instant | null): number | null {
  if (from === null || to === null) return null;
  const micros =
    typeof from === 'number' && typeof to === 'number'
      ? to - from
      : Number(BigInt(to) - BigInt(from));
  return micros / MICROS_PER_SECOND;
}
