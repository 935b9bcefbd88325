import { DataType, type Field, Precision, type Schema, TimeUnit } from 'apache-arrow';
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import parquetjs, { type FieldDefinition, type ParquetField } from 'parquetjs-lite/lib/schema.js';
import { EXIT, ExportError } from '../platform/errors.ts';
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

/**
 * The library's schema for an Arrow schema, and its fields in the order of the columns.
 *
 * @throws ExportError (65, load) for a field of a type no file can carry unaltered, or a schema without fields
 */
export function parquetSchema({ fields }: Schema) {
  if (fields.length === 0) throw unfit('a file needs at least one column, and the schema has none');
  const definitions = fields.map((field): [string, FieldDefinition] => {
    const definition = { type: parquetType(field), optional: field.nullable };
    const isList = definition.type === 'LIST';
    return [field.name, isList ? { ...definition, fields: LIST_FIELDS } : definition];
  });
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(definitions));
  return { schema, columns: fields.map(({ name }) => parquetColumn(name, schema.fields[name])) };
}

/** The library's word for the one width, unit and time zone of each kind that this program writes. */
function parquetType({ name, type }: Field): string {
  if (DataType.isUtf8(type)) return 'UTF8';
  if (DataType.isBool(type)) return 'BOOLEAN';
  if (DataType.isInt(type) && type.isSigned && type.bitWidth === 64) return 'INT64';
  if (DataType.isFloat(type) && type.precision === Precision.DOUBLE) return 'DOUBLE';
  if (DataType.isTimestamp(type) && type.unit === TimeUnit.MICROSECOND && type.timezone === 'UTC')
    return 'TIMESTAMP_MICROS';
  if (DataType.isList(type) && DataType.isUtf8(type.valueType)) return 'LIST';
  throw unfit(`column ${name} has type ${type}, which no loader writes`);
}

function unfit(message: string): ExportError {
  return new ExportError(message, { exitCode: EXIT.data, stage: 'load' });
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
