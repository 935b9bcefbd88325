import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { Blocks } from '../../src/load/blocks.ts';
import { ENCODERS } from '../../src/load/output.ts';

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
  const blocks = new Blocks();
  const encoder = await ENCODERS[format](schema, compression);
  const grown = async (ready: Iterable<RecordBatch>) => {
    const chunks: Uint8Array[] = [];
    for (const block of ready)
      chunks.push(...(await encoder.encode(block)).map((chunk) => chunk.slice()));
    return chunks;
  };
  return {
    write: (batch) => grown(blocks.add({ batch, from: 0, to: batch.numRows })),
    async finish() {
      const rest = await grown(blocks.rest());
      return [...rest, ...(await encoder.finish())];
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
