import type { Data } from 'apache-arrow';
import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { writePlain } from 'hyparquet-writer/src/plain.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import util from 'parquetjs-lite/lib/util.js';
import { isValid } from './encoder.ts';
import type { PageCodec } from './parquet-codec.ts';
import { Dictionary } from './parquet-dictionary.ts';
import { appendLevels, appendRange, bitWidthOf, GrowingNumbers } from './parquet-encodings.ts';
import type { ParquetColumn } from './parquet-schema.ts';
import { type Bounds, Range } from './parquet-statistics.ts';

/** A page of plain values ends with the block, or the record of a dictionary given up, that makes it this large. */
const PAGE_BYTES = 1024 * 1024;

/** Before this many bytes of values nothing can be said about whether a dictionary pays. */
const SAMPLE_BYTES = 16 * 1024;

const { PLAIN, RLE, RLE_DICTIONARY } = thrift.Encoding;
const { DATA_PAGE, DICTIONARY_PAGE } = thrift.PageType;

/** Takes a value, PLAIN encoded (a text without its length): `view[from]` up to `view[to]`. */
type Visit = (view: DataView, from: number, to: number) => void;

/**
 * Encodes one column, row group after row group. A row group starts with a dictionary, whose indices wait here; it is
 * given up for plain pages, those from the start of the row group included, when it does not pay. So all pages of a
 * chunk are of one kind, and depend on the rows of the row group alone. What waits is two numbers a row, a dictionary
 * that pays or one page.
 */
export class ColumnWriter {
  /** What the values of the row group take, PLAIN encoded. */
  plainBytes = 0;
  /** What its pages take so far, compressed. */
  pageBytes = 0;
  readonly #column: ParquetColumn;
  readonly #codec: PageCodec;
  /** The page being written; nothing of it is needed afterwards, so that the columns of a file share it. */
  readonly #body: ByteWriter;
  /** What is in no page yet: levels, and indices or values. A boolean is an index of its own. */
  readonly #definitions: GrowingNumbers;
  readonly #repetitions: GrowingNumbers;
  readonly #indices = new GrowingNumbers();
  readonly #plain = new ByteWriter();
  readonly #dictionary: Dictionary;
  #usesDictionary = true;
  #entries = 0;
  #range: Range;
  #pages: Uint8Array[] = [];
  #uncompressedBytes = 0;
  #values = 0;
  #nulls = 0;

  /** @param scratch may be shared with other columns */
  constructor(column: ParquetColumn, codec: PageCodec, scratch: ByteWriter) {
    this.#column = column;
    this.#codec = codec;
    this.#body = scratch;
    this.#definitions = new GrowingNumbers(column.present);
    this.#repetitions = new GrowingNumbers(1);
    this.#dictionary = new Dictionary(column.type === 'BYTE_ARRAY' ? 4 : 0);
    this.#range = new Range(column.type);
  }

  /** @param data rows of an Arrow column of this column's type, from the start of its buffers */
  add(data: Data): void {
    this.#appendLevels(data);
    if (this.#column.type === 'BOOLEAN') {
      for (let row = 0; row < data.length; row++) {
        if (isValid(data, row)) this.#indices.push((data.values[row >> 3] >> (row & 7)) & 1);
      }
      this.plainBytes += (data.length + 7) >> 3;
      return;
    }
    const { prefix } = this.#dictionary;
    const plainBefore = this.#plain.index;
    if (this.#usesDictionary) {
      visitValues(data, (view, from, to) => {
        this.plainBytes += prefix + to - from;
        this.#indices.push(this.#dictionary.indexOf(view, from, to));
      });
      const isKnown = this.plainBytes >= SAMPLE_BYTES;
      if (isKnown && !this.#dictionary.pays(this.#indices.length, this.plainBytes))
        this.#giveUpDictionary();
      return;
    }
    visitValues(data, (view, from, to) => {
      if (prefix > 0) this.#plain.appendInt32(to - from);
      appendRange(this.#plain, view, from, to);
      this.#range.add(view, from, to);
    });
    this.plainBytes += this.#plain.index - plainBefore;
    if (this.#plain.index >= PAGE_BYTES) this.#writePlainPage(this.#entries);
  }

  /**
   * Ends the chunk; the next row group can begin.
   *
   * @param offset where in the file the chunk starts
   */
  finish(offset: number): ColumnChunk {
    let dictionaryBytes = 0;
    if (this.#column.type === 'BOOLEAN') {
      for (const value of this.#indices.filled()) this.#range.add(BOOLEANS, value, value + 1);
      this.#writePage(PLAIN, this.#entries, () =>
        writePlain(this.#body, Array.from(this.#indices.filled(), Boolean), 'BOOLEAN', undefined),
      );
    } else {
      if (this.#usesDictionary && !this.#dictionary.pays(this.#indices.length, this.plainBytes))
        this.#giveUpDictionary();
      if (this.#usesDictionary) dictionaryBytes = this.#writeDictionary();
      else if (this.#entries > 0) this.#writePlainPage(this.#entries);
    }
    const chunk = {
      pages: this.#pages,
      uncompressedBytes: this.#uncompressedBytes,
      description: this.#describe(offset, dictionaryBytes),
    };
    this.#reset();
    return chunk;
  }

  #appendLevels(data: Data): void {
    const { isList, present } = this.#column;
    const before = this.#definitions.length;
    if (isList) {
      this.#appendListLevels(data, present);
      this.#entries += this.#definitions.length - before;
      return;
    }
    this.#entries += data.length;
    this.#nulls += data.nullCount;
    if (present === 0) return;
    if (data.nullCount === 0) this.#definitions.fill(1, data.length);
    else {
      this.#definitions.reserve(data.length);
      for (let row = 0; row < data.length; row++)
        this.#definitions.push(isValid(data, row) ? 1 : 0);
    }
  }

  /** One entry an element, and one a list that has none. */
  #appendListLevels(list: Data, present: number): void {
    const [elements] = list.children;
    for (let row = 0; row < list.length; row++) {
      const isNull = !isValid(list, row);
      const start = list.valueOffsets[row];
      const end = isNull ? start : list.valueOffsets[row + 1];
      if (start === end) {
        this.#repetitions.push(0);
        this.#definitions.push(isNull ? present - 3 : present - 2);
      }
      for (let i = start; i < end; i++) {
        this.#repetitions.push(i === start ? 0 : 1);
        this.#definitions.push(isValid(elements, i) ? present : present - 1);
      }
    }
  }

  /** Takes what was met so far out of the dictionary again. */
  #giveUpDictionary(): void {
    const { isList, present } = this.#column;
    this.#addDictionaryToRange();
    this.#usesDictionary = false;
    let index = 0;
    let entry = 0;
    for (let left = this.#entries; left > 0; entry++, left--) {
      const isRecordStart = !isList || this.#repetitions.values[entry] === 0;
      if (isRecordStart && this.#plain.index >= PAGE_BYTES) {
        this.#writePlainPage(entry);
        entry = 0;
      }
      if (present > 0 && this.#definitions.values[entry] < present) continue;
      const value = this.#indices.values[index++];
      const [from, to] = [this.#dictionary.startOf(value), this.#dictionary.endOf(value)];
      appendRange(this.#plain, this.#dictionary.values.view, from, to);
    }
    this.#indices.length = 0;
    this.#dictionary.clear();
    if (this.#plain.index >= PAGE_BYTES) this.#writePlainPage(this.#entries);
  }

  #addDictionaryToRange(): void {
    const { values, prefix, size } = this.#dictionary;
    for (let i = 0; i < size; i++)
      this.#range.add(values.view, this.#dictionary.startOf(i) + prefix, this.#dictionary.endOf(i));
  }

  /** Returns the bytes of the dictionary page, which comes first. */
  #writeDictionary(): number {
    const { values, size, bitWidth } = this.#dictionary;
    this.#addDictionaryToRange();
    this.#addPage(values.getBytes(), size, undefined);
    const bytes = this.pageBytes;
    this.#writePage(RLE_DICTIONARY, this.#entries, () => {
      this.#body.appendUint8(bitWidth);
      writeRleBitPackedHybrid(this.#body, this.#indices.filled(), bitWidth);
    });
    return bytes;
  }

  #writePlainPage(entries: number): void {
    this.#writePage(PLAIN, entries, () => this.#body.appendBytes(this.#plain.getBytes()));
    this.#plain.index = 0;
  }

  /** A page of the first entries that wait. */
  #writePage(encoding: number, entries: number, appendValues: () => void): void {
    const { isList, present } = this.#column;
    this.#body.index = 0;
    if (isList) {
      appendLevels(this.#body, this.#repetitions.filled(entries), 1);
      this.#repetitions.drop(entries);
    }
    if (present > 0) {
      appendLevels(this.#body, this.#definitions.filled(entries), bitWidthOf(present));
      this.#definitions.drop(entries);
    }
    appendValues();
    this.#entries -= entries;
    this.#values += entries;
    this.#addPage(this.#body.getBytes(), entries, encoding);
  }

  /** @param encoding of a data page (V1, which every reader knows); undefined for the page of a dictionary */
  #addPage(body: Uint8Array, num_values: number, encoding: number | undefined): void {
    const compressed = this.#codec.compress(
      body,
      this.#column.type === 'BYTE_ARRAY' && encoding !== RLE_DICTIONARY ? 'text' : 'numbers',
    );
    const levels = { definition_level_encoding: RLE, repetition_level_encoding: RLE };
    const header = util.serializeThrift(
      new thrift.PageHeader({
        type: encoding === undefined ? DICTIONARY_PAGE : DATA_PAGE,
        uncompressed_page_size: body.length,
        compressed_page_size: compressed.length,
        ...(encoding === undefined
          ? {
              dictionary_page_header: new thrift.DictionaryPageHeader({
                num_values,
                encoding: PLAIN,
              }),
            }
          : { data_page_header: new thrift.DataPageHeader({ num_values, encoding, ...levels }) }),
      }),
    );
    this.#pages.push(Buffer.concat([header, compressed]));
    this.pageBytes += header.length + compressed.length;
    this.#uncompressedBytes += header.length + body.length;
  }

  #describe(offset: number, dictionaryBytes: number): ThriftStruct {
    const { path, type, isList } = this.#column;
    const isDictionary = dictionaryBytes > 0;
    return new thrift.ColumnChunk({
      file_offset: 0,
      meta_data: new thrift.ColumnMetaData({
        type: thrift.Type[type],
        encodings: isDictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE],
        path_in_schema: path,
        codec: thrift.CompressionCodec[this.#codec.name],
        num_values: this.#values,
        total_uncompressed_size: this.#uncompressedBytes,
        total_compressed_size: this.pageBytes,
        data_page_offset: offset + dictionaryBytes,
        ...(isDictionary && { dictionary_page_offset: offset }),
        // What a null of a list is, readers disagree on.
        ...(!isList && { statistics: statistics(this.#nulls, this.#range.bounds()) }),
      }),
    });
  }

  #reset(): void {
    this.plainBytes = 0;
    this.#indices.length = 0;
    this.#dictionary.clear();
    this.#usesDictionary = true;
    this.#range = new Range(this.#column.type);
    this.#pages = [];
    this.pageBytes = 0;
    this.#uncompressedBytes = 0;
    this.#values = 0;
    this.#nulls = 0;
  }
}

/** One column of one row group, as it goes into the file and as the footer describes it. */
export interface ColumnChunk {
  readonly pages: readonly Uint8Array[];
  readonly uncompressedBytes: number;
  readonly description: ThriftStruct;
}

const BOOLEANS = new DataView(Uint8Array.of(0, 1).buffer);

/** Shows every value that is there, those in lists included, in order. */
function visitValues(data: Data, visit: Visit): void {
  const [elements] = data.children;
  if (elements === undefined) {
    visitRows(data, 0, data.length, visit);
    return;
  }
  for (let row = 0; row < data.length; row++) {
    if (isValid(data, row))
      visitRows(elements, data.valueOffsets[row], data.valueOffsets[row + 1], visit);
  }
}

function visitRows(data: Data, first: number, end: number, visit: Visit): void {
  if (first === end) return;
  const { buffer, byteOffset, byteLength }: Uint8Array = data.values;
  const view = new DataView(buffer, byteOffset, byteLength);
  const offsets: Int32Array | undefined = data.valueOffsets;
  for (let row = first; row < end; row++) {
    if (!isValid(data, row)) continue;
    if (offsets === undefined) visit(view, row * 8, row * 8 + 8);
    else visit(view, offsets[row], offsets[row + 1]);
  }
}

/** `Statistics` of parquet.thrift. The library's does not know whether a bound is exact. */
function statistics(nulls: number, bounds: Bounds | undefined): ThriftStruct {
  const bytes = new ByteWriter();
  serializeTCompactProtocol(bytes, {
    field_3: BigInt(nulls),
    field_5: bounds?.max,
    field_6: bounds?.min,
    field_7: bounds?.max && bounds.maxIsExact,
    field_8: bounds?.minIsExact,
  });
  return { write: ({ trans }) => trans.write(Buffer.from(bytes.getBytes())) };
}
