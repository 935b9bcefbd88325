import type { FileHandle } from 'node:fs/promises';
import { DataType, type Schema } from 'apache-arrow';
import type { ColumnMetaData } from 'hyparquet';
import type { Compression } from '../jobs/pipeline.ts';
import { batchOf, ColumnBuilder } from './base-columns.ts';
import { type BaseRows, type Cut, checkColumns, cutAmong } from './base-file.ts';
import { BLOCK_BYTES, BLOCK_ROWS } from './blocks.ts';
import { bytesAt, Damage } from './check-file.ts';
import { foundColumns, readFooter } from './check-parquet.ts';
import { openCodec, type PageCodec } from './parquet-codec.ts';
import { bitWidthOf, ENCODING, readHybrid, readPageHeader } from './parquet-encodings.ts';

/** No page that was written has more of either: a larger one is damage. */
const [MOST_BYTES, MOST_ENTRIES] = [256 * 1024 * 1024, 16 * 1024 * 1024];

/** More than a page's header has. */
const HEADER_BYTES = 64;

/** In front of a text, and of the levels of a page. */
const LENGTH_BYTES = 4;

const CODECS: Readonly<Record<string, Compression>> = {
  UNCOMPRESSED: 'none',
  SNAPPY: 'snappy',
  GZIP: 'gzip',
  ZSTD: 'zstd',
};

/** A row group: its first row, the one behind its last, where it starts, and its columns by name. */
interface Group extends Cut {
  readonly end: number;
  readonly chunks: ReadonlyMap<string, ColumnMetaData>;
}

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
  const groups: Group[] = [];
  const codecs = new Set<string>();
  let rows = 0;
  for (const { columns, num_rows } of metadata.row_groups) {
    const chunks = new Map<string, ColumnMetaData>();
    for (const { meta_data } of columns) {
      if (meta_data === undefined) throw new Damage('a column is not described');
      chunks.set(meta_data.path_in_schema[0], meta_data);
      codecs.add(meta_data.codec);
    }
    const byte = Math.min(...[...chunks.values()].map(startOf));
    groups.push({ row: rows, end: rows + Number(num_rows), byte, chunks });
    rows += Number(num_rows);
  }
  const [codec = 'UNCOMPRESSED', ...others] = codecs;
  const compression = CODECS[codec];
  if (compression === undefined || others.length > 0)
    throw new Damage('it is compressed in a way that none is written');
  const { decompress } = await openCodec(compression);
  return {
    rows,
    cutBefore: async (row) => cutAmong(groups, row),
    async *batches(from, to, wanted) {
      const builders = wanted.fields.map(({ type }) => new ColumnBuilder(type));
      for (const { row, end, chunks } of groups) {
        if (end <= from || row >= to) continue;
        const columns = wanted.fields.map(({ name, type, nullable }) => {
          const chunk = chunks.get(name);
          if (chunk === undefined) throw new Damage('a row group lacks a column');
          return new ColumnReader({ file, chunk, decompress }, type, nullable);
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

/** Values, PLAIN encoded, where each starts, and where the last one ends. Of booleans only the bits. */
interface Values {
  readonly view: DataView;
  readonly starts: Uint32Array;
}

/** Where a column chunk is, and how its pages are read. */
interface ChunkSource {
  readonly file: FileHandle;
  readonly chunk: ColumnMetaData;
  readonly decompress: PageCodec['decompress'];
}

/** Reads a column chunk from its start on, page after page. */
class ColumnReader {
  readonly #source: ChunkSource;
  readonly #isList: boolean;
  readonly #isText: boolean;
  readonly #isBool: boolean;
  /** The definition level of a value that is there. */
  readonly #present: number;
  /** Where the next page starts, and the chunk ends. */
  #byte: number;
  readonly #end: number;
  #dictionary: Values | undefined;
  /** Of the page: its levels, an entry each; its values, or those of the dictionary and the index of each. */
  #repetitions = new Uint8Array();
  #definitions = new Uint8Array();
  #values: Values = { view: new DataView(new ArrayBuffer(0)), starts: new Uint32Array() };
  #indices: Uint32Array | undefined;
  /** Rows left in the page, the next entry and the next value: which one, of booleans the bit. */
  #rows = 0;
  #entry = 0;
  #value = 0;

  constructor(source: ChunkSource, type: DataType, nullable: boolean) {
    this.#source = source;
    this.#isList = DataType.isList(type);
    this.#isText = this.#isList || DataType.isUtf8(type);
    this.#isBool = DataType.isBool(type);
    this.#present = (this.#isList ? 2 : 0) + (nullable ? 1 : 0);
    this.#byte = startOf(source.chunk);
    this.#end = this.#byte + Number(source.chunk.total_compressed_size);
  }

  /** Rows that are left in the page, or, if none are, in the next one. */
  rowsInPage(): number {
    while (this.#rows === 0) this.#openPage();
    return this.#rows;
  }

  /** Passes over rows. */
  skip(rows: number): void {
    for (let left = rows; left > 0; ) {
      const here = Math.min(left, this.rowsInPage());
      this.read(here, undefined);
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
  read(rows: number, into: ColumnBuilder | undefined): void {
    for (let i = 0; i < rows; i++) this.#row(into);
    this.#rows -= rows;
  }

  /** @returns the bytes of its values */
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
    const at = this.#value++;
    const { view, starts } = this.#values;
    if (this.#isBool) {
      into?.addBit((view.getUint8(at >> 3) >> (at & 7)) & 1);
      return 0;
    }
    const index = this.#indices === undefined ? at : this.#indices[at];
    if (!(index + 1 < starts.length)) throw new Damage('a value is not where it should be');
    const start = starts[index] + (this.#isText ? LENGTH_BYTES : 0);
    const end = starts[index + 1];
    into?.add(view, start, end);
    return end - start;
  }

  /** Reads the next page, which may be that of the dictionary. */
  #openPage(): void {
    const { file, decompress } = this.#source;
    const headerEnd = Math.min(this.#end, this.#byte + HEADER_BYTES);
    const header = readPageHeader(bytesAt(file, this.#byte, headerEnd));
    if (header === undefined) throw new Damage('a page is not such as this program writes');
    const { values, encoding, compressedBytes, uncompressedBytes } = header;
    const start = this.#byte + header.headerBytes;
    this.#byte = start + compressedBytes;
    if (this.#byte > this.#end || uncompressedBytes > MOST_BYTES || values > MOST_ENTRIES)
      throw new Damage('a page is longer than any');
    const page = decompress(bytesAt(file, start, this.#byte), uncompressedBytes);
    if (page.length !== uncompressedBytes) throw new Damage('a page has another length');
    const view = new DataView(page.buffer, page.byteOffset, page.length);
    if (encoding === undefined) this.#dictionary = this.#valuesAt(view, 0, values);
    else this.#openDataPage(view, values, encoding);
  }

  #openDataPage(view: DataView, entries: number, encoding: number): void {
    let at = 0;
    const levels = (most: number): Uint8Array<ArrayBuffer> => {
      const decoded = new Uint8Array(most === 0 ? 0 : entries);
      if (most === 0) return decoded;
      const end = at + LENGTH_BYTES + view.getUint32(at, true);
      readHybrid(view, at + LENGTH_BYTES, end, bitWidthOf(most), decoded);
      at = end;
      return decoded;
    };
    this.#repetitions = levels(this.#isList ? 1 : 0);
    this.#definitions = levels(this.#present);
    this.#rows = this.#isList ? count(this.#repetitions, 0) : entries;
    const values = this.#present === 0 ? entries : count(this.#definitions, this.#present);
    this.#entry = 0;
    this.#value = 0;
    this.#indices = undefined;
    if (this.#isBool) {
      this.#values = { view, starts: new Uint32Array() };
      this.#value = at * 8;
    } else if (encoding !== ENCODING.rleDictionary) {
      this.#values = this.#valuesAt(view, at, values);
    } else {
      if (this.#dictionary === undefined) throw new Damage('a column lacks its dictionary');
      this.#values = this.#dictionary;
      this.#indices = new Uint32Array(values);
      readHybrid(view, at + 1, view.byteLength, view.getUint8(at), this.#indices);
    }
  }

  #valuesAt(view: DataView, start: number, values: number): Values {
    const starts = new Uint32Array(values + 1);
    let at = start;
    for (let i = 0; i < values; i++) {
      starts[i] = at;
      at += this.#isText ? LENGTH_BYTES + view.getUint32(at, true) : 8;
    }
    if (at > view.byteLength) throw new Damage('a value lies outside its page');
    starts[values] = at;
    return { view, starts };
  }
}

function count(levels: Uint8Array, wanted: number): number {
  let found = 0;
  for (const level of levels) if (level === wanted) found++;
  return found;
}
