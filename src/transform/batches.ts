import type { RawJob } from '../domain/job.ts';
import type { RowChunk, RowPosition } from '../domain/rows.ts';
import type { Micros } from '../domain/timestamp.ts';
import { type TransformedRows, transformRows } from './transform-rows.ts';

/** Rows a record batch holds, unless they are long. */
export const BATCH_ROWS = 2000;

/** Characters of long text after which a batch is closed earlier. */
export const BATCH_CHARACTERS = 8_000_000;

/** A record batch together with the last row of the walk up to its end: where an interrupted run would go on. */
export interface JobsBatch extends TransformedRows {
  readonly last: RowPosition | null;
}

/**
 * Cuts the stream of rows into record batches. Where it cuts depends on the rows alone, not on how they were fetched,
 * so that the same rows always make the same batches.
 */
export async function* toBatches(
  chunks: AsyncIterable<RowChunk>,
  latestPlausible: Micros,
  resumedAt: RowPosition | null = null,
): AsyncGenerator<JobsBatch> {
  let rows: RawJob[] = [];
  let characters = 0;
  let last: RowPosition | null = resumedAt;
  const close = (): JobsBatch => {
    const batch = { ...transformRows(rows, latestPlausible), last };
    rows = [];
    characters = 0;
    return batch;
  };
  for await (const chunk of chunks) {
    for (const [index, row] of chunk.rows.entries()) {
      rows.push(row);
      if (chunk.lastOffset !== null)
        last = { row, offset: chunk.lastOffset - (chunk.rows.length - 1 - index) };
      if (typeof row.sequence === 'string') characters += row.sequence.length;
      if (rows.length >= BATCH_ROWS || characters >= BATCH_CHARACTERS) yield close();
    }
  }
  if (rows.length > 0) yield close();
}
