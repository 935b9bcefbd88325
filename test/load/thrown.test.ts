import assert from 'node:assert/strict';
import { it } from 'node:test';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { LOADERS } from '../../src/load/index.ts';
import { Loader, type LoaderDefinition } from '../../src/load/loader.ts';
import { jobBatch } from '../support/batches.ts';
import { rejection } from '../support/rejection.ts';

it('a library that throws strings: an error comes out all the same', async () => {
  const definition: LoaderDefinition = {
    ...LOADERS.parquet,
    open: async () => ({
      encode: () => Promise.reject('invalid value for X'),
      finish: async () => {},
    }),
  };
  const loader = new Loader(JOB_SCHEMA, undefined, [{ definition, out: () => {} }]);
  await loader.write(jobBatch(0, 5));
  const error = await rejection(loader.finish());
  assert.equal(error.exitCode, 70);
  assert.match(error.message, /invalid value for X/);
});
