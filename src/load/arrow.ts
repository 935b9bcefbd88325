import { Message, RecordBatchFileWriter, type Schema } from 'apache-arrow';
import { columnsOf, type OpenEncoder, type Start } from './encoder.ts';
import type { MessagePlace } from './read-arrow.ts';
import { withFile } from './reader.ts';

/** The Arrow IPC file format (Feather V2), a record batch a block, uncompressed, so that readers can map it into memory. */
export const openArrowFile: OpenEncoder = async (schema, _compression, start) => {
  columnsOf(schema);
  const file = new FileWriter(schema, start && (await blocksBefore(start)));
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

interface Blocks {
  readonly bytes: number;
  readonly blocks: readonly MessagePlace[];
}

/** Where the record batches lie that stand before a place. */
async function blocksBefore({ path, byte }: Start): Promise<Blocks> {
  const { readArrowFooter } = await import('./read-arrow.ts');
  const { recordBatches } = await withFile(path, readArrowFooter);
  return { bytes: byte, blocks: recordBatches.filter(({ offset }) => offset < byte) };
}

/** The library's writer, whose queue can be read only asynchronously and to its end, with its output in hand. */
class FileWriter extends RecordBatchFileWriter {
  #chunks: Uint8Array[] = [];

  /** @param before the record batches of the start of the file, if that is written */
  constructor(schema: Schema, before?: Blocks) {
    super();
    this.reset(undefined, schema);
    if (before === undefined) return;
    this.#chunks = [];
    this._position = before.bytes;
    this._recordBatchBlocks = [...before.blocks];
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
