import type { RecordBatch, Schema } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import type { ColumnType } from '../jobs/columns.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';

/** Takes the next bytes of a file. It copies them: their memory may be used again at once. */
export type Sink = (bytes: Uint8Array) => void;

/**
 * Writes one format, block by block, in bounded memory. What it is given is not kept. Blocks start at offset 0, have
 * zeros under their nulls, and 2,500 rows or 8 MB of text at most (or one row). Calls do not overlap.
 */
export interface FileEncoder {
  encode(batch: RecordBatch): void | Promise<void>;
  finish(): void | Promise<void>;
}

/** A format of data files. */
export interface LoaderDefinition {
  readonly format: Format;
  /** What the file's name ends with, e.g. `.parquet` or `.ndjson.gz`. */
  extension(compression: Compression | undefined): string;
  /** @throws ExportError (65, load) when the schema has a type that no file can carry */
  open(schema: Schema, compression: Compression | undefined, out: Sink): Promise<FileEncoder>;
}

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
