import { columnsOf, type LoaderDefinition } from './encoder.ts';

/** Parquet, in row groups of 50,000 rows. GZIP unless another compression is asked for: docs/decisions.md. */
export const parquet: LoaderDefinition = {
  format: 'parquet',
  extension: () => '.parquet',
  async open(schema, compression = 'gzip', out) {
    const { parquetFile } = await import('./parquet-file.ts');
    return parquetFile(columnsOf(schema), compression, out);
  },
};
