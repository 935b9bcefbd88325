import type { RowChunk, RowPosition } from '../json/page.ts';
import { JOB_FIELDS } from '../json/raw-job.ts';
import { RowsTransformer, type TransformedRows } from './transform-rows.ts';

/** Rows a record batch holds, unless they are long. */
export const BATCH_ROWS = 1000;

/** Bytes of long text after which a batch is closed earlier. */
export const BATCH_BYTES = 8_000_000;

const SEQUENCE = JOB_FIELDS.indexOf('sequence');

/** A record batch together with the last row of the walk up to its end: where an interrupted run would go on. */
export interface JobsBatch extends TransformedRows {
  readonly last: RowPosition | null;
}

/**
 * Cuts the stream of rows into record batches. Where it cuts depends on the rows alone, not on how they were fetched,
 * so that the same rows always make the same batches. A row becomes columns as it comes: what it came in can go.
 * A batch is good until the next is asked for, which uses its memory again.
 */
export async function* toBatches(
  chunks: AsyncIterable<RowChunk>,
  resumedAt: RowPosition | null = null,
): AsyncGenerator<JobsBatch> {
  const transformer = new RowsTransformer(BATCH_ROWS);
  let bytes = 0;
  let last: RowPosition | null = resumedAt;
  for await (const { rows, lastOffset } of chunks) {
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      transformer.push(row);
      bytes += row.endOf(SEQUENCE) - row.startOf(SEQUENCE);
      const isFull = transformer.taken >= BATCH_ROWS || bytes >= BATCH_BYTES;
      const isLast = at === rows.length - 1;
      if (lastOffset !== null && (isFull || isLast))
        last = { row, offset: lastOffset - (rows.length - 1 - at) };
      if (!isFull) continue;
      yield { ...transformer.finish(), last };
      bytes = 0;
    }
  }
  if (transformer.taken > 0) yield { ...transformer.finish(), last };
}
