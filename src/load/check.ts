import { JOB_COLUMNS } from '../jobs/columns.ts';
import type { FileContents, FoundColumn } from '../jobs/file-contents.ts';
import type { Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { ioError } from '../platform/io-errors.ts';
import { type CheckOptions, Damage } from './check-file.ts';

/**
 * Reads a data file in pieces and tells what is in it. Of Parquet and Arrow the schema and the ids are read; of NDJSON
 * every line, whose keys and kinds of values must be those of the columns. A name that ends with `.gz` is decompressed.
 *
 * @param path absolute
 * @param columns for NDJSON: what each line must hold
 * @param options.sizes for Arrow and plain NDJSON
 * @throws ExportError (load): 65 when the file is damaged, 74 when it cannot be read
 */
export async function checkFile(
  path: string,
  format: Format,
  columns: readonly FoundColumn[] = JOB_COLUMNS,
  options: CheckOptions = {},
): Promise<FileContents> {
  try {
    const read = await loadReader(format);
    return await read(path, columns, options);
  } catch (thrown) {
    throw damageError(thrown, path, format);
  }
}

/** What reading a data file threw, as an ExportError (load): 65 when the file is damaged, 74 when it cannot be read. */
export function damageError(thrown: unknown, path: string, format: Format): ExportError {
  const error = ioError(thrown, { stage: 'load', phase: 'work', operation: 'read', path });
  if (error instanceof ExportError) return error;
  const what = thrown instanceof Damage ? thrown.message : `it is no whole ${format} file`;
  return new ExportError(`${path} is damaged: ${what}`, {
    exitCode: EXIT.data,
    stage: 'load',
    cause: thrown,
  });
}

type Reader = (
  path: string,
  columns: readonly FoundColumn[],
  options: CheckOptions,
) => Promise<FileContents>;

/** Loads what `checkFile` needs for a format, which takes longer than to read a small file: once, ahead of time. */
export async function loadReader(format: Format): Promise<Reader> {
  switch (format) {
    case 'parquet':
      return (await import('./check-parquet.ts')).readParquet;
    case 'arrow':
      return (await import('./check-arrow.ts')).readArrow;
    case 'ndjson':
      return (await import('./check-ndjson.ts')).readNdjson;
  }
}
