import type { RowChunk } from '../domain/rows.ts';

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

/**
 * Starts an iteration at once: its first request is under way while the rest of the program still loads.
 * Whoever gets the result must iterate it, or the first value's failure goes unnoticed.
 */
export function startNow<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  const first = source.next();
  first.catch(() => {});
  async function* all(): AsyncGenerator<T> {
    try {
      for (let result = await first; !result.done; result = await source.next()) yield result.value;
    } finally {
      await source.return(undefined);
    }
  }
  return all();
}
