import type { Schema } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import type { ColumnType } from '../jobs/columns.ts';
import { EXIT, ExportError } from '../platform/errors.ts';

/** A column as a loader sees it. */
export interface LoadColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/**
 * The columns of an Arrow schema.
 *
 * @throws ExportError (65, load) for a field of a type no file can carry unaltered, or a schema without fields.
 */
export function columnsOf(schema: Schema): LoadColumn[] {
  if (schema.fields.length === 0) {
    throw new ExportError('a file needs at least one column, and the schema has none', {
      exitCode: EXIT.data,
      stage: 'load',
    });
  }
  return schema.fields.map((field) => {
    const type = columnTypeOf(field);
    if (type === undefined) {
      throw new ExportError(`column ${field.name} has type ${field.type}, which no loader writes`, {
        exitCode: EXIT.data,
        stage: 'load',
      });
    }
    return { name: field.name, type, nullable: field.nullable };
  });
}

/** Whether two lists of columns are the same, names and order included. */
export function sameColumns(a: readonly LoadColumn[], b: readonly LoadColumn[]): boolean {
  return (
    a.length === b.length &&
    a.every(
      ({ name, type, nullable }, i) =>
        name === b[i].name && type === b[i].type && nullable === b[i].nullable,
    )
  );
}
