import type { RecordBatch } from 'apache-arrow';
import type { Micros } from '../jobs/timestamp.ts';
import type { RawJob } from '../json/raw-job.ts';
import { JobsTable } from './jobs-table.ts';
import type { Reject } from './reject-line.ts';

export interface TransformedRows {
  readonly batch: RecordBatch;
  readonly rejects: readonly Reject[];
  /** How many rows carry each anomaly. */
  readonly anomalies: ReadonlyMap<string, number>;
}

/** Turns raw jobs into record batches with the columns of the jobs table, and sets aside what cannot be a row. */
export class RowsTransformer {
  readonly #table: JobsTable;
  #rejects: Reject[] = [];

  /**
   * @param capacity rows at most
   * @param latestPlausible timestamps behind it are flagged `implausible`: a day after the run started
   */
  constructor(capacity: number, latestPlausible: Micros) {
    this.#table = new JobsTable(capacity, latestPlausible);
  }

  /** Jobs taken, those set aside included. */
  get taken(): number {
    return this.#table.rows + this.#rejects.length;
  }

  push(job: RawJob): void {
    const reason = this.#table.push(job);
    if (reason !== undefined) this.#rejects.push({ reason, record: job });
  }

  /** What was pushed since the last call. The batch is good until the next push, which uses its memory again. */
  finish(): TransformedRows {
    const { anomalies } = this.#table;
    const rows = { batch: this.#table.finish(), rejects: this.#rejects, anomalies };
    this.#rejects = [];
    return rows;
  }
}

/** `RowsTransformer` for jobs that are all there. */
export function transformRows(jobs: readonly RawJob[], latestPlausible: Micros): TransformedRows {
  const transformer = new RowsTransformer(jobs.length, latestPlausible);
  for (const job of jobs) transformer.push(job);
  return transformer.finish();
}
