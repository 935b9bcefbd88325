import type { RecordBatch } from 'apache-arrow';
import type { RawJob } from '../domain/job.ts';
import type { Micros } from '../domain/timestamp.ts';
import { toJson } from './fields.ts';
import { JobsTable } from './jobs-table.ts';

/** A record that cannot be a row, with the reason and everything that was sent. */
export interface Reject {
  readonly reason: string;
  readonly record: RawJob;
}

export interface TransformedRows {
  readonly batch: RecordBatch;
  readonly rejects: readonly Reject[];
  /** How many rows carry each anomaly. */
  readonly anomalies: ReadonlyMap<string, number>;
}

/**
 * Turns raw jobs into one record batch with the columns of the jobs table, and sets aside what cannot be a row.
 *
 * @param latestPlausible timestamps behind it are flagged `implausible`: a day after the run started
 * @throws ExportError (65) when a value is nested too deeply to be written
 */
export function transformRows(jobs: readonly RawJob[], latestPlausible: Micros): TransformedRows {
  const table = new JobsTable(jobs.length, latestPlausible);
  const rejects: Reject[] = [];
  const accepted: RawJob[] = [];
  for (const job of jobs) {
    const reason = table.push(job);
    if (reason === undefined) accepted.push(job);
    else rejects.push({ reason, record: job });
  }
  const malformed = table.malformedRows();
  if (malformed.size === 0) return { batch: table.finish(), rejects, anomalies: table.anomalies };
  const wellFormed = transformRows(
    accepted.filter((_, row) => !malformed.has(row)),
    latestPlausible,
  );
  const reason = 'text with half of a surrogate pair, which UTF-8 cannot carry';
  const unicode = accepted.flatMap((record, row) =>
    malformed.has(row) ? [{ reason, record }] : [],
  );
  return { ...wellFormed, rejects: [...rejects, ...unicode] };
}

/** One line of `rejects.ndjson`. */
export function rejectLine({ reason, record }: Reject): string {
  return `{"reason":${JSON.stringify(reason)},"record":${toJson(record)}}\n`;
}
