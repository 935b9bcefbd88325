import { Message, RecordBatchFileWriter, type Schema } from 'apache-arrow';
import { columnsOf, type LoaderDefinition, type Sink } from './encoder.ts';

/** The Arrow IPC file format (Feather V2), a record batch a block, uncompressed, so that readers can map it into memory. */
export const arrow: LoaderDefinition = {
  format: 'arrow',
  extension: () => '.arrow',
  async open(schema, _compression, out) {
    columnsOf(schema);
    const file = new FileWriter(out);
    file.reset(undefined, schema);
    return {
      encode: (batch) => void file.write(batch),
      finish: () => void file.finish(),
    };
  },
};

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
