import type { Data, RecordBatch, Schema } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import type { ColumnType, FoundColumn } from '../jobs/columns.ts';
import type { Compression } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';

/** The next bytes of a file, some kB at least at a time. They are good until the next call of the encoder. */
type Chunks = readonly Uint8Array[];

/**
 * Writes one format, block by block, in bounded memory. What it is given is not kept. Blocks start at offset 0, have
 * zeros under their nulls, and 2,500 rows or 8 MB of text at most (or one row). Calls do not overlap.
 */
export interface FileEncoder {
  encode(batch: RecordBatch): Chunks | Promise<Chunks>;
  finish(): Chunks | Promise<Chunks>;
}

/** Where in another file of the same format one goes on: a copy of what stands before it has been written. */
export interface Start {
  readonly path: string;
  readonly row: number;
  readonly byte: number;
}

/**
 * Opens a file of one format.
 *
 * @param start where it goes on, when there is the start of it
 * @throws ExportError (65, load) when the schema has a type that no file can carry
 */
export type OpenEncoder = (
  schema: Schema,
  compression?: Compression,
  start?: Start,
) => Promise<FileEncoder>;

/** A column as a loader sees it. */
export interface LoadColumn extends FoundColumn {
  readonly type: ColumnType;
}

/**
 * The columns of an Arrow schema.
 *
 * @throws ExportError (65, load) for a field of a type no file can carry unaltered, or a schema without fields.
 */
export function columnsOf(schema: Schema): LoadColumn[] {
  if (schema.fields.length === 0)
    throw unfit('a file needs at least one column, and the schema has none');
  return schema.fields.map((field) => {
    const type = columnTypeOf(field);
    if (type === undefined)
      throw unfit(`column ${field.name} has type ${field.type}, which no loader writes`);
    return { name: field.name, type, required: !field.nullable };
  });
}

/** What two columns must have in common. One of JSON is text to some readers. */
export function describeColumn({ name, type, required }: FoundColumn): string {
  return `${name} ${type === 'json' ? 'string' : type}${required ? ' required' : ''}`;
}

/** @throws ExportError (65, load) for a batch with a null in a column that may have none */
export function refuseNulls(batch: RecordBatch, columns: readonly LoadColumn[]): void {
  for (const [i, { name, required }] of columns.entries())
    if (required && batch.data.children[i].nullCount > 0)
      throw unfit(`column ${name} must have a value in every row, and one has none`);
}

/** Whether a row has a value. */
export function isValid({ nullCount, nullBitmap, offset }: Data, row: number): boolean {
  return nullCount === 0 || ((nullBitmap[(offset + row) >> 3] >> ((offset + row) & 7)) & 1) === 1;
}

/** What no file can hold. */
export function unfit(message: string, cause?: unknown): ExportError {
  return new ExportError(message, { exitCode: EXIT.data, stage: 'load', cause });
}
