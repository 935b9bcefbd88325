import type { RecordBatch, Schema } from 'apache-arrow';
import { ARROW_TYPES, arrowSchema } from '../jobs/arrow-schema.ts';
import {
  BoolBuffer,
  batchOf,
  type ColumnBuffer,
  Float64Buffer,
  Int64Buffer,
  StringBuffer,
  StringsBuffer,
} from '../jobs/column-buffers.ts';
import {
  type CellTypes,
  type Column,
  type ColumnType,
  type DerivedColumn,
  JOB_COLUMNS,
  type ReadRow,
  type SentColumn,
  sentFields,
} from '../jobs/columns.ts';
import type { Instant } from '../jobs/timestamp.ts';
import { escapeLoneSurrogates, FORM } from '../json/json-scanner.ts';
import type { RawJob } from '../json/raw-job.ts';
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
    const fields = sentFields(columns);
    this.#schema = arrowSchema(columns.filter(({ name }) => !leftOut.has(name)));
    this.#row = new CurrentRow(leftOut);
    this.#columns = columns
      .filter((column) => !leftOut.has(column.name) || (column.sent && SOURCES.has(column.type)))
      .map((column) => ({
        column,
        isKept: !leftOut.has(column.name),
        ...fillerOf(column, fields.indexOf(column.name), capacity, this.#row),
      }));
    this.#inOrder = this.#columns.toSorted((a, b) => Number(b.column.sent) - Number(a.column.sent));
    this.#checks = columns
      .filter(({ required }) => required)
      .map((column) => checkOf(column, fields.indexOf(column.name)));
  }

  push(job: RawJob): void {
    for (const check of this.#checks) {
      const reason = check(job);
      if (reason === undefined) continue;
      this.#rejects.push({ reason, record: job });
      return;
    }
    this.#row.start(job);
    for (const { fill } of this.#inOrder) fill(job);
  }

  /** What was pushed since the last call. The batch is good until the next push, which uses its memory again. */
  finish(): TransformedRows {
    const children = this.#columns.flatMap(({ column, isKept, buffer }) => {
      const data = buffer.finish(ARROW_TYPES[column.type]());
      return isKept ? data : [];
    });
    const rows = { batch: batchOf(this.#schema, children), rejects: this.#rejects };
    this.#rejects = [];
    return rows;
  }
}

/** Where the cells of a column go, and what adds the cell of a job. */
interface Filler {
  readonly buffer: Pick<ColumnBuffer<never>, 'finish'>;
  readonly fill: (job: RawJob) => void;
}

interface FilledColumn extends Filler {
  readonly column: Column;
  /** Else it is read for others only. */
  readonly isKept: boolean;
}

/** What derived columns are made of, beside the texts of the job itself. */
const SOURCES: ReadonlySet<ColumnType> = new Set(['timestamp', 'strings']);

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

function checkOf({ name, type }: Column, field: number): Check {
  return (job) => {
    const isEmpty = job.isText(field) && job.endOf(field) - job.startOf(field) === '""'.length;
    const isMissing = job.isNull(field) || (isEmpty && (type !== 'string' || name === 'id'));
    if (isMissing) return `${name}: missing`;
    if (type === 'json') return undefined;
    const fits = type === 'string' ? job.isText(field) : READ[type](job, field) !== UNPARSABLE;
    return fits ? undefined : `${name}: not ${EXPECTED[type]}`;
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

  constructor(leftOut: ReadonlySet<string>) {
    this.#leftOut = leftOut;
  }

  start(job: RawJob): void {
    this.#job = job;
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
    return this.#job?.string(field);
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

/** @param field place of the column's field among those sent, -1 for a derived column */
function fillerOf(column: Column, field: number, capacity: number, row: CurrentRow): Filler {
  const { name } = column;
  switch (column.type) {
    case 'string':
    case 'json': {
      const buffer = new StringBuffer(capacity);
      const isJson = column.type === 'json';
      if (column.sent) return { buffer, fill: (job) => pushText(buffer, row, job, field, isJson) };
      const fill = () => {
        const text = column.derive(row);
        buffer.push(isJson && text !== null ? row.wellFormed(name, text) : text);
      };
      return { buffer, fill };
    }
    case 'int64':
      return cells(column, field, row, new Int64Buffer(capacity), READ.int64);
    case 'float64':
      return cells(column, field, row, new Float64Buffer(capacity), READ.float64);
    case 'bool':
      return cells(column, field, row, new BoolBuffer(capacity), READ.bool);
    case 'timestamp':
      return cells(column, field, row, new Int64Buffer(capacity), READ.timestamp, (instant) =>
        row.setInstant(name, instant),
      );
    case 'strings': {
      const readStrings = (job: RawJob): Read<CellTypes['strings']> => {
        const items = READ.strings(job, field);
        const hasHalves = Array.isArray(items) && job.formOf(field) === FORM.unicode;
        return hasHalves ? JSON.parse(row.wellFormed(name, job.json(name) ?? '')) : items;
      };
      return cells(column, field, row, new StringsBuffer(capacity), readStrings, (items) =>
        row.setLength(name, items?.length ?? null),
      );
    }
  }
}

/** @param note is told each cell */
function cells<T extends ColumnType>(
  column: SentColumn<T> | DerivedColumn<T>,
  field: number,
  row: CurrentRow,
  buffer: ColumnBuffer<CellTypes[T]>,
  read: (job: RawJob, field: number) => Read<CellTypes[T]>,
  note: (cell: CellTypes[T] | null) => void = () => undefined,
): Filler {
  const cell = column.sent
    ? (job: RawJob) => row.accept(column.name, read(job, field))
    : () => column.derive(row);
  const fill = (job: RawJob) => {
    const value = cell(job);
    note(value);
    buffer.push(value);
  };
  return { buffer, fill };
}

/** Text, or JSON, goes from its bytes to its column's, unless it has spaces or escapes that need a closer look. */
function pushText(
  buffer: StringBuffer,
  row: CurrentRow,
  job: RawJob,
  field: number,
  isJson: boolean,
): void {
  const name = job.fields.names[field];
  const form = job.formOf(field);
  const quote = isJson ? 0 : 1;
  const [start, end] = [job.startOf(field) + quote, job.endOf(field) - quote];
  if (job.isNull(field)) buffer.push(null);
  else if (!isJson && !job.isText(field)) buffer.push(row.accept<string>(name, UNPARSABLE));
  else if (form === FORM.unicode || form === FORM.spaced) {
    const json = row.wellFormed(name, job.json(name) ?? '');
    buffer.push(isJson ? json : JSON.parse(json));
  } else if (form === FORM.escaped && !isJson) buffer.pushEscaped(job.view, start, end);
  else buffer.pushBytes(job.view, start, end);
}
