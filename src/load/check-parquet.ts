import type { FileHandle } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { decompress } from 'fzstd';
import {
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetScan,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import type { ColumnType } from '../jobs/columns.ts';
import type { FileContents, FoundColumn } from '../jobs/file-contents.ts';
import {
  bytesAt,
  type CheckOptions,
  checkEnd,
  checkStart,
  Damage,
  IdChecksum,
  withFile,
} from './check-file.ts';

const MAGIC = 'PAR1';

/** Behind the footer: its length, and the magic string. */
const ENDING_BYTES = 8;

/** A footer of 16,000 row groups. More than this, or a larger page of ids or times, is damage. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Rows read at once: about a page of ids, so that no row group is ever in memory as values. */
const SLICE_ROWS = 25_000;

/** An id is hashed as it is: there is no need to make text of it. A time stays exact. */
const PARSERS = {
  stringFromBytes: (bytes: Uint8Array) => bytes,
  timestampFromMicroseconds: (micros: bigint) => micros,
};

const COMPRESSORS: Compressors = {
  GZIP: (page, length) => gunzipSync(page, { maxOutputLength: Math.max(1, bounded(length)) }),
  ZSTD: (page, length) => decompress(page, new Uint8Array(bounded(length))),
};

/** Reads the footer, and row group by row group the ids, whose order must be the one that the footer claims. */
export function readParquet(
  path: string,
  _columns: readonly FoundColumn[],
  { behind }: CheckOptions = {},
): Promise<FileContents> {
  return withFile(path, async (file, size) => {
    const metadata = readFooter(file, size);
    const source = {
      byteLength: size,
      slice: async (start: number, end = size) => bytesAt(file, start, end).buffer,
    };
    const columns = foundColumns(metadata);
    if (!columns.some(({ name }) => name === 'id')) throw new Damage('it has no column id');
    const isSorted = claimsOrder(metadata);
    const scan = await parquetScan({
      file: source,
      metadata,
      columns: isSorted ? ['id', 'created_at'] : ['id'],
      useOffsetIndex: false,
      parsers: PARSERS,
      compressors: COMPRESSORS,
    });
    const checksum = behind?.ids.copy() ?? new IdChecksum();
    for (const { rowStart, rowEnd } of scan.ranges) {
      if (behind && rowStart < behind.row) continue;
      let lastId: Uint8Array = new Uint8Array(0);
      let lastTime: unknown;
      for (let start = rowStart; start < rowEnd; start += SLICE_ROWS) {
        const end = Math.min(rowEnd, start + SLICE_ROWS);
        const read = async (column: string): Promise<ArrayLike<unknown>> => {
          const values = await scan.readColumn({ column, rowStart: start, rowEnd: end });
          if (values.length === end - start) return values;
          throw new Damage(`a row group lacks values of ${column}`);
        };
        const ids = await read('id');
        const times = isSorted ? await read('created_at') : undefined;
        for (let i = 0; i < ids.length; i++) {
          const id = ids[i];
          if (!(id instanceof Uint8Array)) throw new Damage('an id is no text');
          checksum.add(id);
          if (times === undefined) continue;
          if (!follows(times[i], lastTime, id, lastId))
            throw new Damage('its rows are not in the order of created_at and id');
          lastTime = times[i];
          lastId = id;
        }
      }
    }
    if (BigInt(checksum.rows) !== metadata.num_rows) {
      throw new Damage('the row groups have other rows than the footer says');
    }
    return { rows: checksum.rows, idChecksum: checksum.hex(), columns };
  });
}

/** Reads the footer, of which no list is longer than itself and no column chunk lies outside the file. */
export function readFooter(file: FileHandle, size: number): FileMetaData {
  return readRowGroups(file, size).metadata;
}

/** Field `row_groups` of `FileMetaData` in parquet.thrift. */
const ROW_GROUPS = 4;

/** The footer, and each row group as it stands in there: what goes on behind a copy of them says the same of them. */
export function readRowGroups(
  file: FileHandle,
  size: number,
): { metadata: FileMetaData; rowGroups: readonly Uint8Array[] } {
  checkEnd(file, size, MAGIC);
  checkStart(file, MAGIC);
  const ending = bytesAt(file, Math.max(0, size - ENDING_BYTES), size);
  const footerBytes = bounded(new DataView(ending.buffer).getUint32(0, true));
  const footer = bytesAt(file, Math.max(0, size - ENDING_BYTES - footerBytes), size);
  const rowGroups: Uint8Array[] = [];
  const view = new DataView(footer.buffer, 0, Math.max(0, footer.length - ENDING_BYTES));
  checkStruct(view, 0, (field, start, end) => {
    if (field === ROW_GROUPS) rowGroups.push(footer.subarray(start, end));
  });
  const metadata = parquetMetadata(footer.buffer, { geoparquet: false, parsers: PARSERS });
  checkLayout(metadata, size);
  return { metadata, rowGroups };
}

/** The columns as the footer describes them. */
export function foundColumns(metadata: FileMetaData): FoundColumn[] {
  return parquetSchema(metadata).children.map(foundColumn);
}

function bounded(bytes: number): number {
  if (bytes >= 0 && bytes <= MOST_BYTES) return bytes;
  throw new Damage('it has a footer or a page of an impossible size');
}

/** Whether a row comes behind the last one, if there is one. */
function follows(time: unknown, lastTime: unknown, id: Uint8Array, lastId: Uint8Array): boolean {
  if (typeof time !== 'bigint') return false;
  if (typeof lastTime !== 'bigint' || time > lastTime) return true;
  return time === lastTime && Buffer.compare(id, lastId) > 0;
}

/** Whether every row group says that it is sorted by `created_at` and `id`, both ascending. */
function claimsOrder({ row_groups }: FileMetaData): boolean {
  if (row_groups.length === 0) return false;
  return row_groups.every(({ columns, sorting_columns = [] }) => {
    const [first, second] = sorting_columns.map(({ column_idx, descending }) =>
      descending ? undefined : columns[column_idx]?.meta_data?.path_in_schema.join('.'),
    );
    return first === 'created_at' && second === 'id';
  });
}

/** Every column chunk lies between the magic strings, before the footer. */
function checkLayout({ row_groups, metadata_length }: FileMetaData, size: number): void {
  const footer = BigInt(size - ENDING_BYTES - metadata_length);
  for (const { columns } of row_groups) {
    for (const { meta_data } of columns) {
      const start = meta_data?.dictionary_page_offset ?? meta_data?.data_page_offset ?? -1n;
      const end = start + (meta_data?.total_compressed_size ?? 0n);
      if (start < BigInt(MAGIC.length) || end < start || end > footer) {
        throw new Damage('a column lies outside the file');
      }
    }
  }
}

/** What a value of Thrift's compact protocol is, as its field header or its list says. */
const THRIFT = { stop: 0, false: 2, byte: 3, double: 7, binary: 8, list: 9, struct: 12 };

/**
 * Walks over a struct of Thrift's compact protocol: hyparquet makes an array of whatever length a list says it has.
 *
 * @param onItem is shown what its lists hold: number of the field, first byte, and the one behind the last
 * @returns the position behind it
 */
function checkStruct(
  view: DataView,
  start = 0,
  onItem?: (field: number, start: number, end: number) => void,
): number {
  let at = start;
  let field = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = view.getUint8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const skip = (type: number): void => {
    if (type === THRIFT.struct) at = checkStruct(view, at);
    else if (type === THRIFT.binary) {
      const length = varint();
      at += length;
    } else if (type === THRIFT.double) at += 8;
    else if (type === THRIFT.byte) at++;
    else if (type === THRIFT.list) {
      const header = view.getUint8(at++);
      const length = header >> 4 === 15 ? varint() : header >> 4;
      if (length > view.byteLength - at) throw new Damage('a list of its footer is longer than it');
      const isFlag = (header & 15) <= THRIFT.false;
      for (let i = 0; i < length; i++) {
        const item = at;
        skip(isFlag ? THRIFT.byte : header & 15);
        onItem?.(field, item, at);
      }
    } else if (type > THRIFT.false) varint();
  };
  for (;;) {
    const header = view.getUint8(at++);
    const type = header & 15;
    if (type === THRIFT.stop) return at;
    field = header < 0x10 ? varint() / 2 : field + (header >> 4);
    skip(type);
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
  if (logical_type?.type === 'TIMESTAMP') {
    const { isAdjustedToUTC, unit } = logical_type;
    return isAdjustedToUTC && unit === 'MICROS' ? 'timestamp' : 'TIMESTAMP';
  }
  if (type === 'INT64' && converted_type === undefined) return 'int64';
  if (type === 'DOUBLE') return 'float64';
  return type === 'BOOLEAN' ? 'bool' : String(converted_type ?? type);
}
