import type { LoaderDefinition } from './encoder.ts';

/** Parquet, compressed with ZSTD unless another codec is asked for: docs/decisions.md. */
export const parquet: LoaderDefinition = {
  format: 'parquet',
  extension: () => '.parquet',
  async open(schema, compression = 'zstd', start) {
    const { parquetFile } = await import('./parquet-file.ts');
    return parquetFile(schema, compression, start);
  },
  async canFollow(path, compression = 'zstd') {
    const { isCompressed } = await import('./parquet-file.ts');
    return isCompressed(path, compression);
  },
};
