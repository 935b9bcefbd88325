import type { RawJob } from './raw-job.ts';

/** Rows on their way from the walk to the table, each job once. */
export interface RowChunk {
  readonly rows: readonly RawJob[];
  /** About where the list has the last of them, 0-based; null for rows found apart from the walk through it. */
  readonly lastOffset: number | null;
}

/** A row and about where the list has it. */
export interface RowPosition {
  readonly row: RawJob;
  readonly offset: number;
}
