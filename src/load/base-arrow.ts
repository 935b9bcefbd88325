import type { FileHandle } from 'node:fs/promises';
import { Data, DataType, Message, makeData, RecordBatchReader, type Schema } from 'apache-arrow';
import { columnTypeOf } from '../jobs/arrow-schema.ts';
import { SLACK_BYTES } from '../json/bytes.ts';
import { batchOf } from './base-columns.ts';
import { type BaseRows, checkColumns, cutAmong } from './base-file.ts';
import { gather } from './blocks.ts';
import { bytesAt, checkEnd, checkStart, Damage, readAtOnce } from './check-file.ts';

const MAGIC = 'ARROW1';
/** Continuation marker and length, in front of every message. */
const PREFIX_BYTES = 8;
const NO_BITS = new Uint8Array(0);

/** A record batch of the file: its first row, and where it starts. */
interface Block {
  readonly row: number;
  readonly byte: number;
  readonly end: number;
  readonly body: number;
  readonly message: Message;
}

/** Opens an Arrow file: its footer and the metadata of its record batches are read, and later what is asked for of each. */
export async function openArrow(file: FileHandle, size: number, schema: Schema): Promise<BaseRows> {
  checkEnd(file, size, MAGIC);
  checkStart(file, MAGIC);
  const reader = await (await RecordBatchReader.from(readAtOnce(file))).open({
    autoDestroy: false,
  });
  const footer = reader.isFile() ? reader.footer : null;
  if (footer === null) throw new Damage('it is no Arrow file');
  checkColumns(
    reader.schema.fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field) ?? String(field.type),
      required: !field.nullable,
    })),
    schema,
  );
  const blocks: Block[] = [];
  let rows = 0;
  for (let i = 0; i < footer.numRecordBatches; i++) {
    const found = footer.getRecordBatch(i);
    if (found === null) throw new Damage('its footer breaks off');
    const body = found.offset + found.metaDataLength;
    if (
      !(found.offset > 0 && found.metaDataLength > PREFIX_BYTES && body + found.bodyLength < size)
    )
      throw new Damage('a record batch lies outside the file');
    const message = Message.decode(bytesAt(file, found.offset + PREFIX_BYTES, body));
    if (!message.isRecordBatch() || !(message.header().length > 0))
      throw new Damage('a message of it is no record batch');
    const row = rows;
    rows += message.header().length;
    blocks.push({ row, byte: found.offset, end: rows, body, message });
  }
  return {
    rows,
    cutBefore: async (row) => cutAmong(blocks, row),
    async *batches(from, to, wanted) {
      for (const block of blocks) {
        if (block.end <= from || block.row >= to) continue;
        const batch = batchOf(wanted, readColumns(file, block, schema, wanted));
        const [first, end] = [Math.max(from, block.row), Math.min(to, block.end)];
        const isWhole = end - first === batch.numRows;
        yield isWhole ? batch : gather([{ batch, from: first - block.row, to: end - block.row }]);
      }
    },
  };
}

function readColumns(file: FileHandle, block: Block, schema: Schema, wanted: Schema): Data[] {
  const read = new BodyReader(file, block);
  const columns = new Map<string, Data>();
  let [node, buffer] = [0, 0];
  for (const { name, type, nullable } of schema.fields) {
    if (wanted.fields.some((field) => field.name === name)) {
      const data = read.column(type, node, buffer);
      if (data.length !== block.end - block.row) throw new Damage('a column has too few rows');
      if (!nullable && data.nullCount > 0) throw new Damage('a row lacks a value');
      columns.set(name, data);
    }
    const isList = DataType.isList(type);
    node += isList ? 2 : 1;
    buffer += isList ? 5 : DataType.isUtf8(type) ? 3 : 2;
  }
  return wanted.fields.flatMap(({ name }) => columns.get(name) ?? []);
}

/** Reads the buffers of one record batch, each by its position. */
class BodyReader {
  readonly #file: FileHandle;
  readonly #body: number;
  readonly #bodyBytes: number;
  readonly #header;

  constructor(file: FileHandle, { body, message }: Block) {
    if (!message.isRecordBatch()) throw new Damage('a message of it is no record batch');
    this.#file = file;
    this.#body = body;
    this.#bodyBytes = message.bodyLength;
    this.#header = message.header();
    if (this.#header.compression !== null) throw new Damage('a record batch is compressed');
  }

  /** @param node its first, and its first buffer, among those of the record batch */
  column(type: DataType, node: number, buffer: number): Data {
    const { length = -1, nullCount = -1 } = this.#header.nodes[node] ?? {};
    if (!(length >= 0 && nullCount >= 0 && nullCount <= length))
      throw new Damage('a column has no length');
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
    let last = 0;
    for (const offset of offsets) {
      if (offset < last) throw new Damage('a text is out of place');
      last = offset;
    }
    if (offsets[0] !== 0) throw new Damage('a text is out of place');
    return offsets;
  }

  /** Behind them in memory are a few more: text is copied four at a time. In the file the footer follows. */
  #bytes(buffer: number, bytes: number): Uint8Array<ArrayBuffer> {
    const { offset = -1, length = -1 } = this.#header.buffers[buffer] ?? {};
    if (!(offset >= 0 && length >= bytes && offset + length <= this.#bodyBytes))
      throw new Damage('a column lies outside its record batch');
    const start = this.#body + offset;
    const read = bytesAt(this.#file, start, start + bytes + SLACK_BYTES);
    return read.subarray(0, bytes);
  }
}
