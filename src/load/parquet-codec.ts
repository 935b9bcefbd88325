import { gzipSync } from 'node:zlib';
import compression from 'parquetjs-lite/lib/compression.js';
import type { Compression } from '../jobs/pipeline.ts';

/** Above level 1 the files take longer and hardly shrink: docs/decisions.md, "Parquet compression". */
const GZIP_LEVEL = 1;

/** Numbers shrink by a third more at level 3, in about the same time; text is smaller and quicker at level 1. */
const ZSTD_LEVEL = { text: 1, numbers: 3 } as const;

/** What most of a page is. */
export type Content = keyof typeof ZSTD_LEVEL;

/** A second start of the WebAssembly would take away the memory that the first is using. */
let started: Promise<void> | undefined;

export interface PageCodec {
  /** As parquet.thrift names it. */
  readonly name: 'UNCOMPRESSED' | 'SNAPPY' | 'GZIP' | 'ZSTD';
  /** The result may share memory with the argument. */
  compress(page: Uint8Array, content: Content): Uint8Array;
}

/**
 * The codec of a file's pages. The library has no ZSTD and a GZIP of a fixed level of 6: only SNAPPY is taken from it.
 * ZSTD is WebAssembly, so that the bytes are the same on every version of Node.js.
 */
export async function openCodec(name: Compression): Promise<PageCodec> {
  switch (name) {
    case 'none':
      return { name: 'UNCOMPRESSED', compress: (page) => page };
    case 'snappy':
      return { name: 'SNAPPY', compress: (page) => compression.deflate('SNAPPY', page) };
    case 'gzip':
      return {
        name: 'GZIP',
        compress: (page) => gzipSync(page, { level: GZIP_LEVEL, chunkSize: 128 * 1024 }),
      };
    case 'zstd': {
      const { compress } = await zstd();
      return {
        name: 'ZSTD',
        compress: (page, content) => compress(page, ZSTD_LEVEL[content]),
      };
    }
  }
}

async function zstd() {
  const library = await import('@bokuweb/zstd-wasm');
  started ??= library.init();
  await started;
  return library;
}

/**
 * The same library's way back, ten times as fast as one in JavaScript. It fills `into`, and throws when a page has another
 * length.
 */
export async function zstdDecompressor() {
  const { decompress } = await zstd();
  return (page: Uint8Array, into: Uint8Array): number => {
    // The library allots as much memory as the frame asks for.
    if (zstdContentSize(page) !== into.length) throw new RangeError('a page has another length');
    into.set(decompress(page));
    return into.length;
  };
}

/**
 * How long a frame's content is, as its header says.
 *
 * @throws RangeError when it does not, or the content is larger than any page
 * @see https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1
 */
function zstdContentSize(frame: Uint8Array): number {
  const descriptor = frame[4];
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const start = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3];
  const bytes = [isSingleSegment ? 1 : 0, 2, 4, 0][descriptor >> 6];
  const size = Buffer.from(frame.buffer, frame.byteOffset).readUIntLE(start, bytes);
  return size + (bytes === 2 ? 256 : 0);
}
