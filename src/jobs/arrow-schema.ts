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
import { CHANGE_COLUMNS, type Column, type ColumnType, JOB_COLUMNS } from './columns.ts';

/** The Arrow type of each type of column. */
export const ARROW_TYPES: Record<ColumnType, () => DataType> = {
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
  return new Schema(columns.map(fieldOf));
}

function fieldOf({ name, type, required }: Pick<Column, 'name' | 'type' | 'required'>): Field {
  const metadata = new Map(type === 'json' ? [['pasqal:json', 'true']] : []);
  return new Field(name, ARROW_TYPES[type](), !required, metadata);
}

/** The jobs table as an Arrow schema: the currency between transform, checkpoint and load. */
export const JOB_SCHEMA: Schema = arrowSchema(JOB_COLUMNS);

/** The schema of `changes.*`: what became of a row, then the row. */
export function changesSchema(table: Schema): Schema {
  return new Schema([...CHANGE_COLUMNS.map(fieldOf), ...table.fields]);
}

/** By how Arrow describes a type, with width, unit, time zone and nesting. That of JSON is one of strings. */
const COLUMN_TYPES: ReadonlyMap<string, ColumnType> = new Map(
  (['string', 'int64', 'float64', 'bool', 'timestamp', 'strings'] as const).map((type) => [
    String(ARROW_TYPES[type]()),
    type,
  ]),
);

/** The column type that `arrowSchema` writes as this Arrow field, or undefined for a field it never writes. */
export function columnTypeOf({ type, metadata }: Field): ColumnType | undefined {
  const found = COLUMN_TYPES.get(String(type));
  return found === 'string' && metadata.get('pasqal:json') === 'true' ? 'json' : found;
}
