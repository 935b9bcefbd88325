import type { RowChunk } from '../json/page.ts';

/** Passes chunks through and tells about each before handing it on. */
export async function* watch(
  chunks: AsyncIterable<RowChunk>,
  tell: (rows: number) => void,
): AsyncGenerator<RowChunk> {
  for await (const chunk of chunks) {
    tell(chunk.rows.length);
    yield chunk;
  }
}
