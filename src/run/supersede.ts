import type { RecordBatch } from 'apache-arrow';
import { idOf, isNewer } from '../extract/row-key.ts';
import type { Micros } from '../jobs/timestamp.ts';
import type { RawJob } from '../json/raw-job.ts';
import { type TransformedRows, transformRows } from '../transform/transform-rows.ts';

/** The newest version of every job that came again, by id. */
export function newestAgain(again: readonly RawJob[]): Map<string, RawJob> {
  const newest = new Map<string, RawJob>();
  for (const job of again) {
    const known = newest.get(idOf(job));
    if (!known || isNewer(job, known)) newest.set(idOf(job), job);
  }
  return newest;
}

/** Rows of a batch, by index, whose job came again with a later `updated_at`. */
export function supersededRows(
  batch: RecordBatch,
  again: ReadonlyMap<string, RawJob>,
): Map<number, TransformedRows> {
  const superseded = new Map<number, TransformedRows>();
  const ids = batch.getChild('id');
  const updated = updatedAt(batch);
  for (let row = 0; row < batch.numRows; row++) {
    const job = again.get(String(ids?.get(row)));
    if (!job) continue;
    const replacement = transformRows([job]);
    const time = updatedAt(replacement.batch)(0);
    const before = updated(row);
    if (time !== null && (before === null || time > before)) superseded.set(row, replacement);
  }
  return superseded;
}

/** The batch in pieces, each superseded row replaced by its newer version. */
export function* replaceRows(
  batch: RecordBatch,
  superseded: ReadonlyMap<number, TransformedRows>,
): Generator<RecordBatch> {
  let start = 0;
  for (const [row, { batch: replacement }] of superseded) {
    if (row > start) yield batch.slice(start, row);
    if (replacement.numRows > 0) yield replacement;
    start = row + 1;
  }
  if (start < batch.numRows) yield batch.slice(start, batch.numRows);
}

function updatedAt(batch: RecordBatch): (row: number) => Micros | null {
  const column = batch.getChild('updated_at');
  const data = column?.data[0];
  return (row) => (column?.isValid(row) ? (data?.values[row] ?? null) : null);
}
