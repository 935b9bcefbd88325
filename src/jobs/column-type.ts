import { DataType, type Field, Precision, TimeUnit } from 'apache-arrow';
import type { ColumnType } from './columns.ts';

/**
 * The column type that `arrowSchema` writes as this Arrow field, or undefined for a field it never writes (another
 * width, unit, time zone or nesting).
 */
export function columnTypeOf(field: Field): ColumnType | undefined {
  const { type } = field;
  if (DataType.isUtf8(type))
    return field.metadata.get('pasqal:json') === 'true' ? 'json' : 'string';
  if (DataType.isInt(type)) return type.isSigned && type.bitWidth === 64 ? 'int64' : undefined;
  if (DataType.isFloat(type)) return type.precision === Precision.DOUBLE ? 'float64' : undefined;
  if (DataType.isBool(type)) return 'bool';
  if (DataType.isTimestamp(type)) {
    return type.unit === TimeUnit.MICROSECOND && type.timezone === 'UTC' ? 'timestamp' : undefined;
  }
  if (DataType.isList(type)) return DataType.isUtf8(type.valueType) ? 'strings' : undefined;
  return undefined;
}
