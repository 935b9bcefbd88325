import { isDeepStrictEqual } from 'node:util';
import type { RecordBatch, Schema } from 'apache-arrow';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import util from 'parquetjs-lite/lib/util.js';
import parquetjs from 'parquetjs-lite/lib/writer.js';
import type { Compression } from '../jobs/pipeline.ts';
import { compareKeys } from '../json/raw-job.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { TOOL } from '../platform/tool.ts';
import { columnsOf, type LoadColumn, refuseNulls, type Start } from './encoder.ts';
import { openCodec } from './parquet-codec.ts';
import { ColumnWriter } from './parquet-column.ts';
import { readFooter } from './parquet-footer.ts';
import { parquetSchema, schemaElement } from './parquet-schema.ts';
import { withFile } from './reader.ts';
import { type Key, Keys } from './runs.ts';

/** A row group ends with the block that brings it to this many rows: DuckDB's own have as many, in whole blocks. */
export const ROW_GROUP_ROWS = 122_500;

/** It ends earlier when its values take this many bytes, which is what a reader may have to hold. */
export const ROW_GROUP_BYTES = 128 * 1024 * 1024;

/** And when its pages take this many, compressed: a column's lie side by side, so that all wait here for the last. */
export const HELD_BYTES = 32 * 1024 * 1024;

/** In the form that readers parse: parquet-mr trusts no statistics of a writer whose version it cannot tell. */
const CREATED_BY = `${TOOL.name} version ${TOOL.version} (build parquetjs-lite)`;

/**
 * Encodes record batches of one schema as a Parquet file. Row groups are cut where a batch ends, by the rows since the
 * last cut alone, and none depends on what comes before it.
 *
 * The library's envelope frames the file and its thrift classes describe it; pages, row groups and footer are put
 * together here: the library's own have no dictionaries, no logical types, wrong sizes and wrong statistics.
 *
 * @param start where it goes on, when there is the start of it
 * @throws ExportError (65, load) for a column of a type no file can carry
 */
export async function openParquetFile(
  schema: Schema,
  compression: Compression = 'zstd',
  start?: Start,
) {
  const described = columnsOf(schema);
  const { schema: fields, columns } = parquetSchema(described);
  const codec = await openCodec(compression);
  const scratch = new ByteWriter();
  const writers = columns.map((column) => new ColumnWriter(column, codec, scratch));
  const [time, id] = (['created_at timestamp', 'id string'] as const).map((wanted) =>
    described.findIndex(({ name, type, required }) => required && `${name} ${type}` === wanted),
  );
  /** What is next in the file. */
  const ready: Uint8Array[] = [];
  const write = (bytes: Uint8Array): void => void ready.push(bytes);
  const envelope = new parquetjs.ParquetEnvelopeWriter(fields, write, () => {}, start?.byte ?? 0, {
    pageIndex: false,
    useDataPageV2: false,
  });
  if (start === undefined) envelope.writeHeader();
  else {
    envelope.rowCount = start.row;
    envelope.rowGroups.push(...(await rowGroupsBefore(start)));
  }
  let rows = 0;
  let isSorted = time >= 0 && id >= 0;
  let last: Key | undefined;

  function closeRowGroup(): void {
    if (rows === 0) return;
    let uncompressedBytes = 0;
    const descriptions = writers.map((writer) => {
      const chunk = writer.finish(envelope.offset);
      for (const page of chunk.pages) envelope.writeSection(page);
      uncompressedBytes += chunk.uncompressedBytes;
      return chunk.description;
    });
    envelope.rowCount += rows;
    envelope.rowGroups.push(
      new thrift.RowGroup({
        columns: descriptions,
        total_byte_size: uncompressedBytes,
        num_rows: rows,
        ...(isSorted && { sorting_columns: [time, id].map(sortingColumn) }),
      }),
    );
    rows = 0;
    isSorted = time >= 0 && id >= 0;
    last = undefined;
  }

  function writeFooter(): void {
    const metadata = util.serializeThrift(
      new thrift.FileMetaData({
        version: 1,
        schema: [
          new thrift.SchemaElement({ name: 'root', num_children: columns.length }),
          ...fields.fieldList.map(schemaElement),
        ],
        num_rows: envelope.rowCount,
        row_groups: envelope.rowGroups,
        created_by: CREATED_BY,
        column_orders: columns.map(
          () => new thrift.ColumnOrder({ TYPE_ORDER: new thrift.TypeDefinedOrder() }),
        ),
      }),
    );
    const ending = Buffer.alloc(8, 'PAR1');
    ending.writeUInt32LE(metadata.length, 0);
    envelope.writeSection(metadata);
    envelope.writeSection(ending);
  }

  return {
    /** @throws ExportError: 70 for a batch of another schema or out of a larger one, 65 for a null that may not be */
    encode(batch: RecordBatch): Uint8Array[] {
      checkBatch(batch, described);
      refuseNulls(batch, described);
      let plainBytes = 0;
      let heldBytes = 0;
      for (const [i, writer] of writers.entries()) {
        writer.add(batch.data.children[i]);
        plainBytes += writer.plainBytes;
        heldBytes += writer.pageBytes;
      }
      if (isSorted) {
        const keys = new Keys(batch);
        isSorted = ascend(keys, last);
        last = keys.copyAt(keys.length - 1);
      }
      rows += batch.numRows;
      const isLong = plainBytes >= ROW_GROUP_BYTES || heldBytes >= HELD_BYTES;
      if (rows >= ROW_GROUP_ROWS || isLong) closeRowGroup();
      return ready.splice(0);
    },
    finish(): Uint8Array[] {
      closeRowGroup();
      writeFooter();
      return ready.splice(0);
    },
  };
}

/** How another file's footer describes the row groups before a place. */
async function rowGroupsBefore({ path, row }: Start): Promise<ThriftStruct[]> {
  const { rowGroups } = await withFile(path, readFooter);
  return rowGroups
    .filter((group) => group.row < row)
    .map(({ described }) => ({ write: ({ trans }) => trans.write(Buffer.from(described)) }));
}

/** Whether the pages of a file are compressed like this. */
export async function isCompressed(
  path: string,
  compression: Compression = 'zstd',
): Promise<boolean> {
  const { name } = await openCodec(compression);
  const { rowGroups } = await withFile(path, readFooter);
  return rowGroups.every(({ chunks }) => [...chunks.values()].every(({ codec }) => codec === name));
}

/** Whether rows stand by `created_at`, then by the bytes of `id`, and behind a key: only what is true is claimed. */
function ascend(keys: Keys, last: Key | undefined): boolean {
  if (last !== undefined && compareKeys(last, keys.at(0)) >= 0) return false;
  for (let row = 1; row < keys.length; row++) {
    const isLater = keys.created(row) > keys.created(row - 1);
    if (!isLater && compareKeys(keys.at(row - 1), keys.at(row)) >= 0) return false;
  }
  return true;
}

function sortingColumn(index: number): ThriftStruct {
  return new thrift.SortingColumn({ column_idx: index, descending: false, nulls_first: false });
}

/** A writer takes any bytes for any type: what does not fit has to be found before. */
function checkBatch({ schema, data, numRows }: RecordBatch, columns: readonly LoadColumn[]): void {
  const isWhole = data.children.every(({ offset, length }) => offset === 0 && length === numRows);
  if (isWhole && isDeepStrictEqual(columnsOf(schema), columns)) return;
  throw new ExportError('a record batch has other columns than the file it is written to', {
    exitCode: EXIT.bug,
    stage: 'load',
  });
}
