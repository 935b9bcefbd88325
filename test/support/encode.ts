import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { LOADERS } from '../../src/load/index.ts';
import { Loader } from '../../src/load/loader.ts';

/** A loader of one format, with its output in hand. */
export interface OpenFile {
  /** @returns what the file grew by */
  write(batch: RecordBatch): Promise<Uint8Array[]>;
  finish(): Promise<Uint8Array[]>;
}

export function openFile(format: Format, schema: Schema, compression?: Compression): OpenFile {
  let chunks: Uint8Array[] = [];
  const out = (bytes: Uint8Array) => chunks.push(bytes.slice());
  const loader = new Loader(schema, compression, [{ definition: LOADERS[format], out }]);
  const grown = async (work: Promise<void>) => {
    chunks = [];
    await work;
    return chunks;
  };
  return { write: (batch) => grown(loader.write(batch)), finish: () => grown(loader.finish()) };
}

/** The whole file that a loader makes of the batches. */
export async function encode(
  format: Format,
  schema: Schema,
  batches: Iterable<RecordBatch>,
  compression?: Compression,
): Promise<Buffer> {
  const file = openFile(format, schema, compression);
  const chunks: Uint8Array[] = [];
  for (const batch of batches) chunks.push(...(await file.write(batch)));
  chunks.push(...(await file.finish()));
  return Buffer.concat(chunks);
}
