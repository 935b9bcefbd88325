import { gzipSync } from 'node:zlib';
import compression from 'parquetjs-lite/lib/compression.js';
import type { Compression } from '../jobs/pipeline.ts';

/** Above level 1 the files shrink by a few percent and take up to three times as long: docs/decisions.md. */
const GZIP_LEVEL = 1;

export interface PageCodec {
  /** As parquet.thrift names it. */
  readonly name: 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP';
  /** The result may share memory with the argument. */
  compress(page: Uint8Array): Uint8Array;
}

/** The library's GZIP has a fixed level of 6: only SNAPPY is taken from it. */
export const PAGE_CODECS: Readonly<Record<Compression, PageCodec>> = {
  none: { name: 'UNCOMPRESSED', compress: (page) => page },
  snappy: { name: 'SNAPPY', compress: (page) => compression.deflate('SNAPPY', page) },
  gzip: {
    name: 'GZIP',
    compress: (page) => gzipSync(page, { level: GZIP_LEVEL, chunkSize: 128 * 1024 }),
  },
};
