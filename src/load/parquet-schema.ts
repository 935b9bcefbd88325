import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { LoadColumn } from './encoder.ts';
import type { PhysicalType } from './parquet-statistics.ts';

/**
 * How values of a type of column are stored, and what they mean: as converted type, and, in the words newer readers
 * prefer, as logical type. Only these tell them that a timestamp is UTC: without, DuckDB takes it for a local one.
 */
interface ValueType {
  readonly type: PhysicalType;
  readonly converted?: string;
  readonly logical?: () => Readonly<Record<string, ThriftStruct>>;
}

const TEXT: ValueType = {
  type: 'BYTE_ARRAY',
  converted: 'UTF8',
  logical: () => ({ STRING: new thrift.StringType() }),
};
const VALUE_TYPES: Readonly<Record<ColumnType, ValueType>> = {
  string: TEXT,
  json: TEXT,
  strings: TEXT,
  int64: { type: 'INT64' },
  float64: { type: 'DOUBLE' },
  bool: { type: 'BOOLEAN' },
  timestamp: {
    type: 'INT64',
    converted: 'TIMESTAMP_MICROS',
    logical: () => ({
      TIMESTAMP: new thrift.TimestampType({
        isAdjustedToUTC: true,
        unit: new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() }),
      }),
    }),
  },
};

/** A column of the file. */
export interface ParquetColumn {
  readonly path: readonly string[];
  readonly type: PhysicalType;
  /** The highest levels that an entry may have: 0 where there are none. */
  readonly mostRepetitions: number;
  readonly mostDefinitions: number;
  /** Its fields as the footer describes them, from the top down. */
  readonly elements: readonly ThriftStruct[];
}

/** A list has three levels. Source: parquet-format, LogicalTypes.md, "Lists". */
export function parquetColumn({ name, type, required }: LoadColumn): ParquetColumn {
  const value = VALUE_TYPES[type];
  const repetition = required ? 'REQUIRED' : 'OPTIONAL';
  const isList = type === 'strings';
  const list = { converted: 'LIST', logical: () => ({ LIST: new thrift.ListType() }) };
  return {
    path: isList ? [name, 'list', 'element'] : [name],
    type: value.type,
    mostRepetitions: isList ? 1 : 0,
    mostDefinitions: (required ? 0 : 1) + (isList ? 2 : 0),
    elements: isList
      ? [
          element(name, repetition, list, 1),
          element('list', 'REPEATED', {}, 1),
          element('element', 'OPTIONAL', value),
        ]
      : [element(name, repetition, value)],
  };
}

function element(
  name: string,
  repetition: string,
  { type, converted, logical }: Partial<ValueType>,
  children?: number,
): ThriftStruct {
  return new thrift.SchemaElement({
    name,
    repetition_type: thrift.FieldRepetitionType[repetition],
    ...(type && { type: thrift.Type[type] }),
    ...(children && { num_children: children }),
    ...(converted && { converted_type: thrift.ConvertedType[converted] }),
    ...(logical && { logicalType: new thrift.LogicalType(logical()) }),
  });
}
