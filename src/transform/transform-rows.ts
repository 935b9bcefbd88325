import { makeData, RecordBatch, type Schema, Struct } from 'apache-arrow';
import { arrowSchema } from '../jobs/arrow-schema.ts';
import {
  type CellTypes,
  type Column,
  type ColumnType,
  type DerivedColumn,
  JOB_COLUMNS,
  type ReadRow,
  type SentColumn,
} from '../jobs/columns.ts';
import type { Instant } from '../jobs/timestamp.ts';
import { escapeLoneSurrogates, FORM } from '../json/json-scanner.ts';
import type { RawJob } from '../json/raw-job.ts';
import {
  BoolBuffer,
  type ColumnBuffer,
  Float64Buffer,
  Int64Buffer,
  StringBuffer,
  StringsBuffer,
  TimestampBuffer,
} from './column-buffers.ts';
import { READ, type Read, UNPARSABLE } from './read-field.ts';

/** Before the platform existed (2015-01-01), and long after anything runs (2100-01-01), UTC: fixed, so that bytes are. */
const [EARLIEST_PLAUSIBLE, FIRST_IMPLAUSIBLE] = [1_420_070_400_000_000, 4_102_444_800_000_000];

/** A record that cannot be a row, with the reason and everything that was sent. */
export interface Reject {
  readonly reason: string;
  readonly record: RawJob;
}

export interface TransformedRows {
  readonly batch: RecordBatch;
  readonly rejects: readonly Reject[];
}

/**
 * Turns raw jobs into record batches of the table's columns, one batch after the other, in the order of the jobs, and
 * sets aside what cannot be a row. Jobs must have been read with the fields of the table.
 */
export class RowsTransformer {
  readonly #schema: Schema;
  readonly #columns: readonly FilledColumn[];
  /** The derived columns behind those they are made of. */
  readonly #inOrder: readonly FilledColumn[];
  readonly #checks: readonly Check[];
  readonly #row: CurrentRow;
  #rejects: Reject[] = [];
  #rows = 0;

  /**
   * @param capacity rows at most
   * @param without names of columns that are left out. What others are made of is read all the same; nothing else shows
   *   what they held, neither `extra` nor a flag.
   */
  constructor(
    capacity: number,
    columns: readonly Column[] = JOB_COLUMNS,
    without: readonly string[] = [],
  ) {
    const leftOut = new Set(without);
    this.#schema = arrowSchema(columns.filter(({ name }) => !leftOut.has(name)));
    const sent = columns.filter(({ sent }) => sent).map(({ name }) => name);
    const row = new CurrentRow(leftOut);
    this.#row = row;
    this.#columns = columns.flatMap((column) => {
      const field = sent.indexOf(column.name);
      return leftOut.has(column.name)
        ? readerOf(column, field, row)
        : fillerOf(column, field, capacity, row);
    });
    const [filled, derived] = [true, false].map((isSent) =>
      this.#columns.filter((column) => column.isSent === isSent),
    );
    this.#inOrder = [...filled, ...derived];
    this.#checks = columns
      .filter(({ required }) => required)
      .map((column) => checkOf(column, sent));
  }

  push(job: RawJob): void {
    for (const check of this.#checks) {
      const reason = check(job);
      if (reason === undefined) continue;
      this.#rejects.push({ reason, record: job });
      return;
    }
    this.#rows++;
    this.#row.start(job);
    for (const { fill } of this.#inOrder) fill(job);
  }

  /** What was pushed since the last call. The batch is good until the next push, which uses its memory again. */
  finish(): TransformedRows {
    const children = this.#columns.flatMap(({ buffer }) => buffer?.finish() ?? []);
    const type = new Struct(this.#schema.fields);
    const data = makeData({ type, length: this.#rows, nullCount: 0, children });
    const batch = new RecordBatch(this.#schema, data);
    const rows = { batch, rejects: this.#rejects };
    this.#rows = 0;
    this.#rejects = [];
    return rows;
  }
}

interface FilledColumn {
  readonly isSent: boolean;
  /** None: the column is left out, and read for others. */
  readonly buffer?: ColumnBuffer;
  /** Adds the cell of a job. */
  readonly fill: (job: RawJob) => void;
}

/** @returns why a job cannot be a row, or undefined when a column has nothing against it */
type Check = (job: RawJob) => string | undefined;

const EXPECTED: Readonly<Record<ColumnType, string>> = {
  string: 'a string',
  json: 'JSON',
  int64: 'a whole number',
  float64: 'a number',
  bool: 'true or false',
  timestamp: 'a timestamp',
  strings: 'a list of strings',
};

function checkOf({ name, type }: Column, sent: readonly string[]): Check {
  const field = sent.indexOf(name);
  const mayBeEmpty = name !== 'id';
  const reason = `${name}: not ${EXPECTED[type]}`;
  const isEmpty = (job: RawJob) => job.endOf(field) - job.startOf(field) === '""'.length;
  return (job) => {
    if (type === 'string' && job.isText(field))
      return mayBeEmpty || !isEmpty(job) ? undefined : `${name}: missing`;
    if (job.isNull(field) || (job.isText(field) && isEmpty(job))) return `${name}: missing`;
    if (type === 'json') return undefined;
    return type === 'string' || READ[type](job, field) === UNPARSABLE ? reason : undefined;
  };
}

/** The row being filled. */
class CurrentRow implements ReadRow {
  flags: string[] = [];
  readonly #instants = new Map<string, Instant | null>();
  readonly #lengths = new Map<string, number | null>();
  readonly #unread = new Set<string>();
  readonly #leftOut: ReadonlySet<string>;
  #job: RawJob | undefined;
  /** The text asked for last: several columns are made of the status. */
  #field: string | undefined;
  #text: string | undefined;

  constructor(leftOut: ReadonlySet<string>) {
    this.#leftOut = leftOut;
  }

  start(job: RawJob): void {
    this.#job = job;
    this.#field = undefined;
    if (this.flags.length > 0) this.flags = [];
    if (this.#unread.size > 0) this.#unread.clear();
  }

  accept<T>(name: string, value: Read<T>): T | null {
    if (value !== UNPARSABLE) return value;
    this.#flag('unparsable', name);
    this.#unread.add(name);
    return null;
  }

  /** JSON text as UTF-8 can carry it. */
  wellFormed(name: string, json: string): string {
    const text = escapeLoneSurrogates(json);
    if (text !== json) this.#flag('lone_surrogate', name);
    return text;
  }

  setInstant(name: string, instant: Instant | null): void {
    this.#instants.set(name, instant);
    if (instant !== null && (instant < EARLIEST_PLAUSIBLE || instant >= FIRST_IMPLAUSIBLE))
      this.#flag('implausible', name);
  }

  setLength(name: string, length: number | null): void {
    this.#lengths.set(name, length);
  }

  text(field: string): string | undefined {
    if (field !== this.#field) {
      this.#field = field;
      this.#text = this.#job?.string(field);
    }
    return this.#text;
  }

  instant(column: string): Instant | null {
    return this.#instants.get(column) ?? null;
  }

  length(column: string): number | null {
    return this.#lengths.get(column) ?? null;
  }

  isUnread(column: string): boolean {
    return this.#unread.has(column);
  }

  extra(): string | null {
    const job = this.#job;
    if (job === undefined || (!job.hasOthers && this.#unread.size === 0)) return null;
    const members = [...job.members()]
      .filter(([name]) => job.fields.indexOf(name) < 0 || this.#unread.has(name))
      .filter(([name]) => !this.#leftOut.has(name))
      .map(([name, value]) => `${JSON.stringify(name)}:${value}`);
    return members.length === 0 ? null : `{${members.join()}}`;
  }

  #flag(kind: string, name: string): void {
    if (!this.#leftOut.has(name)) this.flags.push(`${kind}:${name}`);
  }
}

/** Reads of a column that is left out what others are made of. */
function readerOf(column: Column, field: number, row: CurrentRow): FilledColumn | [] {
  const { name, type, sent: isSent } = column;
  if (!isSent) return [];
  const timestamp = (job: RawJob) =>
    row.setInstant(name, row.accept(name, READ.timestamp(job, field)));
  const strings = (job: RawJob) =>
    row.setLength(name, row.accept(name, READ.strings(job, field))?.length ?? null);
  if (type === 'timestamp') return { isSent, fill: timestamp };
  if (type === 'strings') return { isSent, fill: strings };
  return [];
}

/** @param field place of the column's field among those sent, -1 for a derived column */
function fillerOf(column: Column, field: number, capacity: number, row: CurrentRow): FilledColumn {
  const { name, sent: isSent } = column;
  switch (column.type) {
    case 'string':
    case 'json': {
      const buffer = new StringBuffer(capacity);
      if (column.sent) {
        const push = column.type === 'json' ? pushJson : pushText;
        return { isSent, buffer, fill: (job) => push(buffer, row, job, name, field) };
      }
      const { derive, type } = column;
      const fill = () => {
        const text = derive(row);
        const isJson = type === 'json' && text !== null;
        buffer.push(isJson ? row.wellFormed(name, text) : text);
      };
      return { isSent, buffer, fill };
    }
    case 'int64': {
      const buffer = new Int64Buffer(capacity);
      const cell = cellOf(column, READ.int64, field, row);
      return { isSent, buffer, fill: (job) => buffer.push(cell(job)) };
    }
    case 'float64': {
      const buffer = new Float64Buffer(capacity);
      const cell = cellOf(column, READ.float64, field, row);
      return { isSent, buffer, fill: (job) => buffer.push(cell(job)) };
    }
    case 'bool': {
      const buffer = new BoolBuffer(capacity);
      const cell = cellOf(column, READ.bool, field, row);
      return { isSent, buffer, fill: (job) => buffer.push(cell(job)) };
    }
    case 'timestamp': {
      const buffer = new TimestampBuffer(capacity);
      const cell = cellOf(column, READ.timestamp, field, row);
      const fill = (job: RawJob) => {
        const instant = cell(job);
        row.setInstant(name, instant);
        buffer.push(instant);
      };
      return { isSent, buffer, fill };
    }
    case 'strings': {
      const buffer = new StringsBuffer(capacity);
      const fill = (job: RawJob) => {
        const items = column.sent ? readStrings(row, job, name, field) : column.derive(row);
        row.setLength(name, items?.length ?? null);
        buffer.push(items);
      };
      return { isSent, buffer, fill };
    }
  }
}

/** Reads the cells of a column, or derives them. */
function cellOf<T extends ColumnType>(
  column: SentColumn<T> | DerivedColumn<T>,
  read: (job: RawJob, field: number) => Read<CellTypes[T]>,
  field: number,
  row: CurrentRow,
): (job: RawJob) => CellTypes[T] | null {
  return column.sent
    ? (job) => row.accept(column.name, read(job, field))
    : () => column.derive(row);
}

/** A text goes from its bytes to its column's, unless it has escapes that need a closer look. */
function pushText(
  buffer: StringBuffer,
  row: CurrentRow,
  job: RawJob,
  name: string,
  field: number,
): void {
  if (job.isNull(field)) {
    buffer.push(null);
    return;
  }
  const start = job.startOf(field);
  const end = job.endOf(field) - 1;
  const form = job.formOf(field);
  if (!job.isText(field)) buffer.push(row.accept<string>(name, UNPARSABLE));
  else if (form === FORM.plain) buffer.pushBytes(job.view, start + 1, end);
  else if (form === FORM.escaped) buffer.pushEscaped(job.view, start + 1, end);
  else buffer.push(JSON.parse(row.wellFormed(name, job.bytes.toString('utf8', start, end + 1))));
}

function pushJson(
  buffer: StringBuffer,
  row: CurrentRow,
  job: RawJob,
  name: string,
  field: number,
): void {
  const form = job.formOf(field);
  if (job.isNull(field)) buffer.push(null);
  else if (form === FORM.spaced || form === FORM.unicode)
    buffer.push(row.wellFormed(name, job.json(name) ?? ''));
  else buffer.pushBytes(job.view, job.startOf(field), job.endOf(field));
}

function readStrings(
  row: CurrentRow,
  job: RawJob,
  name: string,
  field: number,
): readonly (string | null)[] | null {
  const items = row.accept(name, READ.strings(job, field));
  if (items === null || job.formOf(field) !== FORM.unicode) return items;
  return JSON.parse(row.wellFormed(name, job.json(name) ?? ''));
}
