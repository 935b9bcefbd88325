import { createHash } from 'node:crypto';
import type { JobField } from '../jobs/columns.ts';
import { type Micros, parseTimestamp } from '../jobs/timestamp.ts';
import type { RawJob } from '../json/raw-job.ts';

/**
 * What tells a job from every other. A record without an id (the transformer rejects it later) is told by its content,
 * so that it is counted once like any other.
 */
export function idOf(job: RawJob): string {
  return job.string('id') || `no id ${createHash('sha256').update(job.toString()).digest('hex')}`;
}

/** When the job was created, or null when that cannot be told. */
export function createdAt(job: RawJob): Micros | null {
  return instant(job, 'created_at');
}

/** The version of the same job that was updated last; `first` when neither can be told to be newer. */
export function newerOf(first: RawJob, second: RawJob): RawJob {
  return isNewer(second, first) ? second : first;
}

/** Whether `job` was updated after `other`, another version of the same job. */
export function isNewer(job: RawJob, other: RawJob): boolean {
  const [time, otherTime] = [instant(job, 'updated_at'), instant(other, 'updated_at')];
  return time !== null && (otherTime === null || time > otherTime);
}

function instant(job: RawJob, field: JobField): Micros | null {
  const text = job.text(field);
  return text === undefined ? null : parseTimestamp(text);
}
