import { Schema } from 'apache-arrow';
import { FINAL_STATUSES, type FoundColumn } from '../jobs/columns.ts';
import { type BaseIndex, IdList } from '../jobs/id-index.ts';
import type { Format } from '../jobs/pipeline.ts';
import { damageError, openReader, UNORDERED } from './check.ts';
import { columnsOf, describeColumn } from './encoder.ts';
import { type Cut, Damage, follows } from './reader.ts';
import { Keys } from './runs.ts';

/** A data file of a snapshot that a run goes on from, or is compared with. Its rows stand by `created_at` and `id`. */
export type BaseFile = Awaited<ReturnType<typeof openBaseFile>>;

/**
 * Opens a data file that this program wrote. Nothing else is read: that its bytes are those of its manifest is for the
 * caller to know.
 *
 * @param rows as the manifest says
 * @param schema of the file
 * @throws ExportError (load), here and from `batches`: 65 when the file has other columns or rows or is damaged, 74 when
 * it cannot be read
 */
export async function openBaseFile(
  { path, format, rows }: { path: string; format: Format; rows: number },
  schema: Schema,
) {
  const columns: readonly FoundColumn[] = columnsOf(schema);
  const explained = (thrown: unknown): never => {
    throw damageError(thrown, path, format);
  };
  const reader = await openReader(path, format, { columns, isTrusted: true }).catch(explained);
  const describe = format === 'parquet' ? describeColumn : (it: FoundColumn) => JSON.stringify(it);
  const [found, expected] = [reader.columns, columns].map((list) => list.map(describe));
  const longest = found.length > expected.length ? found : expected;
  const differs = longest.findIndex((_, i) => found[i] !== expected[i]) + 1;
  if (differs > 0) {
    await reader.close();
    explained(new Damage(`it has other columns: column ${differs} is not as expected`));
  }

  /**
   * The rows `from` up to `to` (exclusive) as `DataReader` hands them out. Each call reads anew from a row group, record
   * batch or known line before `from`.
   *
   * @param names of the columns to read. Default: all.
   */
  async function* batches(from: number, to: number, names?: readonly string[]) {
    const end = Math.min(to, rows);
    if (from >= end) return;
    const wanted = schema.fields.filter(({ name }) => names?.includes(name) ?? true);
    // To the end of the file, not only to the last row that there should be.
    const last = end === rows ? Number.POSITIVE_INFINITY : end;
    let row = from;
    try {
      for await (const batch of reader.batches(from, last, new Schema(wanted))) {
        row += batch.numRows;
        if (row > end) throw new Damage(`it has more rows than the ${rows} of its manifest`);
        yield batch;
      }
      if (row < end) throw new Damage(`it has ${row} rows, and its manifest says ${rows}`);
    } catch (thrown) {
      explained(thrown);
    }
  }

  const cutBefore = (row: number): Promise<Cut> => reader.cutBefore(row).catch(explained);
  return { format, path, rows, cutBefore, batches, close: reader.close };
}

/**
 * Reads the keys of all rows.
 *
 * @throws ExportError (load): 65 when the file is damaged or its rows do not ascend by `created_at` and `id`
 */
export async function readBaseIndex(file: BaseFile): Promise<BaseIndex> {
  const { rows } = file;
  const created = new BigInt64Array(new SharedArrayBuffer(rows * 8));
  const isFinal = new Uint8Array(new SharedArrayBuffer(rows));
  const ids = new IdList();
  let at = 0;
  let lastId: Uint8Array = new Uint8Array();
  for await (const batch of file.batches(0, rows, ['id', 'status', 'created_at'])) {
    const keys = new Keys(batch);
    const status = batch.getChild('status');
    for (let row = 0; row < keys.length; row++, at++) {
      const [time, id] = [keys.created(row), keys.id(row)];
      if (at > 0 && !follows(time, id, created[at - 1], lastId))
        throw damageError(new Damage(UNORDERED), file.path, file.format);
      ids.push(id);
      created[at] = time;
      isFinal[at] = FINAL_STATUSES.has(status?.get(row)) ? 1 : 0;
      lastId = id;
    }
  }
  return { rows, created, isFinal, ids: ids.memory };
}
