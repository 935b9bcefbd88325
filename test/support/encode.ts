import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { Blocks } from '../../src/load/blocks.ts';
import { LOADERS } from '../../src/load/output.ts';

/** A loader of one format, with its output in hand. */
export interface OpenFile {
  /** @returns what the file grew by */
  write(batch: RecordBatch): Promise<Uint8Array[]>;
  finish(): Promise<Uint8Array[]>;
}

export async function openFile(
  format: Format,
  schema: Schema,
  compression?: Compression,
): Promise<OpenFile> {
  let chunks: Uint8Array[] = [];
  const blocks = new Blocks();
  const encoder = await LOADERS[format].open(schema, compression, (bytes) =>
    chunks.push(bytes.slice()),
  );
  const grown = async (ready: Iterable<RecordBatch>) => {
    for (const block of ready) await encoder.encode(block);
    const taken = chunks;
    chunks = [];
    return taken;
  };
  return {
    write: (batch) => grown(blocks.add({ batch, from: 0, to: batch.numRows })),
    async finish() {
      const rest = await grown(blocks.rest());
      await encoder.finish();
      return [...rest, ...(await grown([]))];
    },
  };
}

/** The whole file that a loader makes of the batches. */
export async function encode(
  format: Format,
  schema: Schema,
  batches: Iterable<RecordBatch>,
  compression?: Compression,
): Promise<Buffer> {
  const file = await openFile(format, schema, compression);
  const chunks: Uint8Array[] = [];
  for (const batch of batches) chunks.push(...(await file.write(batch)));
  chunks.push(...(await file.finish()));
  return Buffer.concat(chunks);
}
