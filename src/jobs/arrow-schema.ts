import {
  Bool,
  type DataType,
  Field,
  Float64,
  Int64,
  List,
  Schema,
  TimestampMicrosecond,
  Utf8,
} from 'apache-arrow';
import { type Column, type ColumnType, JOB_COLUMNS } from './columns.ts';

const ARROW_TYPES: Record<ColumnType, () => DataType> = {
  string: () => new Utf8(),
  json: () => new Utf8(),
  int64: () => new Int64(),
  float64: () => new Float64(),
  bool: () => new Bool(),
  timestamp: () => new TimestampMicrosecond('UTC'),
  strings: () => new List(new Field('element', new Utf8(), true)),
};

/** The Arrow schema of a list of columns. A JSON column carries the field metadata `pasqal:json = true`. */
export function arrowSchema(columns: readonly Column[]): Schema {
  return new Schema(
    columns.map(({ name, type, required }) => {
      const metadata = new Map(type === 'json' ? [['pasqal:json', 'true']] : []);
      return new Field(name, ARROW_TYPES[type](), !required, metadata);
    }),
  );
}

/** The jobs table as an Arrow schema: the currency between transform, checkpoint and load. */
export const JOB_SCHEMA: Schema = arrowSchema(JOB_COLUMNS);
