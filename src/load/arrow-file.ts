import {
  Data,
  DataType,
  type Field,
  Message,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  type Schema,
  Struct,
} from 'apache-arrow';
import type { FixedColumn, TextColumn } from './block-columns.ts';
import type { BlockEncoder, Sink } from './loader.ts';
import type { Block, BlockColumn } from './row-blocks.ts';

/** Encodes each block as one record batch of an Arrow IPC file. */
export function arrowFile(schema: Schema, out: Sink): BlockEncoder {
  const file = new FileWriter(out);
  file.reset(undefined, schema);
  return {
    async encode(block) {
      file.write(recordBatch(schema, block));
    },
    async finish() {
      file.finish();
    },
  };
}

/** The library's writer, whose queue can be read only asynchronously and to its end, with its output in hand. */
class FileWriter extends RecordBatchFileWriter {
  readonly #out: Sink;

  constructor(out: Sink) {
    super();
    this.#out = out;
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) {
      this.#out(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }

  /**
   * Between its magic strings an IPC file is an IPC stream, which starts with the schema; the library leaves it out.
   *
   * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format
   */
  protected override _writeSchema(schema: Schema): this {
    return super._writeSchema(schema)._writeMessage(Message.from(schema));
  }
}

export function recordBatch(schema: Schema, block: Block): RecordBatch {
  const children = schema.fields.map((field, i) => columnData(field, block.columns[i]));
  const type = new Struct(schema.fields);
  return new RecordBatch(schema, makeData({ type, length: block.rows, nullCount: 0, children }));
}

function columnData({ type }: Field, column: BlockColumn): Data {
  const { rows, nulls } = column;
  switch (column.kind) {
    case 'fixed':
      return new Data(type, 0, rows, nulls, [
        undefined,
        fixedValues(type, column),
        nullBits(column),
      ]);
    case 'bool':
      return new Data(type, 0, rows, nulls, [
        undefined,
        packedBits(column.values, rows),
        nullBits(column),
      ]);
    case 'text':
      return textData(type, column);
    case 'list': {
      const offsets = column.offsets.subarray(0, rows + 1);
      const elements = textData(type.children[0].type, column.elements);
      return new Data(type, 0, rows, nulls, [offsets, undefined, nullBits(column)], [elements]);
    }
  }
}

function textData(type: DataType, column: TextColumn): Data {
  const offsets = column.offsets.subarray(0, column.rows + 1);
  const bytes = column.bytes.subarray(0, offsets[column.rows]);
  return new Data(type, 0, column.rows, column.nulls, [offsets, bytes, nullBits(column)]);
}

function fixedValues(type: DataType, { bytes, doubles, rows }: FixedColumn) {
  return DataType.isFloat(type)
    ? doubles.subarray(0, rows)
    : new BigInt64Array(bytes.buffer, 0, rows);
}

function nullBits({ nulls, valid, rows }: BlockColumn): Uint8Array {
  return nulls === 0 ? new Uint8Array(0) : packedBits(valid, rows);
}

/** Eight flags a byte, least significant bit first. */
function packedBits(flags: Uint8Array, count: number): Uint8Array {
  const bits = new Uint8Array((count + 7) >> 3);
  for (let i = 0; i < count; i++) if (flags[i] === 1) bits[i >> 3] = bits[i >> 3] | (1 << (i & 7));
  return bits;
}
