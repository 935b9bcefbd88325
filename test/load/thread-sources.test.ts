import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { describeColumns } from '../../src/jobs/columns.ts';
import { checkFile } from '../../src/load/check.ts';
import { jobBatch } from '../support/batches.ts';
import { REPOSITORY } from '../support/cli.ts';
import { temporaryFolder } from '../support/exports.ts';
import { parquetBytes } from '../support/parquet.ts';

const SCRIPT = `
  const { checkRemotely } = await import('./src/load/thread.ts');
  const [path, columns] = process.argv.slice(1);
  console.log(JSON.stringify(await checkRemotely(path, 'parquet', JSON.parse(columns))));`;

/** `make test` preloads test/support/built-threads.ts, this process does not. */
test('a program that runs from its sources has its threads run from them too', async (t) => {
  const path = join(await temporaryFolder(t), 'jobs.parquet');
  await writeFile(path, await parquetBytes(JOB_SCHEMA, [jobBatch(0, 500)]));
  const columns = describeColumns();
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [...['--import', 'tsx', '--input-type=module', '-e', SCRIPT], path, JSON.stringify(columns)],
    { cwd: REPOSITORY },
  );
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), await checkFile(path, 'parquet', columns));
});
