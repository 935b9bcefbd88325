import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import { columnsOf } from './columns.ts';
import { type Block, RowBlocks } from './row-blocks.ts';

/** Takes the next bytes of a file. It copies them: their memory may be used again at once. */
export type Sink = (bytes: Uint8Array) => void;

/** Writes one format, block by block, in bounded memory. What it is given is not kept. Calls do not overlap. */
export interface BlockEncoder {
  readonly encode: (block: Block) => Promise<void>;
  readonly finish: () => Promise<void>;
}

export interface LoaderDefinition {
  readonly format: Format;
  /** What the file's name ends with, e.g. `.parquet` or `.ndjson.gz`. */
  extension(compression: Compression | undefined): string;
  /** Loads what it needs: nothing is needed before the first rows come. */
  open(schema: Schema, compression: Compression | undefined, out: Sink): Promise<BlockEncoder>;
}

/** A file to make: its format, and where its bytes go. */
export interface FileToLoad {
  readonly definition: LoaderDefinition;
  readonly out: Sink;
}

/**
 * Turns record batches into files of several formats. The rows are cut into blocks once, and each block is handed to
 * one encoder after the other.
 */
export class Loader {
  readonly #blocks: RowBlocks;
  readonly #open: () => Promise<BlockEncoder[]>;
  #encoders: Promise<BlockEncoder[]> | undefined;

  /** @throws ExportError (65, load) when the schema has a type that no file can carry. */
  constructor(schema: Schema, compression: Compression | undefined, files: readonly FileToLoad[]) {
    this.#blocks = new RowBlocks(columnsOf(schema));
    this.#open = () =>
      Promise.all(files.map(({ definition, out }) => definition.open(schema, compression, out)));
  }

  async write(batch: RecordBatch): Promise<void> {
    await explained(() => this.#encode(this.#blocks.add(batch)));
  }

  /** Ends the files. No call may follow. */
  async finish(): Promise<void> {
    await explained(async () => {
      await this.#encode(this.#blocks.rest());
      for (const encoder of await this.#opened()) await encoder.finish();
    });
  }

  async #encode(ready: Iterable<Block>): Promise<void> {
    for (const block of ready) {
      for (const encoder of await this.#opened()) await encoder.encode(block);
    }
  }

  #opened(): Promise<BlockEncoder[]> {
    this.#encoders ??= this.#open();
    return this.#encoders;
  }
}

/** Some libraries throw strings: whatever is thrown leaves here as an `ExportError`. */
async function explained(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError(`encoding the file failed: ${messageOf(thrown)}`, {
      exitCode: EXIT.bug,
      stage: 'load',
      cause: thrown,
    });
  }
}
