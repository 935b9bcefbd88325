import type { FileHandle } from 'node:fs/promises';
import { DataType, type Schema } from 'apache-arrow';
import type { ColumnMetaData } from 'hyparquet';
import type { Compression } from '../jobs/pipeline.ts';
import { batchOf, ColumnBuilder } from './base-columns.ts';
import { type BaseRows, checkColumns, cutAmong } from './base-file.ts';
import { BLOCK_BYTES, BLOCK_ROWS } from './blocks.ts';
import { bytesAt, Damage } from './check-file.ts';
import { foundColumns, readFooter } from './check-parquet.ts';
import { openCodec, type PageCodec } from './parquet-codec.ts';
import {
  bitWidthOf,
  ENCODING,
  type PageHeader,
  readHybrid,
  readPageHeader,
} from './parquet-encodings.ts';

/** No page that was written has more of either: a larger one is damage. */
const [MOST_BYTES, MOST_ENTRIES] = [256 * 1024 * 1024, 16 * 1024 * 1024];

/** More than a page's header has. */
const HEADER_BYTES = 64;

const CODECS: Readonly<Record<string, Compression>> = {
  UNCOMPRESSED: 'none',
  SNAPPY: 'snappy',
  GZIP: 'gzip',
  ZSTD: 'zstd',
};

/**
 * Opens a Parquet file of this program's own: data pages V1, PLAIN or of a dictionary. A page of each column is in memory
 * at a time, straight from which the rows are copied; a general reader makes an object of every value, and decodes a page
 * anew for every slice of it.
 */
export async function openParquet(
  file: FileHandle,
  size: number,
  schema: Schema,
): Promise<BaseRows> {
  const metadata = readFooter(file, size);
  checkColumns(foundColumns(metadata), schema, 'string');
  const codecs = new Map<string, PageCodec>();
  const groups: { row: number; end: number; byte: number; chunks: Map<string, ColumnMetaData> }[] =
    [];
  let rows = 0;
  for (const { columns, num_rows } of metadata.row_groups) {
    const chunks = new Map<string, ColumnMetaData>();
    for (const { meta_data } of columns) {
      if (meta_data === undefined) throw new Damage('a column is not described');
      chunks.set(meta_data.path_in_schema[0], meta_data);
      const compression = CODECS[meta_data.codec];
      if (compression === undefined) throw new Damage('a column is compressed as none is written');
      if (!codecs.has(meta_data.codec)) codecs.set(meta_data.codec, await openCodec(compression));
    }
    const byte = Math.min(...[...chunks.values()].map(startOf));
    groups.push({ row: rows, end: rows + Number(num_rows), byte, chunks });
    rows += Number(num_rows);
  }
  return {
    rows,
    cutBefore: async (row) => cutAmong(groups, row),
    async *batches(from, to, wanted) {
      const builders = wanted.fields.map(({ type }) => new ColumnBuilder(type));
      for (const { row, end, chunks } of groups) {
        if (end <= from || row >= to) continue;
        const columns = wanted.fields.map(({ name, type, nullable }) => {
          const chunk = chunks.get(name);
          const codec = codecs.get(chunk?.codec ?? '');
          if (chunk === undefined || codec === undefined)
            throw new Damage('a row group lacks a column');
          return new ColumnReader(file, chunk, codec, type, nullable);
        });
        let at = Math.max(from, row);
        for (const column of columns) column.skip(at - row);
        for (const last = Math.min(to, end); at < last; ) {
          const count = rowsThatFit(columns, Math.min(BLOCK_ROWS, last - at));
          for (const [i, column] of columns.entries()) column.read(count, builders[i]);
          at += count;
          yield batchOf(
            wanted,
            builders.map((builder) => builder.take()),
          );
        }
      }
    },
  };
}

function startOf({ dictionary_page_offset, data_page_offset }: ColumnMetaData): number {
  return Number(dictionary_page_offset ?? data_page_offset);
}

/** Rows of the page that each column stands in, so many at most, whose texts make no more than a block; at least one. */
function rowsThatFit(columns: readonly ColumnReader[], most: number): number {
  let rows = most;
  for (const column of columns) rows = Math.min(rows, column.rowsInPage());
  let room = BLOCK_BYTES;
  for (const column of columns) {
    const fits = column.rowsThatFit(rows, room);
    rows = fits.rows;
    room -= fits.bytes;
  }
  return rows;
}

/** Values, PLAIN encoded, and where each starts if it is not known from their size. */
interface Values {
  readonly view: DataView;
  readonly starts: Uint32Array;
}

/** Reads a column chunk from its start on, page after page. */
class ColumnReader {
  readonly #file: FileHandle;
  readonly #codec: PageCodec;
  readonly #isList: boolean;
  readonly #isText: boolean;
  readonly #isBool: boolean;
  /** The definition level of a value that is there. */
  readonly #present: number;
  /** Where the next page starts, and the chunk ends. */
  #byte: number;
  readonly #end: number;
  #dictionary: Values | undefined;
  /** What is left of the page: entries of all kinds, and of rows. */
  #rows = 0;
  #repetitions = new Uint8Array();
  #definitions = new Uint8Array();
  #indices = new Uint32Array();
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** The next entry, and the next value: its index, its bit or the byte where it starts. */
  #entry = 0;
  #value = 0;

  constructor(
    file: FileHandle,
    chunk: ColumnMetaData,
    codec: PageCodec,
    type: DataType,
    nullable: boolean,
  ) {
    this.#file = file;
    this.#codec = codec;
    this.#isList = DataType.isList(type);
    this.#isText = this.#isList || DataType.isUtf8(type);
    this.#isBool = DataType.isBool(type);
    this.#present = (this.#isList ? 2 : 0) + (nullable ? 1 : 0);
    this.#byte = startOf(chunk);
    this.#end = this.#byte + Number(chunk.total_compressed_size);
  }

  /** Rows that are left in the page, or, if none are, in the next one. */
  rowsInPage(): number {
    while (this.#rows === 0) this.#openPage(0);
    return this.#rows;
  }

  /** Passes over rows; pages of no other are not decompressed. */
  skip(rows: number): void {
    for (let left = rows; left > 0; ) {
      if (this.#rows === 0) left -= this.#openPage(left);
      const here = Math.min(left, this.#rows);
      for (let i = 0; i < here; i++) this.#row(undefined);
      this.#rows -= here;
      left -= here;
    }
  }

  /** How many of the next rows, all in the page, have texts that fit into `room` bytes: at least one. They stay to be read. */
  rowsThatFit(most: number, room: number): { rows: number; bytes: number } {
    if (!this.#isText) return { rows: most, bytes: 0 };
    const [entry, value] = [this.#entry, this.#value];
    let [rows, bytes] = [0, 0];
    while (rows < most) {
      const more = this.#row(undefined);
      if (rows > 0 && bytes + more > room) break;
      bytes += more;
      rows++;
    }
    [this.#entry, this.#value] = [entry, value];
    return { rows, bytes };
  }

  /** Reads rows that are all in the page. */
  read(rows: number, into: ColumnBuilder): void {
    for (let i = 0; i < rows; i++) this.#row(into);
    this.#rows -= rows;
  }

  /** @returns bytes of text in the row */
  #row(into: ColumnBuilder | undefined): number {
    const level = this.#present === 0 ? 0 : this.#definitions[this.#entry];
    if (!this.#isList) {
      this.#entry++;
      if (level === this.#present) return this.#next(into);
      into?.addNull();
      return 0;
    }
    let bytes = 0;
    do {
      const item = this.#definitions[this.#entry++];
      if (item === this.#present) bytes += this.#next(into?.elements);
      else if (item === this.#present - 1) into?.elements?.addNull();
    } while (this.#repetitions[this.#entry] === 1);
    if (level < this.#present - 2) into?.addNull();
    else into?.endList();
    return bytes;
  }

  /** Takes the next value that is there. @returns its bytes */
  #next(into: ColumnBuilder | undefined): number {
    let view: DataView = this.#view;
    let at = this.#value;
    if (this.#isBool) {
      into?.addBit((view.getUint8(at >> 3) >> (at & 7)) & 1);
      this.#value++;
      return 0;
    }
    if (this.#indices.length > 0) {
      this.#value++;
      const index = this.#indices[at];
      if (this.#dictionary === undefined || !(index < this.#dictionary.starts.length))
        throw new Damage('a value is not in its dictionary');
      view = this.#dictionary.view;
      at = this.#dictionary.starts[index];
    }
    const bytes = this.#isText ? view.getUint32(at, true) : 8;
    const start = this.#isText ? at + 4 : at;
    if (start + bytes > view.byteLength) throw new Damage('a value lies outside its page');
    if (this.#indices.length === 0) this.#value = start + bytes;
    into?.add(view, start, start + bytes);
    return bytes;
  }

  /** @param unwanted so many rows are not to be read @returns rows of the page, which were passed over */
  #openPage(unwanted: number): number {
    const headerEnd = Math.min(this.#end, this.#byte + HEADER_BYTES);
    const header = readPageHeader(bytesAt(this.#file, this.#byte, headerEnd));
    if (header === undefined) throw new Damage('a page is not such as this program writes');
    const start = this.#byte + header.headerBytes;
    this.#byte = start + header.compressedBytes;
    if (
      this.#byte > this.#end ||
      header.uncompressedBytes > MOST_BYTES ||
      header.values > MOST_ENTRIES
    )
      throw new Damage('a page is longer than its column');
    const isUnwanted = !this.#isList && header.encoding !== undefined && header.values <= unwanted;
    if (isUnwanted) return header.values;
    const page = this.#codec.decompress(
      bytesAt(this.#file, start, this.#byte),
      header.uncompressedBytes,
    );
    if (page.length !== header.uncompressedBytes) throw new Damage('a page has another length');
    const view = new DataView(page.buffer, page.byteOffset, page.length);
    if (header.encoding === undefined)
      this.#dictionary = { view, starts: this.#starts(view, header) };
    else this.#openDataPage(view, header);
    return 0;
  }

  #starts(view: DataView, { values }: PageHeader): Uint32Array {
    const starts = new Uint32Array(values);
    let at = 0;
    for (let i = 0; i < values; i++) {
      starts[i] = at;
      at += this.#isText ? 4 + view.getUint32(at, true) : 8;
    }
    return starts;
  }

  #openDataPage(view: DataView, { values, encoding }: PageHeader): void {
    let at = 0;
    const levels = (most: number): Uint8Array<ArrayBuffer> => {
      const decoded = new Uint8Array(most === 0 ? 0 : values);
      if (most === 0) return decoded;
      const end = at + 4 + view.getUint32(at, true);
      readHybrid(view, at + 4, end, bitWidthOf(most), decoded);
      at = end;
      return decoded;
    };
    this.#repetitions = levels(this.#isList ? 1 : 0);
    this.#definitions = levels(this.#present);
    this.#rows = this.#isList ? count(this.#repetitions, 0) : values;
    this.#entry = 0;
    this.#indices = new Uint32Array();
    this.#view = view;
    this.#value = at;
    if (this.#isBool) this.#value *= 8;
    if (encoding !== ENCODING.rleDictionary) return;
    this.#value = 0;
    this.#indices = new Uint32Array(
      this.#present === 0 ? values : count(this.#definitions, this.#present),
    );
    readHybrid(view, at + 1, view.byteLength, view.getUint8(at), this.#indices);
  }
}

function count(levels: Uint8Array, wanted: number): number {
  let found = 0;
  for (const level of levels) if (level === wanted) found++;
  return found;
}
