import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import parquetjs, { type FieldDefinition, type ParquetField } from 'parquetjs-lite/lib/schema.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { LoadColumn } from './encoder.ts';

/** How values are stored, as parquet.thrift names it. */
export type PhysicalType = 'BYTE_ARRAY' | 'INT64' | 'DOUBLE' | 'BOOLEAN';

/** The field of a column that holds the values. */
export interface ParquetColumn {
  /** The names of its fields from the top down. */
  readonly path: readonly string[];
  readonly type: PhysicalType;
  /** The definition level of a value that is there. */
  readonly present: number;
  readonly isList: boolean;
}

/** The three levels of a LIST. Source: parquet-format, LogicalTypes.md, "Lists". */
const LIST_FIELDS = {
  list: { type: 'GROUP', repeated: true, fields: { element: { type: 'UTF8', optional: true } } },
};

/**
 * The same meaning as the converted type, in the words newer readers prefer. Only these tell them that a timestamp is
 * UTC: without, DuckDB takes it for a local one.
 */
const LOGICAL_TYPES: Readonly<Record<string, Readonly<Record<string, ThriftStruct>>>> = {
  UTF8: { STRING: new thrift.StringType() },
  LIST: { LIST: new thrift.ListType() },
  TIMESTAMP_MICROS: {
    TIMESTAMP: new thrift.TimestampType({
      isAdjustedToUTC: true,
      unit: new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() }),
    }),
  },
};

/** The library's word for each type of column. */
const TYPES: Readonly<Record<ColumnType, string>> = {
  string: 'UTF8',
  json: 'UTF8',
  int64: 'INT64',
  float64: 'DOUBLE',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP_MICROS',
  strings: 'LIST',
};

/** The library's schema for the columns of a file, and what it says of each. */
export function parquetSchema(described: readonly LoadColumn[]) {
  const definitions = described.map(({ name, type, required }): [string, FieldDefinition] => {
    const list = type === 'strings' ? { fields: LIST_FIELDS } : {};
    return [name, { type: TYPES[type], optional: !required, ...list }];
  });
  const schema = new parquetjs.ParquetSchema(Object.fromEntries(definitions));
  const columns = schema.fieldList.flatMap((field): readonly ParquetColumn[] => {
    const { path, primitiveType: type, dLevelMax: present, rLevelMax } = field;
    return type === undefined ? [] : [{ path, type, present, isList: rLevelMax > 0 }];
  });
  return { schema, columns };
}

/** A field as the footer describes it. */
export function schemaElement(field: ParquetField): ThriftStruct {
  const { name, repetitionType, primitiveType, originalType = '', fieldCount } = field;
  const logicalType = LOGICAL_TYPES[originalType];
  return new thrift.SchemaElement({
    name,
    repetition_type: thrift.FieldRepetitionType[repetitionType],
    ...(primitiveType === undefined
      ? { num_children: fieldCount }
      : { type: thrift.Type[primitiveType] }),
    ...(logicalType && {
      converted_type: thrift.ConvertedType[originalType],
      logicalType: new thrift.LogicalType(logicalType),
    }),
  });
}
