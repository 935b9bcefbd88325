import type { RecordBatch, Schema } from 'apache-arrow';
import { EXIT, ExportError, messageOf } from '../domain/errors.ts';
import type { Loader } from '../domain/loader.ts';
import { columnsOf, type LoadColumn } from './columns.ts';
import { type Block, RowBlocks } from './row-blocks.ts';

/** Writes one format, block by block. What it returns is the caller's; what it is given is not kept. */
export interface BlockEncoder {
  readonly encode: (block: Block) => Promise<Uint8Array[]>;
  readonly finish: () => Promise<Uint8Array[]>;
}

/**
 * A loader that cuts record batches into blocks and hands them to an encoder, which is made at the first call: heavy
 * libraries are loaded when a file is really written.
 *
 * @throws ExportError (65, load) when the schema has a type that no file can carry.
 */
export function blockLoader(
  schema: Schema,
  open: (columns: readonly LoadColumn[]) => Promise<BlockEncoder>,
): Loader {
  const columns = columnsOf(schema);
  const blocks = new RowBlocks(columns);
  let encoder: Promise<BlockEncoder> | undefined;

  function opened(): Promise<BlockEncoder> {
    encoder ??= open(columns);
    return encoder;
  }

  async function encode(ready: Iterable<Block>): Promise<Uint8Array[]> {
    const { encode } = await opened();
    const chunks: Uint8Array[] = [];
    for (const block of ready) chunks.push(...(await encode(block)));
    return chunks;
  }

  return {
    write: (batch: RecordBatch) => explained(() => encode(blocks.add(batch))),
    finish: () =>
      explained(async () => {
        const chunks = await encode(blocks.rest());
        const { finish } = await opened();
        return [...chunks, ...(await finish())];
      }),
  };
}

/** Some libraries throw strings: whatever is thrown leaves here as an `ExportError`. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof ExportError) throw thrown;
    throw new ExportError(`encoding the file failed: ${messageOf(thrown)}`, {
      exitCode: EXIT.bug,
      stage: 'load',
      cause: thrown,
    });
  }
}
