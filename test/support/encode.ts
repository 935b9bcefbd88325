import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from '../../src/domain/pipeline.ts';
import { LOADERS } from '../../src/load/index.ts';

/** The whole file that a loader makes of the batches. */
export async function encode(
  format: Format,
  schema: Schema,
  batches: Iterable<RecordBatch>,
  compression?: Compression,
): Promise<Buffer> {
  const loader = LOADERS[format].open(schema, compression);
  const chunks: Uint8Array[] = [];
  for (const batch of batches) chunks.push(...(await loader.write(batch)));
  chunks.push(...(await loader.finish()));
  return Buffer.concat(chunks);
}
