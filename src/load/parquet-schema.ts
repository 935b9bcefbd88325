import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import parquetjs, { type FieldDefinition, type ParquetField } from 'parquetjs-lite/lib/schema.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { LoadColumn } from './encoder.ts';

const PARQUET_TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'UTF8',
  json: 'JSON',
  int64: 'INT64',
  float64: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP_MICROS',
  strings: 'LIST',
};

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
  JSON: () => new thrift.LogicalType({ JSON: new thrift.JsonType() }),
  LIST: () => new thrift.LogicalType({ LIST: new thrift.ListType() }),
  TIMESTAMP_MICROS: () =>
    new thrift.LogicalType({
      TIMESTAMP: new thrift.TimestampType({
        isAdjustedToUTC: true,
        unit: new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() }),
      }),
    }),
};

/** A column of the file: its fields from the top down, and the one that holds the values. */
export interface ParquetColumn {
  readonly fields: readonly ParquetField[];
  readonly leaf: ParquetField;
}

/** The library's schema for the columns, and its fields in the order of the columns. */
export function parquetSchema(columns: readonly LoadColumn[]) {
  const definitions = columns.map(({ name, type, nullable }): [string, FieldDefinition] => {
    const definition = { type: PARQUET_TYPES[type], optional: nullable };
    return [name, type === 'strings' ? { ...definition, fields: LIST_FIELDS } : definition];
  });
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(definitions));
  return { schema, columns: columns.map(({ name }) => parquetColumn(schema.fields[name])) };
}

function parquetColumn(top: ParquetField | undefined): ParquetColumn {
  if (top === undefined) throw new RangeError('the library lost a column');
  const fields = [top];
  let leaf = top;
  for (let inner = only(leaf); inner !== undefined; inner = only(leaf)) {
    fields.push(inner);
    leaf = inner;
  }
  return { fields, leaf };
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
