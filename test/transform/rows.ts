import assert from 'node:assert/strict';
import { JOB_COLUMNS } from '../../src/jobs/columns.ts';
import type { RawJob } from '../../src/json/raw-job.ts';
import { RowsTransformer } from '../../src/transform/transform-rows.ts';
import { rawJob } from '../support/raw-jobs.ts';

/** A job that is as it should be. */
export const BASE = {
  id: '00000000-0000-4000-8000-000000000001',
  batch_id: 'b',
  project_id: 'p',
  status: 'DONE',
  runs: 100,
  created_at: '2024-03-01T10:00:00.000001',
  updated_at: '2024-03-01T11:00:00Z',
  start_timestamp: '2024-03-01T10:00:30.500001+00:00',
  end_timestamp: '2024-03-01T12:01:00+02:00',
  errors: null,
  variables: { omega: [1, 2.5], phase: null },
  progress: 100,
  creation_order: 3,
};

export function transformRows(
  jobs: readonly RawJob[],
  columns = JOB_COLUMNS,
  without?: readonly string[],
) {
  const transformer = new RowsTransformer(jobs.length, columns, without);
  for (const job of jobs) transformer.push(job);
  return transformer.finish();
}

/** What becomes of a job with some fields changed. */
export function rowOf(
  change: Record<string, unknown>,
  without: readonly string[] = [],
): Record<string, unknown> {
  const job = rawJob({ ...BASE, ...change });
  const { batch, rejects } = transformRows([job], JOB_COLUMNS, without);
  assert.deepEqual(rejects, []);
  assert.equal(batch.numRows, 1);
  return Object.fromEntries(
    batch.schema.fields.map(({ name }, at) => {
      const column = batch.getChildAt(at);
      const isTime = name.endsWith('_at') || name.endsWith('_timestamp');
      const value: unknown =
        isTime && column?.isValid(0) ? column.data[0].values[0] : column?.get(0);
      return [name, name === 'errors' || name === 'anomalies' ? listOf(value) : value];
    }),
  );
}

export function listOf(value: unknown): unknown {
  return value === null ? null : [...(Object(value) as Iterable<unknown>)];
}
