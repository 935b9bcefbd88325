import { gunzipSync } from 'node:zlib';
import {
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import type { ColumnType } from '../jobs/columns.ts';
import type { FileContents, FoundColumn } from '../jobs/file-contents.ts';
import { bytesAt, checkEnd, checkStart, Damage, IdChecksum, withFile } from './check-file.ts';

const MAGIC = 'PAR1';

/** An id is hashed as it is: there is no need to make text of it. */
const ID_AS_BYTES = { stringFromBytes: (bytes: Uint8Array) => bytes };

/** Reads the footer, and the ids row group by row group. */
export function readParquet(path: string): Promise<FileContents> {
  return withFile(path, async (file, size) => {
    checkEnd(file, size, MAGIC);
    checkStart(file, MAGIC);
    const source = {
      byteLength: size,
      slice: async (start: number, end = size) => bytesAt(file, start, end).buffer,
    };
    const metadata = await parquetMetadataAsync(source, { geoparquet: false });
    checkLayout(metadata, size);
    const columns = parquetSchema(metadata).children.map(foundColumn);
    if (!columns.some(({ name }) => name === 'id')) throw new Damage('it has no column id');
    const scan = await parquetScan({
      file: source,
      metadata,
      columns: ['id'],
      useOffsetIndex: false,
      parsers: ID_AS_BYTES,
      compressors: { GZIP: (page) => gunzipSync(page) },
    });
    const checksum = new IdChecksum();
    for (const { rowStart, rowEnd } of scan.ranges) {
      const ids: ArrayLike<unknown> = await scan.readColumn({ column: 'id', rowStart, rowEnd });
      if (ids.length !== rowEnd - rowStart) throw new Damage('a row group lacks ids');
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i];
        if (!(id instanceof Uint8Array)) throw new Damage('an id is no text');
        checksum.add(id);
      }
    }
    if (BigInt(checksum.rows) !== metadata.num_rows) {
      throw new Damage('the row groups have other rows than the footer says');
    }
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns };
  });
}

/** Every column chunk lies between the magic strings, before the footer. */
function checkLayout({ row_groups, metadata_length }: FileMetaData, size: number): void {
  const footer = BigInt(size - MAGIC.length - 4 - metadata_length);
  for (const { columns } of row_groups) {
    for (const { meta_data } of columns) {
      const start = meta_data?.data_page_offset ?? -1n;
      const end = start + (meta_data?.total_compressed_size ?? 0n);
      if (start < BigInt(MAGIC.length) || end < start || end > footer) {
        throw new Damage('a column lies outside the file');
      }
    }
  }
}

function foundColumn(tree: SchemaTree): FoundColumn {
  const { name, repetition_type } = tree.element;
  return { name, type: columnType(tree), required: repetition_type === 'REQUIRED' };
}

function columnType({ element, children }: SchemaTree): ColumnType | string {
  const { type, converted_type, logical_type } = element;
  if (converted_type === 'LIST') {
    const item = children[0]?.children[0]?.element;
    return item?.converted_type === 'UTF8' ? 'strings' : 'LIST';
  }
  if (type === 'BYTE_ARRAY' && converted_type === 'UTF8') return 'string';
  if (type === 'BYTE_ARRAY' && converted_type === 'JSON') return 'json';
  if (logical_type?.type === 'TIMESTAMP') {
    const { isAdjustedToUTC, unit } = logical_type;
    return isAdjustedToUTC && unit === 'MICROS' ? 'timestamp' : 'TIMESTAMP';
  }
  if (type === 'INT64' && converted_type === undefined) return 'int64';
  if (type === 'DOUBLE') return 'float64';
  return type === 'BOOLEAN' ? 'bool' : String(converted_type ?? type);
}
