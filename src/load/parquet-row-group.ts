import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import type { ColumnType } from '../jobs/columns.ts';
import type { Block, BlockColumn } from './block-columns.ts';
import type { LoadColumn } from './encoder.ts';
import type { PageCodec } from './parquet-codec.ts';
import type { PageEncoder } from './parquet-page.ts';
import { IntegerRange } from './parquet-range.ts';
import type { ParquetColumn } from './parquet-schema.ts';

/** The pages of one row group, by column: a column's pages must lie side by side, so none can leave before the last. */
export class RowGroup {
  rows = 0;
  /** Bytes of all pages so far. */
  bytes = 0;
  readonly #codec: PageCodec;
  readonly #chunks: readonly ColumnChunk[];

  constructor(columns: readonly LoadColumn[], fields: readonly ParquetColumn[], codec: PageCodec) {
    this.#codec = codec;
    this.#chunks = fields.map((field, i) => new ColumnChunk(field, columns[i].type));
  }

  add(block: Block, encoder: PageEncoder): void {
    this.rows += block.rows;
    for (const [i, chunk] of this.#chunks.entries()) {
      this.bytes += chunk.add(block.columns[i], encoder);
    }
  }

  /** Hands every page to `write`, column by column, and describes them for the footer. */
  write(offset: number, write: (page: Uint8Array) => void): ThriftStruct {
    let at = offset;
    let uncompressedBytes = 0;
    const columns = this.#chunks.map((chunk) => {
      const described = chunk.describe(at, this.#codec);
      for (const page of chunk.pages) write(page);
      at += chunk.bytes;
      uncompressedBytes += chunk.uncompressedBytes;
      return described;
    });
    return new thrift.RowGroup({
      columns,
      total_byte_size: uncompressedBytes,
      num_rows: this.rows,
    });
  }
}

class ColumnChunk {
  readonly pages: Uint8Array[] = [];
  bytes = 0;
  uncompressedBytes = 0;
  readonly #field: ParquetColumn;
  readonly #range: IntegerRange | undefined;
  #values = 0;
  #nulls: number | undefined = 0;

  constructor(field: ParquetColumn, type: ColumnType) {
    this.#field = field;
    if (type === 'int64' || type === 'timestamp') this.#range = new IntegerRange();
    if (type === 'strings') this.#nulls = undefined;
  }

  add(values: BlockColumn, encoder: PageEncoder): number {
    const page = encoder.encode(values, this.#field);
    this.pages.push(page.bytes);
    this.bytes += page.bytes.length;
    this.uncompressedBytes += page.uncompressedBytes;
    this.#values += page.values;
    if (this.#nulls !== undefined) this.#nulls += values.nulls;
    if (values.kind === 'fixed') this.#range?.add(values);
    return page.bytes.length;
  }

  describe(offset: number, codec: PageCodec): ThriftStruct {
    const { path, primitiveType = '' } = this.#field.leaf;
    return new thrift.ColumnChunk({
      file_offset: 0,
      meta_data: new thrift.ColumnMetaData({
        type: thrift.Type[primitiveType],
        encodings: [thrift.Encoding.PLAIN, thrift.Encoding.RLE],
        path_in_schema: path,
        codec: thrift.CompressionCodec[codec.name],
        num_values: this.#values,
        total_uncompressed_size: this.uncompressedBytes,
        total_compressed_size: this.bytes,
        data_page_offset: offset,
        ...this.#statistics(),
      }),
    });
  }

  /** Nulls everywhere but in lists, where readers differ on what a null is; bounds where integers order the values. */
  #statistics() {
    if (this.#nulls === undefined) return {};
    const bounds = this.#range?.bounds();
    return {
      statistics: new thrift.Statistics({
        null_count: this.#nulls,
        ...(bounds !== undefined && { min_value: bounds.min, max_value: bounds.max }),
      }),
    };
  }
}
