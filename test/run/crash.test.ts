import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { runExport } from '../../src/index.ts';
import { prepare, sigkillAndFinish } from './crash-checks.ts';
import { assertLatestIsWhole, sample, startWith } from './crashes.ts';

const JOBS = 2500;

test('killed by SIGKILL at any file operation, the next start finishes with the same bytes (a sample)', {
  timeout: 600_000,
}, async (t) => {
  const ground = await prepare(t, JOBS);
  for (const [turn, at] of sample(ground.operations, 4).entries()) {
    await sigkillAndFinish(ground, at, turn % 2 === 0 ? 'kill-half' : 'kill-after');
  }
});

test('a disk that fails at any operation: the right exit code, the path named, the old snapshot intact (a sample)', {
  timeout: 600_000,
}, async (t) => {
  const ground = await prepare(t, JOBS);
  for (const [turn, at] of sample(ground.operations, 6).entries()) {
    const code = ['ENOSPC', 'EIO', 'EACCES', 'EROFS'][turn % 4];
    const old = await assertLatestIsWhole(ground.options.output);
    const { error, operations } = await startWith(ground.options, { at, what: code });
    if (error === undefined) continue;
    const { path, name } = operations[at - 1];
    const exitCode = Object(error).exitCode;
    assert.ok(exitCode === 73 || exitCode === 74, `${code} at ${name} ${path}: ${error}`);
    assert.ok(String(error).includes(path), `${error} does not name ${path}`);
    const published = operations
      .slice(0, at - 1)
      .some((done) => done.name === 'rename' && done.path.endsWith('/latest'));
    const latest = await assertLatestIsWhole(ground.options.output);
    assert.equal(latest === old, !published, `${code} at ${name} ${path}`);
  }
  await runExport(ground.options);
});

test('short writes at every write change nothing', async (t) => {
  const ground = await prepare(t, JOBS);
  const { operations } = await startWith(ground.options, undefined);
  const write =
    operations.findIndex(({ name, path }) => name === 'write' && path.endsWith('.ndjson')) + 1;
  const { result } = await startWith(ground.options, { at: write, what: 'short', onwards: false });
  assert.deepEqual(
    await readFile(join(String(result?.folder), 'jobs.ndjson')),
    ground.expected.get('jobs.ndjson'),
  );
});
