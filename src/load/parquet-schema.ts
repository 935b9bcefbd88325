import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { LoadColumn } from './encoder.ts';

/** How values are stored, as parquet.thrift names it. */
export type PhysicalType = 'BYTE_ARRAY' | 'INT64' | 'DOUBLE' | 'BOOLEAN';

/** A column of the file. */
export interface ParquetColumn {
  /** The names of its fields from the top down, the last of which holds the values. */
  readonly path: readonly string[];
  readonly type: PhysicalType;
  /** The definition level of a value that is there. */
  readonly present: number;
  readonly isList: boolean;
  /** Its fields as the footer describes them, from the top down. */
  readonly elements: readonly ThriftStruct[];
}

/**
 * The same meaning as the converted type, in the words newer readers prefer. Only these tell them that a timestamp is
 * UTC: without, DuckDB takes it for a local one.
 */
const LOGICAL_TYPES = {
  UTF8: { STRING: new thrift.StringType() },
  LIST: { LIST: new thrift.ListType() },
  TIMESTAMP_MICROS: {
    TIMESTAMP: new thrift.TimestampType({
      isAdjustedToUTC: true,
      unit: new thrift.TimeUnit({ MICROS: new thrift.MicroSeconds() }),
    }),
  },
};

interface FieldType {
  readonly physical?: PhysicalType;
  readonly converted?: keyof typeof LOGICAL_TYPES;
}

const TEXT = { physical: 'BYTE_ARRAY', converted: 'UTF8' } as const;

/** The type of what holds the values of each type of column. */
const TYPES: Readonly<Record<ColumnType, FieldType & { readonly physical: PhysicalType }>> = {
  string: TEXT,
  json: TEXT,
  int64: { physical: 'INT64' },
  float64: { physical: 'DOUBLE' },
  bool: { physical: 'BOOLEAN' },
  timestamp: { physical: 'INT64', converted: 'TIMESTAMP_MICROS' },
  strings: TEXT,
};

/** A list has three levels. Source: parquet-format, LogicalTypes.md, "Lists". */
export function parquetColumn({ name, type, required }: LoadColumn): ParquetColumn {
  const leaf = TYPES[type];
  const top = required ? 'REQUIRED' : 'OPTIONAL';
  const isList = type === 'strings';
  return {
    path: isList ? [name, 'list', 'element'] : [name],
    type: leaf.physical,
    present: (isList ? 2 : 0) + (required ? 0 : 1),
    isList,
    elements: isList
      ? [
          schemaElement(name, top, { converted: 'LIST' }),
          schemaElement('list', 'REPEATED', {}),
          schemaElement('element', 'OPTIONAL', leaf),
        ]
      : [schemaElement(name, top, leaf)],
  };
}

/** A field of the schema. One that has no physical type has one field in it. */
function schemaElement(
  name: string,
  repetition: string,
  { physical, converted }: FieldType,
): ThriftStruct {
  return new thrift.SchemaElement({
    name,
    repetition_type: thrift.FieldRepetitionType[repetition],
    ...(physical === undefined ? { num_children: 1 } : { type: thrift.Type[physical] }),
    ...(converted !== undefined && {
      converted_type: thrift.ConvertedType[converted],
      logicalType: new thrift.LogicalType(LOGICAL_TYPES[converted]),
    }),
  });
}
