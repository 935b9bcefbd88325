import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import parquetjs, { type FieldDefinition, type ParquetField } from 'parquetjs-lite/lib/schema.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { LoadColumn } from './encoder.ts';
import type { Order } from './parquet-statistics.ts';

/** The three levels of a LIST. Source: parquet-format, LogicalTypes.md, "Lists". */
const LIST_FIELDS = {
  list: { type: 'GROUP', repeated: true, fields: { element: { type: 'UTF8', optional: true } } },
};

/**
 * The same meaning as the converted type, in the words newer readers prefer. Only these tell them that a timestamp is
 * UTC: without, DuckDB takes it for a local one.
 */
const LOGICAL_TYPES: Readonly<Record<string, () => ThriftStruct>> = {
  UTF8: () => new thrift.LogicalType({ STRING: new thrift.StringType() }),
  LIST: () => new thrift.LogicalType({ LIST: new thrift.ListType() }),
  TIMESTAMP_MICROS: () =>
    new thrift.LogicalType({
      TIMESTAMP: new thrift.TimestampType({
        isAdjustedToUTC: true,
        unit: new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() }),
      }),
    }),
};

/** The library's word for the type of a column. */
const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'UTF8',
  json: 'UTF8',
  int64: 'INT64',
  float64: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP_MICROS',
  strings: 'LIST',
};

const ORDERS: Readonly<Record<string, Order>> = {
  BYTE_ARRAY: 'bytes',
  INT64: 'int64',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
};

/** A column of the file: its fields from the top down, and the one that holds the values. */
export interface ParquetColumn {
  readonly name: string;
  readonly fields: readonly ParquetField[];
  readonly leaf: ParquetField;
  readonly order: Order;
}

/** The library's schema for the columns of a file, and its fields in their order. */
export function parquetSchema(columns: readonly LoadColumn[]) {
  const definitions = columns.map(({ name, type, required }): [string, FieldDefinition] => {
    const list = type === 'strings' ? { fields: LIST_FIELDS } : {};
    return [name, { type: TYPES[type], optional: !required, ...list }];
  });
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(definitions));
  return { schema, columns: columns.map(({ name }) => parquetColumn(name, schema.fields[name])) };
}

function parquetColumn(name: string, top: ParquetField | undefined): ParquetColumn {
  if (top === undefined) throw new RangeError('the library lost a column');
  const fields = [top];
  let leaf = top;
  for (let inner = only(leaf); inner !== undefined; inner = only(leaf)) {
    fields.push(inner);
    leaf = inner;
  }
  return { name, fields, leaf, order: ORDERS[leaf.primitiveType ?? ''] };
}

function only({ fields }: ParquetField): ParquetField | undefined {
  return fields === undefined ? undefined : Object.values(fields)[0];
}

/** The schema as the footer holds it: a root, then every field, depth first. */
export function schemaElements(columns: readonly ParquetColumn[]): ThriftStruct[] {
  const root = new thrift.SchemaElement({ name: 'root', num_children: columns.length });
  return [root, ...columns.flatMap(({ fields }) => fields.map(schemaElement))];
}

function schemaElement(field: ParquetField): ThriftStruct {
  const { name, repetitionType, primitiveType, originalType, fieldCount } = field;
  return new thrift.SchemaElement({
    name,
    repetition_type: thrift.FieldRepetitionType[repetitionType],
    ...(primitiveType !== undefined && { type: thrift.Type[primitiveType] }),
    ...(fieldCount !== undefined && { num_children: fieldCount }),
    ...(originalType !== undefined && {
      converted_type: thrift.ConvertedType[originalType],
      logicalType: LOGICAL_TYPES[originalType]?.(),
    }),
  });
}
