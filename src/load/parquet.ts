import { recordBatch } from './arrow-file.ts';
import type { LoaderDefinition } from './loader.ts';

/** Parquet, compressed with ZSTD unless another codec is asked for: docs/decisions.md. */
export const parquet: LoaderDefinition = {
  format: 'parquet',
  extension: () => '.parquet',
  async open(schema, compression = 'zstd', out) {
    const { parquetFile } = await import('./parquet-file.ts');
    const file = await parquetFile(schema, compression, out);
    return {
      encode: async (block) => file.encode(recordBatch(schema, block)),
      finish: async () => file.finish(),
    };
  },
};
