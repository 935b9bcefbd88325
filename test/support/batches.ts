import {
  DataType,
  Int64,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
  vectorFromArray,
} from 'apache-arrow';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';

/** Values of one column: what Arrow's builders take; null for none. Absent columns are null throughout. */
export type Values = Readonly<Record<string, readonly unknown[]>>;

/** A record batch of the schema, made by Arrow's own builders. */
export function batchOf(schema: Schema, rows: number, values: Values): RecordBatch {
  const children = schema.fields.map(({ name, type }) => {
    // The timestamp builder takes milliseconds; microseconds go in as the integers they are.
    const built = DataType.isTimestamp(type) ? new Int64() : type;
    const [data] = vectorFromArray(values[name] ?? Array(rows).fill(null), built).data;
    if (data === undefined) throw new RangeError(`no data for ${name}`);
    return data.clone(type);
  });
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: rows, nullCount: 0, children }));
}

/** The rows of a batch cut into batches of the given lengths (the last length goes on for ever). */
export function cut(batch: RecordBatch, lengths: readonly number[]): RecordBatch[] {
  const slices: RecordBatch[] = [];
  for (let from = 0, i = 0; from < batch.numRows; i++) {
    const length = Math.max(1, lengths[Math.min(i, lengths.length - 1)] ?? batch.numRows);
    slices.push(batch.slice(from, from + length));
    from += length;
  }
  return slices;
}

/**
 * Rows `first` to `first + rows` of a made-up jobs table, about 600 bytes of JSON a job: the same numbers give the same
 * rows.
 */
export function jobBatch(first: number, rows: number, sequenceBytes = 90): RecordBatch {
  const random = numbers(first);
  const column = <T>(value: (row: number) => T): T[] =>
    Array.from({ length: rows }, (_, i) => value(first + i));
  const created = column((row) => 1_700_000_000_000_000n + BigInt(row) * 1_234_567n);
  const wait = column(() => Math.floor(random() * 4e9));
  const work = column(() => Math.floor(random() * 9e8));
  const at = (i: number, micros: number) => (created[i] ?? 0n) + BigInt(micros);
  const index = (row: number) => row - first;
  return batchOf(JOB_SCHEMA, rows, {
    id: column(() => uuid(random)),
    batch_id: column((row) => uuid(numbers(Math.floor(row / 10)))),
    project_id: column((row) => uuid(numbers(row % 5))),
    status: column((row) => (row % 50 === 0 ? 'ERROR' : 'DONE')),
    runs: column(() => BigInt(Math.floor(random() * 1000))),
    progress: column(() => 100n),
    creation_order: column((row) => BigInt(row % 10)),
    created_at: created,
    updated_at: column((row) => at(index(row), 5_000_000_000)),
    start_timestamp: column((row) => at(index(row), wait[index(row)] ?? 0)),
    end_timestamp: column((row) =>
      at(index(row), (wait[index(row)] ?? 0) + (work[index(row)] ?? 0)),
    ),
    queue_seconds: wait.map((micros) => micros / 1e6),
    run_seconds: work.map((micros) => micros / 1e6),
    total_seconds: column((row) => ((wait[index(row)] ?? 0) + (work[index(row)] ?? 0)) / 1e6),
    is_final: column(() => true),
    errors: column((row) => (row % 50 === 0 ? ['Sequence is not valid.'] : [])),
    error_count: column((row) => (row % 50 === 0 ? 1n : 0n)),
    variables: column(() => `{"omega_max":${random() * 10},"ts":[${random()},${random()}]}`),
    sequence: column((row) => sequence(row, sequenceBytes)),
    anomalies: column(() => []),
  });
}

function sequence(row: number, bytes: number): string {
  const start = `{"version":"1","name":"pulser-exported","register":[`;
  const random = numbers(row);
  let text = start;
  while (text.length < bytes) text += `{"name":"q${row % 97}","x":${(random() * 40).toFixed(2)}},`;
  return `${text}]}`;
}

/** A small linear congruential generator: repeatable, and good enough for test data. */
export function numbers(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

function uuid(random: () => number): string {
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  return `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`;
}

/** Of each part the ids that it has twice or that a part before it has. */
export function againIn(parts: readonly (readonly { readonly id: string }[])[]): string[][] {
  const seen = new Set<string>();
  return parts.map((jobs) =>
    jobs.flatMap(({ id }) => {
      if (seen.has(id)) return [id];
      seen.add(id);
      return [];
    }),
  );
}
