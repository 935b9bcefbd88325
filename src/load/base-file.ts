import { type FileHandle, open } from 'node:fs/promises';
import { type Data, type RecordBatch, Schema } from 'apache-arrow';
import type { BaseIndex } from '../jobs/base-index.ts';
import { FINAL_STATUSES } from '../jobs/columns.ts';
import type { FoundColumn } from '../jobs/file-contents.ts';
import type { Format } from '../jobs/pipeline.ts';
import { damageError } from './check.ts';
import { Damage } from './check-file.ts';
import { columnsOf } from './encoder.ts';

/** A place where a data file may be cut: so many rows and bytes come before it. */
export interface Cut {
  readonly row: number;
  readonly byte: number;
}

/** A data file of a snapshot that a run goes on from, or is compared with. Its rows stand by `created_at` and `id`. */
export interface BaseFile {
  readonly format: Format;
  readonly path: string;
  readonly rows: number;
  /**
   * The last place from which on the file of a new snapshot may differ, when its rows differ from `row` on: what comes
   * before it is written the same. It is the start of a line of NDJSON (in gzip, of the file), else of a record batch or
   * row group that holds a row before `row`: where the one before it ends may depend on the row that follows.
   */
  cutBefore(row: number): Promise<Cut>;
  /**
   * The rows `from` up to `to` (exclusive) in order, in record batches such as the encoders take: offset 0, zeros under
   * nulls, 2,500 rows at most, and about 8 MB of text unless it is one row. Each call reads anew from a row group, record
   * batch or known line before `from`.
   *
   * @param columns those to read, in the order of the schema. Default: all.
   */
  batches(from: number, to: number, columns?: readonly string[]): AsyncIterable<RecordBatch>;
  close(): Promise<void>;
}

/** The rows of an open file. It throws what it meets: a `Damage`, or what libraries throw at a damaged file. */
export interface BaseRows {
  /** Undefined where only reading all of them tells. */
  readonly rows: number | undefined;
  cutBefore(row: number): Promise<Cut>;
  batches(from: number, to: number, wanted: Schema): AsyncGenerator<RecordBatch, void>;
}

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
): Promise<BaseFile> {
  const attempt = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (thrown) {
      throw damageError(thrown, path, format);
    }
  };
  const file = await attempt(() => open(path));
  try {
    const inside = await attempt(async () => {
      const opened = await openRows(file, (await file.stat()).size, { path, format, rows }, schema);
      if (opened.rows !== undefined && opened.rows !== rows)
        throw new Damage(`it has ${opened.rows} rows, and its manifest says ${rows}`);
      return opened;
    });
    return {
      format,
      path,
      rows,
      cutBefore: (row) => attempt(() => inside.cutBefore(row)),
      async *batches(from, to, columns) {
        if (from >= Math.min(to, rows)) return;
        const wanted = schema.fields.filter(({ name }) => columns?.includes(name) ?? true);
        const batches = inside.batches(from, Math.min(to, rows), new Schema(wanted));
        try {
          for (;;) {
            const next = await attempt(() => batches.next());
            if (next.done) return;
            yield next.value;
          }
        } finally {
          await batches.return();
        }
      },
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openRows(
  file: FileHandle,
  size: number,
  { path, format, rows }: { path: string; format: Format; rows: number },
  schema: Schema,
): Promise<BaseRows> {
  switch (format) {
    case 'parquet':
      return (await import('./base-parquet.ts')).openParquet(file, size, schema);
    case 'arrow':
      return (await import('./base-arrow.ts')).openArrow(file, size, schema);
    case 'ndjson':
      return (await import('./base-ndjson.ts')).openNdjson(file, size, schema, path, rows);
  }
}

/** @throws Damage when a file has other columns than those of the schema */
export function checkColumns(found: readonly FoundColumn[], schema: Schema, json = 'json'): void {
  const described = ({ name, type, required }: FoundColumn): string =>
    `${name} ${type === 'json' ? json : type} ${required}`;
  const expected = columnsOf(schema).map(described);
  const differs = expected.findIndex(
    (column, i) => found[i] === undefined || described(found[i]) !== column,
  );
  if (differs >= 0 || found.length !== expected.length)
    throw new Damage(
      `it has other columns: column ${(differs < 0 ? expected.length : differs) + 1} is not as expected`,
    );
}

/** The start of the last block that begins before the row, or of the first. */
export function cutAmong(blocks: readonly Cut[], row: number): Cut {
  const { row: first, byte } = blocks.findLast((block) => block.row < row) ??
    blocks[0] ?? { row: 0, byte: 0 };
  return { row: first, byte };
}

/** Room for the ids of a row at first: a UUID. */
const ID_BYTES = 36;

/**
 * Reads the keys of all rows.
 *
 * @throws ExportError (load): 65 when the file is damaged or its rows do not ascend by `created_at` and `id`
 */
export async function readBaseIndex(file: BaseFile): Promise<BaseIndex> {
  const { rows } = file;
  const created = new BigInt64Array(new SharedArrayBuffer(rows * 8));
  const isFinal = new Uint8Array(new SharedArrayBuffer(rows));
  const idOffsets = new Uint32Array(new SharedArrayBuffer((rows + 1) * 4));
  let ids = new Uint8Array(new SharedArrayBuffer(rows * ID_BYTES));
  let at = 0;
  let lastId = new Uint8Array();
  for await (const batch of file.batches(0, rows, ['id', 'status', 'created_at'])) {
    const [id, status, time] = ['id', 'status', 'created_at'].map((name) => columnOf(batch, name));
    const bytes = idOffsets[at] + id.valueOffsets[batch.numRows];
    if (bytes > ids.length) ids = longer(ids, Math.max(bytes, ids.length * 2));
    ids.set(id.values.subarray(0, id.valueOffsets[batch.numRows]), idOffsets[at]);
    created.set(time.values, at);
    for (let row = 0; row < batch.numRows; row++, at++) {
      const text = textAt(id, row);
      const isAscending =
        at === 0 ||
        created[at] > created[at - 1] ||
        (created[at] === created[at - 1] && Buffer.compare(text, lastId) > 0);
      if (!isAscending) throw damageError(UNORDERED, file.path, file.format);
      lastId = text;
      isFinal[at] = FINAL_STATUSES.has(Buffer.from(textAt(status, row)).toString()) ? 1 : 0;
      idOffsets[at + 1] = idOffsets[at] + text.length;
    }
  }
  return { rows, created, isFinal, ids: ids.subarray(0, idOffsets[rows]), idOffsets };
}

const UNORDERED = new Damage('its rows are not in the order of created_at and id');

function longer(ids: Uint8Array, length: number): Uint8Array<SharedArrayBuffer> {
  const grown = new Uint8Array(new SharedArrayBuffer(length));
  grown.set(ids);
  return grown;
}

function columnOf({ schema, data }: RecordBatch, name: string): Data {
  return data.children[schema.fields.findIndex((field) => field.name === name)];
}

function textAt({ values, valueOffsets }: Data, row: number): Uint8Array<ArrayBuffer> {
  return values.subarray(valueOffsets[row], valueOffsets[row + 1]);
}
