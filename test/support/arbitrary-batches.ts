import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema } from '../../src/jobs/arrow-schema.ts';
import type { Column, ColumnType } from '../../src/jobs/columns.ts';
import { batchOf, cut, type Values } from './batches.ts';

const TYPES: readonly ColumnType[] = [
  'string',
  'json',
  'int64',
  'timestamp',
  'float64',
  'bool',
  'strings',
];

function column(name: string, type: ColumnType, required: boolean): Column {
  return { name, type, required, sent: true, description: '' };
}

/** An id, then every type twice: required, and not. */
export const SAMPLE_COLUMNS: readonly Column[] = [
  column('id', 'string', true),
  ...TYPES.flatMap((type) => [column(type, type, true), column(`${type}_or_null`, type, false)]),
];

export const SAMPLE_SCHEMA = arrowSchema(SAMPLE_COLUMNS);

/** Values for the columns of the sample, the same number for each. */
export interface Table {
  readonly rows: number;
  readonly values: Values;
}

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\0', '😀', '"\\/\b\f\n\r\t\x1f\x7f', '\u2028', 'é'.repeat(300), 'null'),
);

const int64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, -1n, 9n, 10n, 99n, 100n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, -(2n ** 63n)),
);

/** As far as ISO 8601 dates reach in JavaScript: years -271821 to 275760. */
const timestamp = fc.oneof(
  fc.bigInt({ min: -8_640_000_000_000_000_000n, max: 8_640_000_000_000_000_000n }),
  fc.bigInt({ min: -2_000_000_000_000_000n, max: 4_000_000_000_000_000n }),
  fc.constantFrom(-1n, 0n, 21_636_558_026_698_066n),
);

const float64 = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer().map((micros) => micros / 1e6),
  fc.constantFrom(0, -0, 0.1, 5e-324, 1e21, 1e-7, 999_999_999.999999, Number.MAX_VALUE),
);

const VALUES: Readonly<Record<ColumnType, fc.Arbitrary<unknown>>> = {
  string: text,
  json: fc.json(),
  int64,
  timestamp,
  float64,
  bool: fc.boolean(),
  strings: fc.array(fc.option(text), { maxLength: 4 }),
};

/** Any table of the sample's columns; now and then an optional column is null throughout. */
export const tables: fc.Arbitrary<Table> = fc.nat({ max: 40 }).chain((rows) =>
  fc.tuple(...SAMPLE_COLUMNS.map((sample) => columnValues(sample, rows))).map((columns) => ({
    rows,
    values: Object.fromEntries(SAMPLE_COLUMNS.map(({ name }, i) => [name, columns[i]])),
  })),
);

function columnValues({ type, required }: Column, rows: number): fc.Arbitrary<unknown[]> {
  const exactly = { minLength: rows, maxLength: rows };
  const all = fc.array(VALUES[type], exactly);
  if (required) return all;
  const some = fc.array(fc.option(VALUES[type], { freq: 2 }), exactly);
  return fc.oneof(all, some, fc.constant(Array(rows).fill(null)));
}

/** Lengths to cut a table's batch by: most of the pieces start in the middle of its buffers. */
export const cuts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

/** The table as record batches that are slices of one. */
export function slices({ rows, values }: Table, lengths: readonly number[]): RecordBatch[] {
  return cut(batchOf(SAMPLE_SCHEMA, rows, values), lengths);
}
