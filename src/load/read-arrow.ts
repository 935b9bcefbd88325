import type { FileHandle } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { Data, DataType, makeData, type Schema } from 'apache-arrow';
import { batchOf } from '../jobs/column-buffers.ts';
import type { FoundColumn } from '../jobs/columns.ts';
import { gather } from './blocks.ts';
import {
  bytesAt,
  type Cut,
  checkEnd,
  checkStart,
  cutAmong,
  Damage,
  type DataReader,
  type ReadOptions,
} from './reader.ts';

const MAGIC = 'ARROW1';
/** The magic string and padding. */
const HEAD_BYTES = 8;
/** Continuation marker and length, in front of every message. */
const PREFIX_BYTES = 8;
const CONTINUATION = -1;
/** Behind the footer: its length, and the magic string. */
const ENDING_BYTES = 4 + MAGIC.length;
const NO_BITS = new Uint8Array(0);

/** The fields of the tables that are read, by their place. Source: File.fbs, Message.fbs, Schema.fbs of Apache Arrow. */
const FOOTER = { schema: 1, recordBatches: 3 };
const MESSAGE = { headerType: 1, header: 2, bodyLength: 3 };
const BATCH = { length: 0, nodes: 1, buffers: 2, compression: 3 };
const SCHEMA = { fields: 1 };
const FIELD = { name: 0, nullable: 1, typeType: 2, type: 3, children: 5, metadata: 6 };
const KEY_VALUE = { key: 0, value: 1 };
/** Kinds of messages. */
const [OF_SCHEMA, OF_BATCH] = [1, 3];
/** A field node or a buffer: two numbers; where a message is, in the footer: three, the second of 32 bits. */
const [PAIR_BYTES, BLOCK_BYTES] = [16, 24];

/** Where a message is, and how long its metadata (prefix included) and its body are. */
interface MessagePlace {
  readonly offset: number;
  readonly metaDataLength: number;
  readonly bodyLength: number;
}

/** A record batch of the file: its first row, the one behind its last, and where it starts. */
interface Block extends Cut {
  readonly end: number;
  readonly message: Message;
}

/**
 * Opens an Arrow file of this program's own. Between its magic strings it is a stream, which can be read behind its
 * writer; its footer must then name the columns and record batches that the stream had. The metadata is decoded here:
 * the library makes lists as long as damaged metadata says.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
 */
export async function openArrow(file: ReadOptions): Promise<DataReader> {
  const { handle, growth } = file;
  if (!(await growth.reaches(HEAD_BYTES))) throw new Damage('it is too short');
  checkStart(handle, MAGIC);
  const start = await readMessage(file, HEAD_BYTES);
  if (start?.type !== OF_SCHEMA) throw new Damage('it does not start with a schema');
  const columns = foundColumns(start.header);
  const blocks: Block[] = [];
  let last = start;
  let isWhole = false;

  /** Reads the metadata of record batches as far as this one. */
  async function blockAt(index: number): Promise<Block | undefined> {
    while (!isWhole && blocks.length <= index) {
      const message = await readMessage(file, last.end);
      if (message === undefined) {
        const found = { columns, recordBatches: blocks.map((block) => block.message.place) };
        if (!isDeepStrictEqual(readArrowFooter(handle, await growth.whole()), found))
          throw new Damage('its footer names other record batches or columns than it has');
        isWhole = true;
      } else {
        const row = blocks.at(-1)?.end ?? 0;
        blocks.push({ row, end: row + rowsOf(message), byte: last.end, message });
        last = message;
      }
    }
    return blocks[index];
  }

  return {
    columns,
    async cutBefore(row) {
      await blockAt(Number.POSITIVE_INFINITY);
      return cutAmong(blocks, row);
    },
    async *batches(from, to, wanted) {
      for (let index = 0; ; index++) {
        const block = await blockAt(index);
        if (block === undefined || block.row >= to) return;
        const { row, end, message } = block;
        if (end <= from) continue;
        const batch = batchOf(wanted, readColumns(handle, message, columns, wanted));
        const [first, behind] = [Math.max(from, row), Math.min(to, end)];
        yield behind - first === batch.numRows
          ? batch
          : gather([{ batch, from: first - row, to: behind - row }]);
      }
    },
  };
}

/** What the footer names. */
export interface ArrowFooter {
  readonly columns: readonly FoundColumn[];
  readonly recordBatches: readonly MessagePlace[];
}

export function readArrowFooter(handle: FileHandle, size: number): ArrowFooter {
  checkEnd(handle, size, MAGIC);
  const behind = size - ENDING_BYTES;
  const [length] = new Int32Array(bytesAt(handle, behind, behind + 4).buffer);
  if (length < 4 || length > behind) throw new Damage('it has a footer of an impossible size');
  const footer = Table.root(bytesAt(handle, behind - length, behind));
  return {
    columns: foundColumns(footer.table(FOOTER.schema)),
    recordBatches: footer.items(FOOTER.recordBatches, BLOCK_BYTES).map((at) => ({
      offset: footer.int64At(at),
      metaDataLength: footer.view.getInt32(at + 8, true),
      bodyLength: footer.int64At(at + 16),
    })),
  };
}

/** A message in a file: what it is of, and where its body is. */
interface Message {
  readonly type: number;
  readonly header: Table;
  readonly place: MessagePlace;
  readonly body: number;
  readonly end: number;
}

/** @returns undefined for the mark at the end of the stream */
async function readMessage(file: ReadOptions, offset: number): Promise<Message | undefined> {
  const prefix = await writtenBytes(file, offset, offset + PREFIX_BYTES);
  const [marker, length] = new Int32Array(prefix.buffer);
  if (marker !== CONTINUATION || length < 0) throw new Damage('a message of it has no length');
  if (length === 0) return undefined;
  const body = offset + PREFIX_BYTES + length;
  const message = Table.root(await writtenBytes(file, offset + PREFIX_BYTES, body));
  const bodyLength = message.int64(MESSAGE.bodyLength);
  if (!(await file.growth.reaches(body + bodyLength))) throw new Damage('it ends too early');
  return {
    type: message.number(MESSAGE.headerType),
    header: message.table(MESSAGE.header),
    place: { offset, metaDataLength: PREFIX_BYTES + length, bodyLength },
    body,
    end: body + bodyLength,
  };
}

/** The bytes from `start` to `end`, once they are written. @throws Damage when they never are */
async function writtenBytes({ handle, growth }: ReadOptions, start: number, end: number) {
  if (!(await growth.reaches(end))) throw new Damage('it ends too early');
  return bytesAt(handle, start, end);
}

function foundColumns(schema: Table): FoundColumn[] {
  return schema.tables(SCHEMA.fields).map((field) => ({
    name: field.text(FIELD.name),
    type: columnType(field),
    required: field.number(FIELD.nullable) === 0,
  }));
}

/** The types of this project by the numbers of `Type` in Schema.fbs, with the parameters that they must have. */
function columnType(field: Table): string {
  const kind = field.number(FIELD.typeType);
  const type = field.table(FIELD.type);
  const metadata = field.tables(FIELD.metadata);
  const isJson = metadata.some(
    (entry) =>
      entry.text(KEY_VALUE.key) === 'pasqal:json' && entry.text(KEY_VALUE.value) === 'true',
  );
  const [item] = field.tables(FIELD.children);
  if (kind === 2 && type.number(0, 4) === 64 && type.number(1) === 1) return 'int64';
  if (kind === 3 && type.number(0, 2) === 2) return 'float64';
  if (kind === 5) return isJson ? 'json' : 'string';
  if (kind === 6) return 'bool';
  if (kind === 10 && type.number(0, 2) === 2 && type.text(1) === 'UTC') return 'timestamp';
  if (kind === 12 && item?.number(FIELD.typeType) === 5) return 'strings';
  return `Arrow type ${kind}`;
}

/** Field nodes and buffers of each type in a record batch; those of others are never looked at. */
const LAYOUT: Readonly<Record<string, readonly [nodes: number, buffers: number]>> = {
  string: [1, 3],
  json: [1, 3],
  strings: [2, 5],
};

function rowsOf({ type, header }: Message): number {
  if (type !== OF_BATCH) throw new Damage('a message of it is no record batch');
  if (header.place(BATCH.compression) !== 0) throw new Damage('a record batch is compressed');
  return header.int64(BATCH.length);
}

function readColumns(
  handle: FileHandle,
  message: Message,
  columns: readonly FoundColumn[],
  { fields }: Schema,
): Data[] {
  const readColumn = columnReader(handle, message);
  const read: Data[] = [];
  let [node, buffer] = [0, 0];
  for (const { name, type } of columns) {
    const field = fields[read.length];
    if (field?.name === name) {
      const data = readColumn(field.type, node, buffer);
      if (data.length !== rowsOf(message) || (!field.nullable && data.nullCount > 0))
        throw new Damage('a row lacks a value');
      read.push(data);
    }
    const [nodes, places] = LAYOUT[type] ?? [1, 2];
    node += nodes;
    buffer += places;
  }
  return read;
}

/** @returns reads a column, given the numbers of its first field node and buffer in the record batch */
function columnReader(handle: FileHandle, { header, body, end }: Message) {
  const [nodes, buffers] = [BATCH.nodes, BATCH.buffers].map((list) =>
    header.items(list, PAIR_BYTES),
  );

  function pair(at: number | undefined): [number, number] {
    if (at === undefined) throw new Damage('a column is missing');
    return [header.int64At(at), header.int64At(at + 8)];
  }

  function bytes(buffer: number, wanted: number): Uint8Array<ArrayBuffer> {
    const [offset, length] = pair(buffers[buffer]);
    const start = body + offset;
    if (wanted > length || start + length > end)
      throw new Damage('a column lies outside its record batch');
    return bytesAt(handle, start, start + wanted);
  }

  function offsets(buffer: number, length: number): Int32Array {
    if (length === 0) return new Int32Array(1);
    const read = new Int32Array(bytes(buffer, (length + 1) * 4).buffer, 0, length + 1);
    if (read[0] !== 0 || read.some((offset, i) => offset < read[i - 1]))
      throw new Damage('a text or a list is out of place');
    return read;
  }

  return function column(type: DataType, node: number, buffer: number): Data {
    const [length, nullCount] = pair(nodes[node]);
    if (nullCount > length) throw new Damage('a column has no length');
    const bitBytes = Math.ceil(length / 8);
    const nullBitmap = nullCount === 0 ? NO_BITS : bytes(buffer, bitBytes);
    if (DataType.isUtf8(type)) {
      const ends = offsets(buffer + 1, length);
      const text = bytes(buffer + 2, ends[length]);
      return new Data(type, 0, length, nullCount, [ends, text, nullBitmap]);
    }
    if (DataType.isList(type)) {
      const valueOffsets = offsets(buffer + 1, length);
      const child = column(type.valueType, node + 1, buffer + 2);
      if (child.length !== valueOffsets[length]) throw new Damage('a list is out of place');
      return makeData({ type, length, nullCount, nullBitmap, valueOffsets, child });
    }
    const isBool = DataType.isBool(type);
    const stored = bytes(buffer + 1, isBool ? bitBytes : length * 8);
    const wide = DataType.isFloat(type) ? Float64Array : BigInt64Array;
    const values = isBool ? stored : new wide(stored.buffer, 0, length);
    return new Data(type, 0, length, nullCount, [undefined, values, nullBitmap]);
  };
}

/** A table of FlatBuffers. A field that it does not have is 0, empty, or a table without fields. */
class Table {
  readonly view: DataView;
  readonly #at: number;

  constructor(view: DataView, at: number) {
    this.view = view;
    this.#at = at;
  }

  static root({ buffer }: Uint8Array<ArrayBuffer>): Table {
    const view = new DataView(buffer);
    return new Table(view, view.getUint32(0, true));
  }

  /** Where a field is; 0 where the table has none. */
  place(field: number): number {
    if (this.#at === 0) return 0;
    const layout = this.#at - this.view.getInt32(this.#at, true);
    const place = 4 + field * 2;
    const isKnown = place < this.view.getUint16(layout, true);
    const offset = isKnown ? this.view.getUint16(layout + place, true) : 0;
    return offset === 0 ? 0 : this.#at + offset;
  }

  /** An unsigned number of so many bytes. */
  number(field: number, bytes = 1): number {
    const at = this.place(field);
    let value = 0;
    for (let i = 0; at > 0 && i < bytes; i++) value |= this.view.getUint8(at + i) << (8 * i);
    return value;
  }

  /** A length or a position. */
  int64(field: number): number {
    const at = this.place(field);
    return at === 0 ? 0 : this.int64At(at);
  }

  int64At(at: number): number {
    const value = Number(this.view.getBigInt64(at, true));
    if (value < 0) throw new Damage('a length or a position is negative');
    return value;
  }

  table(field: number): Table {
    return new Table(this.view, this.#target(this.place(field)));
  }

  tables(field: number): Table[] {
    return this.items(field, 4).map((at) => new Table(this.view, this.#target(at)));
  }

  /** Where the items of a list are. */
  items(field: number, bytes: number): number[] {
    const list = this.#target(this.place(field));
    const length = list === 0 ? 0 : this.view.getUint32(list, true);
    if (list + 4 + length * bytes > this.view.byteLength)
      throw new Damage('a list is longer than its metadata');
    return Array.from({ length }, (_, i) => list + 4 + i * bytes);
  }

  text(field: number): string {
    const bytes = this.items(field, 1).map((at) => this.view.getUint8(at));
    return Buffer.from(bytes).toString('utf8');
  }

  /** What the offset at a position points to. */
  #target(at: number): number {
    return at === 0 ? 0 : at + this.view.getUint32(at, true);
  }
}
