import {
  type RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
  type Schema,
} from 'apache-arrow';

/** Continuation marker, and a message of no length. */
const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);

/**
 * Encodes record batches of one schema, each as an Arrow IPC stream of its own: how they travel between threads and rest
 * in checkpoints. A stream, not a file: the footer of a file would repeat the schema, which takes longer to encode than
 * a batch; here it is encoded once.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 */
export class BatchEncoder {
  readonly #writer = new MessageWriter();
  readonly #schema: Uint8Array;

  constructor(schema: Schema) {
    this.#writer.reset(undefined, schema);
    this.#schema = Buffer.concat(this.#writer.take());
  }

  /** @param batch may change afterwards: its bytes are copied */
  encode(batch: RecordBatch): Uint8Array {
    this.#writer.write(batch);
    return Buffer.concat([this.#schema, ...this.#writer.take(), END_OF_STREAM]);
  }
}

/** The library's writer, whose queue can be read only asynchronously and to its end, with its output in hand. */
class MessageWriter extends RecordBatchStreamWriter {
  #chunks: Uint8Array[] = [];

  take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    return chunks;
  }

  protected override _write(chunk: ArrayBufferView): this {
    this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this._position += chunk.byteLength;
    return this;
  }
}

/** The record batches of an Arrow IPC stream or file. The values stay where the bytes are. */
export function decodeBatches(bytes: Uint8Array): RecordBatch[] {
  return [...RecordBatchReader.from(bytes)];
}
