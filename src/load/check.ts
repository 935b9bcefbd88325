import { open } from 'node:fs/promises';
import { Schema } from 'apache-arrow';
import { JOB_SCHEMA } from '../jobs/arrow-schema.ts';
import { type FileContents, type FoundColumn, JOB_COLUMNS } from '../jobs/columns.ts';
import type { Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { ioError } from '../platform/io-errors.ts';
import {
  type Cut,
  Damage,
  type DataReader,
  follows,
  Growth,
  IdChecksum,
  type ReadOptions,
} from './reader.ts';

/** What is known of a file that is to be checked. */
export interface CheckOptions {
  /** Of Arrow and plain NDJSON that is still written. Absent: the file is whole. */
  readonly growth?: Growth | undefined;
  /** What stands before this place, of rows with these ids, is a copy of a file that was read: it is passed over. */
  readonly behind?: (Cut & { readonly ids: IdChecksum }) | undefined;
}

/**
 * Reads a data file in pieces and tells what is in it. Of Parquet and Arrow the schema and the ids are read, and where
 * the file claims an order the times; of NDJSON every line, whose keys and kinds of values must be those of the columns.
 * A name that ends with `.gz` is decompressed.
 *
 * @param path absolute
 * @param columns for NDJSON: what each line must hold
 * @throws ExportError (load): 65 when the file is damaged, 74 when it cannot be read
 */
export async function checkFile(
  path: string,
  format: Format,
  columns: readonly FoundColumn[] = JOB_COLUMNS,
  { growth, behind }: CheckOptions = {},
): Promise<FileContents> {
  const checksum = behind?.ids.copy() ?? new IdChecksum();
  let reader: OpenReader | undefined;
  try {
    reader = await openReader(path, format, { columns, growth, start: behind });
    const id = reader.columns.find(({ name }) => name === 'id');
    if (id?.type !== 'string') throw new Damage('it has no column id of texts');
    const isKey = new Set(reader.claimsOrder ? ['id', 'created_at'] : ['id']);
    const keys = new Schema(JOB_SCHEMA.fields.filter(({ name }) => isKey.has(name)));
    let [lastTime, lastId] = [-(2n ** 63n), new Uint8Array()];
    for await (const { data, numRows } of reader.batches(behind?.row ?? 0, Infinity, keys)) {
      const [{ values, valueOffsets, nullCount }, times] = data.children;
      if (nullCount > 0) throw new Damage('a row has no id');
      for (let row = 0; row < numRows; row++) {
        const rowId = values.subarray(valueOffsets[row], valueOffsets[row + 1]);
        checksum.add(rowId);
        if (times === undefined) continue;
        if (!follows(times.values[row], rowId, lastTime, lastId)) throw new Damage(UNORDERED);
        [lastTime, lastId] = [times.values[row], rowId];
      }
    }
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns: reader.columns };
  } catch (thrown) {
    throw damageError(thrown, path, format);
  } finally {
    await reader?.close();
  }
}

/** What is wrong with a file whose rows are not in order. */
export const UNORDERED = 'its rows are not in the order of created_at and id';

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

/** A reader, and what closes its file. */
export type OpenReader = DataReader & { close(): Promise<void> };

/** Opens a data file. It throws what its reader throws, for `damageError`. */
export async function openReader(
  path: string,
  format: Format,
  {
    growth,
    ...known
  }: Omit<ReadOptions, 'path' | 'handle' | 'growth'> & Pick<CheckOptions, 'growth'>,
): Promise<OpenReader> {
  const handle = await open(path);
  try {
    const written = growth ?? Growth.of((await handle.stat()).size);
    const reader = await OPEN[format]({ ...known, path, handle, growth: written });
    return { ...reader, close: () => handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A reader a format. What they need takes longer to load than a small file takes to read: on demand. */
const OPEN: Readonly<Record<Format, (file: ReadOptions) => Promise<DataReader>>> = {
  parquet: async (file) => (await import('./read-parquet.ts')).openParquet(file),
  arrow: async (file) => (await import('./read-arrow.ts')).openArrow(file),
  ndjson: async (file) => (await import('./read-ndjson.ts')).openNdjson(file),
};
