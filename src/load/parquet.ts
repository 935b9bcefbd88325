import type { LoaderDefinition } from '../domain/loader.ts';
import { blockLoader } from './block-loader.ts';

/** Parquet, in row groups of 50,000 rows. GZIP unless another compression is asked for: docs/decisions.md. */
export const parquet: LoaderDefinition = {
  format: 'parquet',
  extension: () => '.parquet',
  open: (schema, compression = 'gzip') =>
    blockLoader(schema, async (columns) => {
      const { parquetFile } = await import('./parquet-file.ts');
      return parquetFile(columns, compression);
    }),
};
