import type { RecordBatch, Schema } from 'apache-arrow';
import { type FileMetaData, parquetMetadata } from 'hyparquet';
import type { Compression } from '../../src/jobs/pipeline.ts';
import { openParquetFile } from '../../src/load/parquet-file.ts';

/** The whole Parquet file of the batches, without what cuts and checks them in an export. */
export async function parquetBytes(
  schema: Schema,
  batches: Iterable<RecordBatch>,
  compression: Compression = 'zstd',
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const file = await openParquetFile(schema, compression);
  for (const batch of batches) chunks.push(...file.encode(batch).map((chunk) => chunk.slice()));
  chunks.push(...file.finish());
  return Buffer.concat(chunks);
}

/** The footer, its timestamps as microseconds. */
export function metadataOf(file: Buffer): FileMetaData {
  return parquetMetadata(file, { parsers: { timestampFromMicroseconds: (micros) => micros } });
}
