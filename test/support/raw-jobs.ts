import { stringify } from 'lossless-json';
import { RawJob } from '../../src/json/raw-job.ts';

/** A job as the API would send it; numbers that `lossless-json` kept digit for digit stay so. */
export function rawJob(record: Readonly<Record<string, unknown>>): RawJob {
  return RawJob.parse(stringify(record) ?? '');
}

/** The id of a job that has one. */
export function idOf(job: RawJob): string {
  return String(job.string('id'));
}
