import { Message, RecordBatchFileWriter, type Schema } from 'apache-arrow';
import { columnsOf, type OpenEncoder, type Start } from './encoder.ts';
import type { ArrowFooter } from './read-arrow.ts';
import { withFile } from './reader.ts';

/** The Arrow IPC file format (Feather V2), a record batch a block, uncompressed, so that readers can map it into memory. */
export const openArrowFile: OpenEncoder = async (schema, _compression, start) => {
  columnsOf(schema);
  const file = new FileWriter(schema);
  if (start !== undefined) {
    const { readArrowFooter } = await import('./read-arrow.ts');
    file.goOn(start, await withFile(start.path, readArrowFooter));
  }
  return {
    encode(batch) {
      file.write(batch);
      return [file.take()];
    },
    finish() {
      file.finish();
      return [file.take()];
    },
  };
};

/** The library's writer, whose queue can be read only asynchronously and to its end, with its output in hand. */
class FileWriter extends RecordBatchFileWriter {
  #chunks: Uint8Array[] = [];

  constructor(schema: Schema) {
    super();
    this.reset(undefined, schema);
  }

  /** Goes on behind a copy of what stands before a place in a file of the same schema. */
  goOn({ byte }: Start, { recordBatches }: ArrowFooter): void {
    this.#chunks = [];
    this._position = byte;
    this._recordBatchBlocks = recordBatches.filter(({ offset }) => offset < byte);
  }

  /** What was written since the last call: the library writes each buffer by itself, and its padding. */
  take(): Uint8Array {
    const taken = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return taken;
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started) {
      this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
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
