import type { Data, RecordBatch, Schema } from 'apache-arrow';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import util from 'parquetjs-lite/lib/util.js';
import type { Compression } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { TOOL } from '../platform/tool.ts';
import { columnsOf, refuseNulls, type Start } from './encoder.ts';
import { openCodec } from './parquet-codec.ts';
import { ColumnWriter } from './parquet-column.ts';
import { readFooter } from './parquet-footer.ts';
import { parquetColumn } from './parquet-schema.ts';
import { withFile } from './reader.ts';

/** A row group ends with the block that brings it to this many rows: DuckDB's own have as many, in whole blocks. */
export const ROW_GROUP_ROWS = 122_500;

/** It ends earlier when its values take this many bytes, which is what a reader may have to hold. */
export const ROW_GROUP_BYTES = 128 * 1024 * 1024;

/** And when its pages take this many, compressed: a column's lie side by side, so that all wait here for the last. */
export const HELD_BYTES = 32 * 1024 * 1024;

/** At the start of the file, and at its end. */
const MAGIC = Buffer.from('PAR1');

/** In the form that readers parse: parquet-mr trusts no statistics of a writer whose version it cannot tell. */
const CREATED_BY = `${TOOL.name} version ${TOOL.version} (build parquetjs-lite)`;

/**
 * Encodes record batches of one schema as a Parquet file. Row groups are cut where a batch ends, by the rows since the
 * last cut alone, and none depends on what comes before it.
 *
 * The library's thrift classes describe the file; pages, row groups and footer are put together here: the library's own
 * have no dictionaries, no logical types, wrong sizes and wrong statistics.
 *
 * @param start where it goes on, when there is the start of it
 * @throws ExportError (65, load) for a column of a type no file can carry
 */
export async function parquetFile(arrow: Schema, compression: Compression, start?: Start) {
  const described = columnsOf(arrow);
  const columns = described.map(parquetColumn);
  const codec = await openCodec(compression);
  const scratch = new ByteWriter();
  const writers = columns.map((column) => new ColumnWriter(column, codec, scratch));
  const [time, id] = (['created_at timestamp', 'id string'] as const).map((wanted) =>
    described.findIndex(({ name, type, required }) => required && `${name} ${type}` === wanted),
  );
  const rowGroups = start === undefined ? [] : await rowGroupsBefore(start);
  let fileRows = start?.row ?? 0;
  let offset = start?.byte ?? MAGIC.length;
  /** What is next in the file. */
  const ready: Uint8Array[] = start === undefined ? [MAGIC] : [];
  let order = new RowOrder();
  let rows = 0;

  function closeRowGroup(): void {
    if (rows === 0) return;
    let uncompressedBytes = 0;
    const descriptions = writers.map((writer) => {
      const chunk = writer.finish(offset);
      ready.push(...chunk.pages);
      offset += chunk.bytes;
      uncompressedBytes += chunk.uncompressedBytes;
      return chunk.description;
    });
    fileRows += rows;
    rowGroups.push(
      new thrift.RowGroup({
        columns: descriptions,
        total_byte_size: uncompressedBytes,
        num_rows: rows,
        ...(time >= 0 &&
          id >= 0 &&
          order.isAscending && { sorting_columns: [time, id].map(sortingColumn) }),
      }),
    );
    rows = 0;
    order = new RowOrder();
  }

  function footer(): Uint8Array[] {
    const metadata = util.serializeThrift(
      new thrift.FileMetaData({
        version: 1,
        schema: [
          new thrift.SchemaElement({ name: 'root', num_children: columns.length }),
          ...columns.flatMap(({ elements }) => elements),
        ],
        num_rows: fileRows,
        row_groups: rowGroups,
        created_by: CREATED_BY,
        column_orders: columns.map(
          () => new thrift.ColumnOrder({ TYPE_ORDER: new thrift.TypeDefinedOrder() }),
        ),
      }),
    );
    const length = Buffer.alloc(4);
    length.writeUInt32LE(metadata.length);
    return [metadata, length, MAGIC];
  }

  return {
    /** @throws ExportError: 70 for a batch of another schema or out of a larger one, 65 for a null that may not be */
    encode(batch: RecordBatch): Uint8Array[] {
      checkBatch(batch, arrow);
      refuseNulls(batch, described);
      let plainBytes = 0;
      let heldBytes = 0;
      for (const [i, writer] of writers.entries()) {
        writer.add(batch.data.children[i]);
        plainBytes += writer.plainBytes;
        heldBytes += writer.pageBytes;
      }
      if (time >= 0 && id >= 0) order.add(batch.data.children[time], batch.data.children[id]);
      rows += batch.numRows;
      const isLong = plainBytes >= ROW_GROUP_BYTES || heldBytes >= HELD_BYTES;
      if (rows >= ROW_GROUP_ROWS || isLong) closeRowGroup();
      return ready.splice(0);
    },
    finish(): Uint8Array[] {
      closeRowGroup();
      return [...ready.splice(0), ...footer()];
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
export async function isCompressed(path: string, compression: Compression): Promise<boolean> {
  const { name } = await openCodec(compression);
  const { rowGroups } = await withFile(path, readFooter);
  return rowGroups.every(({ chunks }) => [...chunks.values()].every(({ codec }) => codec === name));
}

/** Whether the rows of a row group stand by `created_at`, then by the bytes of `id`: only what is true is claimed. */
class RowOrder {
  isAscending = true;
  #lastTime: bigint | undefined;
  #lastId = new Uint8Array(0);

  add({ values: times, length }: Data, { values: ids, valueOffsets }: Data): void {
    const idOf = (row: number): Uint8Array =>
      row < 0 ? this.#lastId : ids.subarray(valueOffsets[row], valueOffsets[row + 1]);
    for (let row = 0; row < length && this.isAscending; row++) {
      const time: bigint = times[row];
      this.isAscending =
        this.#lastTime === undefined ||
        time > this.#lastTime ||
        (time === this.#lastTime && Buffer.compare(idOf(row - 1), idOf(row)) < 0);
      this.#lastTime = time;
    }
    this.#lastId = idOf(length - 1).slice();
  }
}

function sortingColumn(index: number): ThriftStruct {
  return new thrift.SortingColumn({ column_idx: index, descending: false, nulls_first: false });
}

/** A writer takes any bytes for any type: what does not fit has to be found before. */
function checkBatch(batch: RecordBatch, { fields }: Schema): void {
  const { children } = batch.data;
  const fits =
    children.length === fields.length &&
    fields.every(({ type, name }, i) => {
      const found = batch.schema.fields[i];
      const { offset, length } = children[i];
      const isSame = found.name === name && `${found.type}` === `${type}`;
      return isSame && offset === 0 && length === batch.numRows;
    });
  if (!fits) {
    throw new ExportError('a record batch has other columns than the file it is written to', {
      exitCode: EXIT.bug,
      stage: 'load',
    });
  }
}
