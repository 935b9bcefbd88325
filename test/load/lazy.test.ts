import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { fileName } from '../../src/load/output.ts';
import { openFile } from '../support/encode.ts';

const { cache } = createRequire(import.meta.url);

function isLoaded(): boolean {
  return Object.keys(cache).some((path) => path.includes('parquetjs-lite'));
}

it('the Parquet library is loaded when a file is opened, not before', async () => {
  assert.equal(fileName('jobs', 'parquet'), 'jobs.parquet');
  assert.equal(isLoaded(), false);
  await openFile('parquet', JOB_SCHEMA);
  assert.equal(isLoaded(), true);
});
