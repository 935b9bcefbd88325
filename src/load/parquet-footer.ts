import type { FileHandle } from 'node:fs/promises';
import {
  type ColumnChunk as FileColumn,
  type RowGroup as FileRowGroup,
  parquetMetadata,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import type { ColumnType, FoundColumn } from '../jobs/columns.ts';
import { bytesAt, type Cut, checkEnd, checkStart, Damage } from './reader.ts';

const MAGIC = 'PAR1';

/** Behind the footer: its length, and the magic string. */
const ENDING_BYTES = 8;

/** A footer of 16,000 row groups. A longer one is damage. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Field `row_groups` of `FileMetaData` in parquet.thrift. */
const ROW_GROUPS = 4;

/** The pages of one column of a row group. */
export interface ColumnChunk {
  readonly start: number;
  readonly end: number;
  readonly codec: string;
}

/** A row group: its first row, the one behind its last, where it starts, and its columns by name. */
export interface RowGroup extends Cut {
  readonly end: number;
  readonly chunks: ReadonlyMap<string, ColumnChunk>;
  /** As it stands in the footer: what goes on behind a copy of it says the same of it. */
  readonly described: Uint8Array;
}

export interface Footer {
  readonly columns: readonly FoundColumn[];
  readonly rowGroups: readonly RowGroup[];
  /** Whether every row group says that it is sorted by `created_at` and `id`, both ascending. */
  readonly claimsOrder: boolean;
}

/** Reads the footer, of which no list is longer than itself and no column chunk lies outside the file. */
export function readFooter(file: FileHandle, size: number): Footer {
  checkEnd(file, size, MAGIC);
  checkStart(file, MAGIC);
  const ending = bytesAt(file, Math.max(0, size - ENDING_BYTES), size);
  const footerBytes = new DataView(ending.buffer).getUint32(0, true);
  if (footerBytes > MOST_BYTES) throw new Damage('it has a footer of an impossible size');
  const pagesEnd = size - ENDING_BYTES - footerBytes;
  const footer = bytesAt(file, Math.max(0, pagesEnd), size);
  const described: Uint8Array[] = [];
  const view = new DataView(footer.buffer, 0, Math.max(0, footer.length - ENDING_BYTES));
  checkStruct(view, 0, (field, start, end) => {
    if (field === ROW_GROUPS) described.push(footer.subarray(start, end));
  });
  const metadata = parquetMetadata(footer.buffer, { geoparquet: false, parsers: EXACT });
  const rowGroups: RowGroup[] = [];
  let row = 0;
  for (const [i, { columns, num_rows }] of metadata.row_groups.entries()) {
    const chunks = new Map(columns.map((column) => columnChunk(column, pagesEnd)));
    const byte = Math.min(...[...chunks.values()].map(({ start }) => start));
    const end = row + Number(num_rows);
    rowGroups.push({ row, end, byte, chunks, described: described[i] });
    row = end;
  }
  if (BigInt(row) !== metadata.num_rows)
    throw new Damage('the row groups have other rows than the footer says');
  return {
    columns: parquetSchema(metadata).children.map(foundColumn),
    rowGroups,
    claimsOrder: row > 0 && metadata.row_groups.every(isSorted),
  };
}

/** A time in the statistics, which nobody reads: some are past what a `Date` holds. */
const EXACT = { timestampFromMicroseconds: (micros: bigint) => micros };

/** Every column chunk lies between the magic strings, before the footer. */
function columnChunk({ meta_data }: FileColumn, pagesEnd: number): [string, ColumnChunk] {
  const { dictionary_page_offset, data_page_offset, total_compressed_size } = meta_data ?? {};
  const start = Number(dictionary_page_offset ?? data_page_offset);
  const end = start + Number(total_compressed_size);
  if (meta_data === undefined || !(start >= MAGIC.length && end >= start && end <= pagesEnd))
    throw new Damage('a column lies outside the file');
  return [meta_data.path_in_schema[0], { start, end, codec: meta_data.codec }];
}

function isSorted({ columns, sorting_columns = [] }: FileRowGroup): boolean {
  const [first, second] = sorting_columns.map(({ column_idx, descending }) =>
    descending ? undefined : columns[column_idx]?.meta_data?.path_in_schema.join('.'),
  );
  return first === 'created_at' && second === 'id';
}

/** Reads the header of a page. @throws Damage for another kind of page than is written */
export function readPageHeader(view: DataView) {
  const headerBytes = checkStruct(view);
  const header = deserializeTCompactProtocol({ view, offset: 0 });
  const { field_1, field_2 } = header.field_5 ?? header.field_7 ?? {};
  const numbers: unknown[] = [header.field_2, header.field_3, field_1, field_2];
  const counts = numbers.filter((n) => typeof n === 'number').filter((n) => n >= 0);
  if (counts.length < 4) throw new Damage('a page is not such as this program writes');
  const [uncompressedBytes, compressedBytes, values, encoding] = counts;
  const isDictionary = header.field_5 === undefined;
  return { headerBytes, uncompressedBytes, compressedBytes, values, encoding, isDictionary };
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
