import { JOB_COLUMNS } from '../jobs/columns.ts';
import type { Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { ioError } from '../platform/io-errors.ts';
import { Damage } from './read-back-damage.ts';

/** A column as a file describes it. */
export interface FoundColumn {
  readonly name: string;
  /** A `ColumnType`, or the file's own word for a type this project never writes. */
  readonly type: string;
  readonly required: boolean;
}

/** What a reader that shares no code with the writer finds in a data file. */
export interface ReadBack {
  readonly rows: number;
  /** sha256, as hex, of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  /**
   * In file order. An NDJSON file describes no columns: there they are the ones asked for, which every line was found
   * to have.
   */
  readonly columns: readonly FoundColumn[];
}

/**
 * Reads a data file in pieces and tells what is in it. Of Parquet and Arrow the schema and the ids are read; of NDJSON
 * every line, whose keys and kinds of values must be those of the columns. A name that ends with `.gz` is decompressed.
 *
 * @param path absolute
 * @param columns for NDJSON: what each line must hold
 * @param sizes for Arrow and plain NDJSON: how many bytes are written so far, until the file is whole. Absent: it is whole.
 * @throws ExportError (publish): 65 when the file is damaged, 74 when it cannot be read
 */
export async function readBack(
  path: string,
  format: Format,
  columns: readonly FoundColumn[] = JOB_COLUMNS,
  sizes?: AsyncIterable<number>,
): Promise<ReadBack> {
  try {
    const read = await loadReader(format);
    return await read(path, columns, sizes);
  } catch (thrown) {
    const error = ioError(thrown, { stage: 'publish', phase: 'work', operation: 'read', path });
    if (error instanceof ExportError) throw error;
    const what = thrown instanceof Damage ? thrown.message : `it is no whole ${format} file`;
    throw new ExportError(`${path} is damaged: ${what}`, {
      exitCode: EXIT.data,
      stage: 'publish',
      cause: thrown,
    });
  }
}

type Reader = (
  path: string,
  columns: readonly FoundColumn[],
  sizes?: AsyncIterable<number>,
) => Promise<ReadBack>;

/** Loads what `readBack` needs for a format, which takes longer than to read a small file: once, ahead of time. */
export async function loadReader(format: Format): Promise<Reader> {
  switch (format) {
    case 'parquet':
      return (await import('./read-back-parquet.ts')).readParquet;
    case 'arrow':
      return (await import('./read-back-arrow.ts')).readArrow;
    case 'ndjson':
      return (await import('./read-back-ndjson.ts')).readNdjson;
  }
}
