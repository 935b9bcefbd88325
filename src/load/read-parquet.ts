import type { FileHandle } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { DataType } from 'apache-arrow';
import { decompress } from 'fzstd';
import { snappyUncompress } from 'hyparquet';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { type ColumnBuffer, StringsBuffer } from '../jobs/column-buffers.ts';
import { SLACK_BYTES } from '../json/bytes.ts';
import { zstdDecompressor } from './parquet-codec.ts';
import { type ColumnChunk, readFooter, readPageHeader } from './parquet-footer.ts';
import {
  BatchBuilder,
  bytesAt,
  cutAmong,
  Damage,
  type DataReader,
  type ReadOptions,
} from './reader.ts';

/** No page that was written has more of either: a larger one is damage. */
const [MOST_BYTES, MOST_ENTRIES] = [256 * 1024 * 1024, 16 * 1024 * 1024];

/** More than a page's header has. */
const HEADER_BYTES = 64;

/** In front of a text, and of the levels of a page. */
const LENGTH_BYTES = 4;

/** As parquet.thrift numbers the encoding of indices into a dictionary. */
const RLE_DICTIONARY = 8;

/** Fills `into` with the content of a page. @returns how long that is. It throws when there is no room for it. */
type Decompress = (page: Uint8Array, into: Uint8Array) => number;

const DECOMPRESS: Readonly<Record<string, Decompress>> = {
  UNCOMPRESSED: copied,
  SNAPPY(page, into) {
    snappyUncompress(page, into);
    return into.length;
  },
  GZIP: (page, into) =>
    copied(gunzipSync(page, { maxOutputLength: Math.max(1, into.length) }), into),
  ZSTD: (page, into) => decompress(page, into).length,
};

function copied(page: Uint8Array, into: Uint8Array): number {
  into.set(page);
  return page.length;
}

/**
 * Opens a Parquet file of this program's own: data pages V1, PLAIN or of a dictionary. A page of each column is in memory
 * at a time, straight from which the rows are copied; a general reader makes an object of every value, and decodes a page
 * anew for every slice of it.
 */
export async function openParquet({ handle, growth, isTrusted }: ReadOptions): Promise<DataReader> {
  const { columns, rowGroups, claimsOrder } = readFooter(handle, await growth.whole());
  const codecs = isTrusted ? { ...DECOMPRESS, ZSTD: await zstdDecompressor() } : DECOMPRESS;
  return {
    columns,
    claimsOrder,
    cutBefore: async (row) => cutAmong(rowGroups, row),
    async *batches(from, to, wanted) {
      const batch = new BatchBuilder(wanted);
      for (const { row, end, chunks } of rowGroups) {
        if (end <= from || row >= to) continue;
        const readers = wanted.fields.map(({ name, type, nullable }) => {
          const chunk = chunks.get(name);
          if (chunk === undefined) throw new Damage('a row group lacks a column');
          const readPage = pageReader(handle, chunk, codecs);
          return new ColumnReader(readPage, type, nullable);
        });
        for (let at = row; at < Math.min(to, end); at++) {
          const isWanted = at >= from;
          let bytes = 0;
          for (let i = 0; i < readers.length; i++)
            bytes += readers[i].read(isWanted ? batch.columns[i] : undefined);
          if (isWanted && batch.endRow(bytes)) yield* batch.take();
        }
      }
      yield* batch.take();
    },
  };
}

/** A page without its header. */
interface Page {
  /** With a few bytes more behind it than `size`. */
  readonly view: DataView;
  readonly size: number;
  /** Entries, nulls and empty lists included. */
  readonly values: number;
  readonly encoding: number;
  readonly isDictionary: boolean;
}

/** Reads the pages of a column chunk, one at each call. */
function pageReader(
  handle: FileHandle,
  { start, end, codec }: ColumnChunk,
  codecs: Readonly<Record<string, Decompress>>,
): () => Page {
  const decompress = codecs[codec];
  if (decompress === undefined) throw new Damage('it is compressed in a way that none is written');
  let at = start;
  return () => {
    const head = bytesAt(handle, at, Math.min(end, at + HEADER_BYTES));
    const header = readPageHeader(new DataView(head.buffer));
    const { headerBytes, compressedBytes, uncompressedBytes: size, values } = header;
    const from = at + headerBytes;
    at = from + compressedBytes;
    if (at > end || size > MOST_BYTES || values > MOST_ENTRIES)
      throw new Damage('a page is longer than any');
    const page = new Uint8Array(size + SLACK_BYTES);
    if (decompress(bytesAt(handle, from, at), page.subarray(0, size)) !== size)
      throw new Damage('a page has another length');
    return { ...header, view: new DataView(page.buffer), size };
  };
}

/** Values, PLAIN encoded, where each starts, and where the last one ends. */
interface Values {
  readonly view: DataView;
  readonly starts: Uint32Array;
}

const NO_LEVELS = new Uint8Array();

/** Reads a column chunk row by row. */
class ColumnReader {
  readonly #nextPage: () => Page;
  readonly #isList: boolean;
  readonly #isText: boolean;
  readonly #isBool: boolean;
  /** The definition level of a value that is there. */
  readonly #present: number;
  #dictionary: Values | undefined;
  /** Of the page: its levels, an entry each; its values, or those of the dictionary and the index of each. */
  #repetitions = NO_LEVELS;
  #definitions = NO_LEVELS;
  #values: Values = { view: new DataView(new ArrayBuffer(0)), starts: new Uint32Array() };
  #indices: Uint32Array | undefined;
  /** Entries of the page, the next one, and the next value. */
  #entries = 0;
  #entry = 0;
  #value = 0;

  constructor(nextPage: () => Page, type: DataType, nullable: boolean) {
    this.#nextPage = nextPage;
    this.#isList = DataType.isList(type);
    this.#isText = this.#isList || DataType.isUtf8(type);
    this.#isBool = DataType.isBool(type);
    this.#present = (this.#isList ? 2 : 0) + (nullable ? 1 : 0);
  }

  /** Reads the next row, into a column or past it. @returns the bytes of its texts */
  read(into: ColumnBuffer<never> | undefined): number {
    while (this.#entry === this.#entries) this.#openPage(this.#nextPage());
    const level = this.#present === 0 ? 0 : this.#definitions[this.#entry];
    if (!this.#isList) {
      this.#entry++;
      if (level === this.#present) return this.#next(into);
      into?.push(null);
      return 0;
    }
    const items = into instanceof StringsBuffer ? into.items : undefined;
    let bytes = 0;
    do {
      const item = this.#definitions[this.#entry++];
      if (item === this.#present) bytes += this.#next(items);
      else if (item === this.#present - 1) items?.push(null);
    } while (this.#repetitions[this.#entry] === 1);
    if (level < this.#present - 2) into?.push(null);
    else into?.pushBytes(this.#values.view, 0, 0);
    return bytes;
  }

  /** Takes the next value that is there. @returns the bytes of its text */
  #next(into: ColumnBuffer<never> | undefined): number {
    const at = this.#value++;
    const { view, starts } = this.#values;
    const index = this.#indices === undefined ? at : this.#indices[at];
    if (!(index + 1 < starts.length)) throw new Damage('a value is not where it should be');
    const start = starts[index] + (this.#isText ? LENGTH_BYTES : 0);
    const end = starts[index + 1];
    into?.pushBytes(view, start, end);
    return this.#isText ? end - start : 0;
  }

  #openPage({ view, size, values, encoding, isDictionary }: Page): void {
    if (isDictionary) {
      this.#dictionary = this.#valuesAt(view, 0, values, size);
      return;
    }
    const reader = { view, offset: 0 };
    const levels = (most: number): Uint8Array<ArrayBuffer> => {
      const decoded = new Uint8Array(most === 0 ? 0 : values);
      if (most > 0) readRleBitPackedHybrid(reader, 32 - Math.clz32(most), decoded);
      return decoded;
    };
    this.#repetitions = levels(this.#isList ? 1 : 0);
    this.#definitions = levels(this.#present);
    this.#entries = values;
    this.#entry = 0;
    this.#value = 0;
    const count = this.#present === 0 ? values : countOf(this.#definitions, this.#present);
    this.#indices = undefined;
    if (encoding !== RLE_DICTIONARY) {
      this.#values = this.#valuesAt(view, reader.offset, count, size);
      return;
    }
    if (this.#dictionary === undefined) throw new Damage('a column lacks its dictionary');
    this.#values = this.#dictionary;
    this.#indices = new Uint32Array(count);
    const bitWidth = view.getUint8(reader.offset++);
    readRleBitPackedHybrid(reader, bitWidth, this.#indices, size - reader.offset);
  }

  #valuesAt(view: DataView, start: number, count: number, size: number): Values {
    if (this.#isBool) return bits(view, start, count);
    const starts = new Uint32Array(count + 1);
    let at = start;
    for (let i = 0; i < count; i++) {
      starts[i] = at;
      at += this.#isText ? LENGTH_BYTES + view.getUint32(at, true) : 8;
    }
    if (at > size) throw new Damage('a value lies outside its page');
    starts[count] = at;
    return { view, starts };
  }
}

/** Booleans, a byte each. */
function bits(view: DataView, start: number, count: number): Values {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) bytes[i] = (view.getUint8(start + (i >> 3)) >> (i & 7)) & 1;
  return {
    view: new DataView(bytes.buffer),
    starts: Uint32Array.from({ length: count + 1 }, (_, i) => i),
  };
}

function countOf(levels: Uint8Array, wanted: number): number {
  let found = 0;
  for (const level of levels) if (level === wanted) found++;
  return found;
}
