import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import util from 'parquetjs-lite/lib/util.js';
import parquetjs from 'parquetjs-lite/lib/writer.js';
import type { Compression } from '../jobs/pipeline.ts';
import { blockColumn } from './block-columns.ts';
import type { FileEncoder, LoadColumn, Sink } from './encoder.ts';
import { PAGE_CODECS } from './parquet-codec.ts';
import { PageEncoder } from './parquet-page.ts';
import { RowGroup } from './parquet-row-group.ts';
import { parquetSchema, schemaElements } from './parquet-schema.ts';

/** Rows of a full row group. */
const ROW_GROUP_ROWS = 50_000;

/** A row group ends early at this many encoded bytes: what the loader holds stays bounded, however long the rows. */
export const ROW_GROUP_BYTES = 32 * 1024 * 1024;

/**
 * Encodes blocks as a Parquet file, one data page a column and block.
 *
 * The library's envelope frames the file and its thrift classes describe it. Row groups and footer are put together
 * here: the library's own joins a row group by copying it once per column, reports compressed sizes as uncompressed
 * ones and writes no logical types.
 */
export function parquetFile(
  columns: readonly LoadColumn[],
  compression: Compression,
  out: Sink,
): FileEncoder {
  const { schema, columns: fields } = parquetSchema(columns);
  const codec = PAGE_CODECS[compression];
  const pages = new PageEncoder(codec);
  const envelope = new parquetjs.ParquetEnvelopeWriter(schema, out, () => {}, 0, {
    pageIndex: false,
    useDataPageV2: false,
  });
  envelope.writeHeader();
  const held = columns.map(blockColumn);
  let group = new RowGroup(columns, fields, codec);

  function closeRowGroup(): void {
    if (group.rows === 0) return;
    envelope.rowCount += group.rows;
    envelope.rowGroups.push(group.write(envelope.offset, (page) => envelope.writeSection(page)));
    group = new RowGroup(columns, fields, codec);
  }

  function writeFooter(): void {
    const metadata = util.serializeThrift(
      new thrift.FileMetaData({
        version: 1,
        schema: schemaElements(fields),
        num_rows: envelope.rowCount,
        row_groups: envelope.rowGroups,
        created_by: 'pasqal-jobs-export',
        column_orders: fields.map(
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
    async encode(batch) {
      const block = { rows: batch.numRows, columns: held };
      for (const [i, column] of held.entries()) {
        column.clear();
        column.append(batch.data.children[i], 0, batch.numRows);
      }
      if (group.rows + block.rows > ROW_GROUP_ROWS) closeRowGroup();
      group.add(block, pages);
      if (group.rows === ROW_GROUP_ROWS || group.bytes >= ROW_GROUP_BYTES) closeRowGroup();
    },
    async finish() {
      closeRowGroup();
      writeFooter();
    },
  };
}
