import type { Data } from 'apache-arrow';
import thrift, { type ThriftStruct } from 'parquetjs-lite/gen-nodejs/parquet_types.js';
import { isValid } from './encoder.ts';
import type { PageCodec } from './parquet-codec.ts';
import { Dictionary } from './parquet-dictionary.ts';
import {
  appendHybrid,
  appendLevels,
  appendPacked,
  bitWidthOf,
  ENCODING,
  GrowingBytes,
  GrowingNumbers,
  pageHeader,
} from './parquet-encodings.ts';
import type { ParquetColumn } from './parquet-schema.ts';
import { type Bounds, Range } from './parquet-statistics.ts';

/** A page of plain values ends with the block, or the record of a dictionary given up, that makes it this large. */
const PAGE_BYTES = 1024 * 1024;

/** Before this many bytes of values nothing can be said about whether a dictionary pays. */
const SAMPLE_BYTES = 16 * 1024;

/** Takes a value, PLAIN encoded (a text without its length): `view[from]` up to `view[to]`. */
type Visit = (view: DataView, from: number, to: number) => void;

/**
 * Encodes one column, row group after row group. A row group starts with a dictionary, whose indices wait here; it is
 * given up for plain pages, those from the start of the row group included, when it does not pay. So all pages of a
 * chunk are of one kind, and depend on the rows of the row group alone. What waits is two numbers a row, a dictionary
 * that pays or one page.
 */
export class ColumnWriter {
  readonly #column: ParquetColumn;
  readonly #codec: PageCodec;
  /** The page being written; nothing of it is needed afterwards, so that the columns of a file share it. */
  readonly #body: GrowingBytes;
  /** What is in no page yet: levels, and indices or values. A boolean is an index of its own. */
  readonly #definitions = new GrowingNumbers();
  readonly #repetitions = new GrowingNumbers();
  readonly #indices = new GrowingNumbers();
  readonly #plain = new GrowingBytes();
  readonly #dictionary: Dictionary;
  #entries = 0;
  #usesDictionary = true;
  #range: Range;
  #chunk = new Chunk();

  /** @param scratch may be shared with other columns */
  constructor(column: ParquetColumn, codec: PageCodec, scratch: GrowingBytes) {
    this.#column = column;
    this.#codec = codec;
    this.#body = scratch;
    this.#dictionary = new Dictionary(column.type === 'BYTE_ARRAY' ? 4 : 0);
    this.#range = new Range(column.type);
  }

  /** What there is of the row group. */
  get chunk(): Readonly<Chunk> {
    return this.#chunk;
  }

  /** @param data rows of an Arrow column of this column's type, from the start of its buffers */
  add(data: Data): void {
    this.#appendLevels(data);
    if (this.#column.type === 'BOOLEAN') {
      for (let row = 0; row < data.length; row++) {
        if (isValid(data, row)) this.#indices.push((data.values[row >> 3] >> (row & 7)) & 1);
      }
      this.#chunk.plainBytes += (data.length + 7) >> 3;
      return;
    }
    const { prefix } = this.#dictionary;
    if (this.#usesDictionary) {
      let plainBytes = 0;
      visitValues(data, (view, from, to) => {
        plainBytes += prefix + to - from;
        this.#indices.push(this.#dictionary.indexOf(view, from, to));
      });
      this.#chunk.plainBytes += plainBytes;
      if (this.#chunk.plainBytes >= SAMPLE_BYTES && !this.#pays) this.#giveUpDictionary();
      return;
    }
    const plainBefore = this.#plain.length;
    visitValues(data, (view, from, to) => {
      if (prefix > 0) this.#plain.appendInt32(to - from);
      this.#plain.appendRange(view, from, to);
      this.#range.add(view, from, to);
    });
    this.#chunk.plainBytes += this.#plain.length - plainBefore;
    if (this.#plain.length >= PAGE_BYTES) this.#writePlainPage(this.#entries);
  }

  /**
   * Ends the chunk; the next row group can begin.
   *
   * @param offset where in the file the chunk starts
   */
  finish(offset: number): Chunk & { readonly description: ThriftStruct } {
    let dictionaryBytes = 0;
    if (this.#column.type === 'BOOLEAN') {
      for (const value of this.#indices.filled()) this.#range.add(BOOLEANS, value, value + 1);
      this.#writePage(ENCODING.plain, this.#entries, () =>
        appendPacked(this.#body, this.#indices.filled(), 1),
      );
    } else {
      if (this.#usesDictionary && !this.#pays) this.#giveUpDictionary();
      if (this.#usesDictionary) dictionaryBytes = this.#writeDictionary();
      else if (this.#entries > 0) this.#writePlainPage(this.#entries);
    }
    const chunk = { ...this.#chunk, description: this.#describe(offset, dictionaryBytes) };
    this.#indices.length = 0;
    this.#dictionary.clear();
    this.#usesDictionary = true;
    this.#range = new Range(this.#column.type);
    this.#chunk = new Chunk();
    return chunk;
  }

  get #pays(): boolean {
    return this.#dictionary.pays(this.#indices.length, this.#chunk.plainBytes);
  }

  #appendLevels(data: Data): void {
    const { mostRepetitions, mostDefinitions } = this.#column;
    const before = this.#definitions.length;
    if (mostRepetitions > 0) {
      this.#appendListLevels(data, mostDefinitions);
      this.#entries += this.#definitions.length - before;
      return;
    }
    this.#entries += data.length;
    this.#chunk.nulls += data.nullCount;
    if (mostDefinitions === 0) return;
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
    const { mostRepetitions, mostDefinitions } = this.#column;
    this.#addDictionaryToRange();
    this.#usesDictionary = false;
    let index = 0;
    let entry = 0;
    for (let left = this.#entries; left > 0; entry++, left--) {
      const isRecordStart = mostRepetitions === 0 || this.#repetitions.values[entry] === 0;
      if (isRecordStart && this.#plain.length >= PAGE_BYTES) {
        this.#writePlainPage(entry);
        entry = 0;
      }
      if (mostDefinitions > 0 && this.#definitions.values[entry] < mostDefinitions) continue;
      const value = this.#indices.values[index++];
      const [from, to] = [this.#dictionary.startOf(value), this.#dictionary.endOf(value)];
      this.#plain.appendRange(this.#dictionary.values.view, from, to);
    }
    this.#indices.length = 0;
    this.#dictionary.clear();
    if (this.#plain.length >= PAGE_BYTES) this.#writePlainPage(this.#entries);
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
    this.#addPage(values.filled(), size, undefined);
    const { bytes } = this.#chunk;
    this.#writePage(ENCODING.rleDictionary, this.#entries, () => {
      this.#body.appendByte(bitWidth);
      appendHybrid(this.#body, this.#indices.filled(), bitWidth);
    });
    return bytes;
  }

  #writePlainPage(entries: number): void {
    this.#writePage(ENCODING.plain, entries, () => this.#body.append(this.#plain.filled()));
    this.#plain.length = 0;
  }

  /** A page of the first entries that wait. */
  #writePage(encoding: number, entries: number, appendValues: () => void): void {
    const { mostRepetitions, mostDefinitions } = this.#column;
    this.#body.length = 0;
    for (const [levels, most] of [
      [this.#repetitions, mostRepetitions],
      [this.#definitions, mostDefinitions],
    ] as const) {
      if (most === 0) continue;
      appendLevels(this.#body, levels.filled(entries), bitWidthOf(most));
      levels.drop(entries);
    }
    appendValues();
    this.#entries -= entries;
    this.#chunk.entries += entries;
    this.#addPage(this.#body.filled(), entries, encoding);
  }

  #addPage(body: Uint8Array, values: number, encoding: number | undefined): void {
    const isText = this.#column.type === 'BYTE_ARRAY' && encoding !== ENCODING.rleDictionary;
    const compressed = this.#codec.compress(body, isText ? 'text' : 'numbers');
    const header = pageHeader(values, body.length, compressed.length, encoding);
    this.#chunk.pages.push(Buffer.concat([header, compressed]));
    this.#chunk.bytes += header.length + compressed.length;
    this.#chunk.uncompressedBytes += header.length + body.length;
  }

  #describe(offset: number, dictionaryBytes: number): ThriftStruct {
    const { path, type, mostRepetitions } = this.#column;
    const { bytes, uncompressedBytes, entries, nulls } = this.#chunk;
    const { PLAIN, RLE, RLE_DICTIONARY } = thrift.Encoding;
    const isDictionary = dictionaryBytes > 0;
    return new thrift.ColumnChunk({
      file_offset: 0,
      meta_data: new thrift.ColumnMetaData({
        type: thrift.Type[type],
        encodings: isDictionary ? [PLAIN, RLE, RLE_DICTIONARY] : [PLAIN, RLE],
        path_in_schema: path,
        codec: thrift.CompressionCodec[this.#codec.name],
        num_values: entries,
        total_uncompressed_size: uncompressedBytes,
        total_compressed_size: bytes,
        data_page_offset: offset + dictionaryBytes,
        ...(isDictionary && { dictionary_page_offset: offset }),
        // What a null of a list is, readers disagree on.
        ...(mostRepetitions === 0 && { statistics: statistics(nulls, this.#range.bounds()) }),
      }),
    });
  }
}

/** One column of one row group: its pages, as they go into the file, and what there is to say of them. */
class Chunk {
  readonly pages: Uint8Array[] = [];
  /** What its pages take, compressed and as they were before. */
  bytes = 0;
  uncompressedBytes = 0;
  /** What its values take, PLAIN encoded. */
  plainBytes = 0;
  /** Entries in its pages, nulls and empty lists included. */
  entries = 0;
  nulls = 0;
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

/** Types of fields in Thrift's compact protocol. */
const THRIFT = { true: 1, false: 2, i64: 6, binary: 8 };

/** `Statistics` of parquet.thrift, serialized. The library's does not know whether a bound is exact. */
function statistics(nulls: number, bounds?: Bounds): ThriftStruct {
  const { min, max, minIsExact, maxIsExact } = bounds ?? {};
  const bytes = new GrowingBytes();
  let last = 0;
  const header = (field: number, type: number) => {
    bytes.appendByte(((field - last) << 4) | type);
    last = field;
  };
  header(3, THRIFT.i64);
  bytes.appendVarint(nulls * 2);
  for (const [field, bound] of [[5, max] as const, [6, min] as const]) {
    if (bound === undefined) continue;
    header(field, THRIFT.binary);
    bytes.appendVarint(bound.length);
    bytes.append(bound);
  }
  if (max) header(7, maxIsExact ? THRIFT.true : THRIFT.false);
  if (min) header(8, minIsExact ? THRIFT.true : THRIFT.false);
  bytes.appendByte(0);
  return serialized(bytes.filled());
}

/** A struct that is serialized already. */
export function serialized(bytes: Uint8Array): ThriftStruct {
  return { write: ({ trans }) => trans.write(Buffer.from(bytes)) };
}
