import type { FileHandle } from 'node:fs/promises';
import { Data, DataType, makeData, type Schema } from 'apache-arrow';
import { SLACK_BYTES } from '../json/bytes.ts';
import { arrow } from './arrow.ts';
import { batchOf } from './base-columns.ts';
import { type BaseRows, type Cut, cutAmong } from './base-file.ts';
import { gather } from './blocks.ts';
import { bytesAt, checkEnd, Damage } from './check-file.ts';

const MAGIC = 'ARROW1';
/** Continuation marker and length, in front of every message. */
const PREFIX_BYTES = 8;
const CONTINUATION = -1;
const NO_BITS = new Uint8Array(0);

/** A record batch of the file: its first row, the one behind its last, where it starts, and what it says of its buffers. */
interface Block extends Cut {
  readonly end: number;
  readonly message: BatchMessage;
}

/**
 * Opens an Arrow file of this program's own, which starts as the writer starts one of this schema. The metadata of its
 * record batches is read, one behind the other, and later the buffers that are asked for of each. It is decoded here: the
 * library makes lists as long as damaged metadata says.
 */
export async function openArrow(file: FileHandle, size: number, schema: Schema): Promise<BaseRows> {
  checkEnd(file, size, MAGIC);
  const head: Uint8Array[] = [];
  await arrow.open(schema, undefined, (bytes) => head.push(bytes.slice()));
  const start = Buffer.concat(head);
  if (size < start.length || !start.equals(bytesAt(file, 0, start.length)))
    throw new Damage('it does not start as a file of these columns does');
  const blocks: Block[] = [];
  let rows = 0;
  for (let byte = start.length; ; ) {
    const [marker, length] = new Int32Array(bytesAt(file, byte, byte + PREFIX_BYTES).buffer);
    const body = byte + PREFIX_BYTES + length;
    if (marker !== CONTINUATION || length < 0 || body > size)
      throw new Damage('a message of it has no length');
    if (length === 0) break;
    const message = new BatchMessage(bytesAt(file, byte + PREFIX_BYTES, body), file, body);
    blocks.push({ row: rows, end: rows + message.rows, byte, message });
    rows += message.rows;
    byte = message.end;
  }
  return {
    rows,
    cutBefore: async (row) => cutAmong(blocks, row),
    async *batches(from, to, wanted) {
      for (const { row, end, message } of blocks) {
        if (end <= from || row >= to) continue;
        const batch = batchOf(wanted, readColumns(message, schema, wanted));
        const [first, last] = [Math.max(from, row), Math.min(to, end)];
        yield last - first === batch.numRows
          ? batch
          : gather([{ batch, from: first - row, to: last - row }]);
      }
    },
  };
}

function readColumns(message: BatchMessage, schema: Schema, wanted: Schema): Data[] {
  const columns: Data[] = [];
  let [node, buffer] = [0, 0];
  for (const { name, type, nullable } of schema.fields) {
    if (wanted.fields[columns.length]?.name === name) {
      const data = message.column(type, node, buffer);
      if (data.length !== message.rows || (!nullable && data.nullCount > 0))
        throw new Damage('a row lacks a value');
      columns.push(data);
    }
    const isList = DataType.isList(type);
    node += isList ? 2 : 1;
    buffer += isList ? 5 : DataType.isUtf8(type) ? 3 : 2;
  }
  return columns;
}

/** The fields of a `Message` and of a `RecordBatch`, and the kind of message. Source: Message.fbs of Apache Arrow. */
const MESSAGE = { headerType: 1, header: 2, bodyLength: 3 };
const BATCH = { length: 0, nodes: 1, buffers: 2, compression: 3 };
const RECORD_BATCH = 3;

/** Bytes of a field node and of a buffer: two numbers each. */
const PAIR_BYTES = 16;

/** A record batch's metadata, a table of FlatBuffers, and with it its buffers, each read by its position. */
class BatchMessage {
  readonly rows: number;
  /** Where in the file its body ends. */
  readonly end: number;
  readonly #view: DataView;
  readonly #file: FileHandle;
  readonly #body: number;
  readonly #nodes: number;
  readonly #buffers: number;

  constructor(metadata: Uint8Array<ArrayBuffer>, file: FileHandle, body: number) {
    const view = new DataView(metadata.buffer);
    this.#view = view;
    this.#file = file;
    this.#body = body;
    const message = view.getUint32(0, true);
    const type = this.#field(message, MESSAGE.headerType);
    if (type === 0 || view.getUint8(type) !== RECORD_BATCH)
      throw new Damage('a message of it is no record batch');
    this.end = body + this.#number(this.#field(message, MESSAGE.bodyLength));
    const batch = this.#target(this.#field(message, MESSAGE.header));
    if (this.#field(batch, BATCH.compression) !== 0)
      throw new Damage('a record batch is compressed');
    this.rows = this.#number(this.#field(batch, BATCH.length));
    this.#nodes = this.#target(this.#field(batch, BATCH.nodes));
    this.#buffers = this.#target(this.#field(batch, BATCH.buffers));
  }

  /** @param node its first, and its first buffer, among those of the record batch */
  column(type: DataType, node: number, buffer: number): Data {
    const [length, nullCount] = this.#pair(this.#nodes, node);
    if (nullCount > length) throw new Damage('a column has no length');
    const bitBytes = Math.ceil(length / 8);
    const nullBitmap = nullCount === 0 ? NO_BITS : this.#bytes(buffer, bitBytes);
    if (DataType.isBool(type)) {
      const bits = this.#bytes(buffer + 1, bitBytes);
      return new Data(type, 0, length, nullCount, [undefined, bits, nullBitmap]);
    }
    if (DataType.isUtf8(type)) {
      const offsets = this.#offsets(buffer + 1, length);
      const text = this.#bytes(buffer + 2, offsets[length]);
      return new Data(type, 0, length, nullCount, [offsets, text, nullBitmap]);
    }
    if (DataType.isList(type)) {
      const valueOffsets = this.#offsets(buffer + 1, length);
      const child = this.column(type.valueType, node + 1, buffer + 2);
      if (child.length !== valueOffsets[length]) throw new Damage('a list is out of place');
      return makeData({ type, length, nullCount, nullBitmap, valueOffsets, child });
    }
    const { buffer: bytes } = this.#bytes(buffer + 1, length * 8);
    const values = DataType.isFloat(type)
      ? new Float64Array(bytes, 0, length)
      : new BigInt64Array(bytes, 0, length);
    return new Data(type, 0, length, nullCount, [undefined, values, nullBitmap]);
  }

  #offsets(buffer: number, length: number): Int32Array {
    if (length === 0) return new Int32Array(1);
    const offsets = new Int32Array(this.#bytes(buffer, (length + 1) * 4).buffer, 0, length + 1);
    if (offsets[0] !== 0 || offsets.some((offset, i) => offset < offsets[i - 1]))
      throw new Damage('a text or a list is out of place');
    return offsets;
  }

  /** In memory a few more come behind, as text is copied four at a time; in the file the footer follows. */
  #bytes(buffer: number, bytes: number): Uint8Array<ArrayBuffer> {
    const [offset, length] = this.#pair(this.#buffers, buffer);
    const start = this.#body + offset;
    if (bytes > length || start + length > this.end)
      throw new Damage('a column lies outside its record batch');
    return bytesAt(this.#file, start, start + bytes + SLACK_BYTES).subarray(0, bytes);
  }

  /** Where a field of a table is; 0 where it has none. */
  #field(table: number, field: number): number {
    const layout = table - this.#view.getInt32(table, true);
    const place = 4 + field * 2;
    const isKnown = place < this.#view.getUint16(layout, true);
    const offset = isKnown ? this.#view.getUint16(layout + place, true) : 0;
    return offset === 0 ? 0 : table + offset;
  }

  /** What the offset at a position points to. */
  #target(at: number): number {
    return at + this.#view.getUint32(at, true);
  }

  #pair(vector: number, index: number): [number, number] {
    if (index >= this.#view.getUint32(vector, true)) throw new Damage('a column is missing');
    const at = vector + 4 + index * PAIR_BYTES;
    return [this.#number(at), this.#number(at + 8)];
  }

  /** A length or an offset. */
  #number(at: number): number {
    const value = Number(this.#view.getBigInt64(at, true));
    if (at === 0 || !(value >= 0)) throw new Damage('a number of a record batch is missing');
    return value;
  }
}
