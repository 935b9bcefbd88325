import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { runExport } from '../../src/index.ts';
import { passNight, Random, startSimulator } from '../simulator/index.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import { seededRandom } from '../support/shifting-list.ts';
import { assertLatestIsWhole, dataFiles, sample, startWith } from './crashes.ts';

test('killed at any file operation, and again while resuming, a run that goes on from a base ends with the same bytes (a sample)', {
  timeout: 600_000,
}, async (t) => {
  const end = (Date.now() - 600_000) * 1000;
  const api = await startSimulator({ jobs: 3000, end, largestBatch: 40 });
  t.after(() => api.close());
  const folder = await temporaryFolder(t);
  let copies = 0;
  const base = {
    ...exportOptions(api.url, join(folder, 'base')),
    formats: ['parquet', 'ndjson'] as const,
    pageSize: 50,
    incremental: true,
    keep: 1,
  };
  /** The base once more, in a folder of its own: each run would be the base of the next. */
  const anew = () => {
    const output = join(folder, String(copies++));
    execFileSync('cp', ['-al', base.output, output]);
    return { ...base, output };
  };
  await runExport(base);
  passNight(api.jobs, { added: 150, finished: 30, deleted: 2 }, new Random(1));
  const { result, operations } = await startWith(anew(), undefined);
  assert.equal(result?.manifest.completeness.method, 'incremental');
  const expected = await dataFiles(String(result?.folder));

  const random = seededRandom(3);
  for (const at of sample(operations.length, 12)) {
    const options = anew();
    await startWith(options, { at, what: 'kill-half' });
    assert.ok(await assertLatestIsWhole(options.output), `no snapshot after a kill at ${at}`);
    const again = 1 + Math.floor(random() * operations.length);
    await startWith(options, { at: again, what: 'kill-after' });
    const { folder: last, manifest } = await runExport(options);
    assert.equal(await assertLatestIsWhole(options.output), `run=${manifest.runId}`);
    const found = await dataFiles(last);
    // Where a start published before it was killed, the last went on from that, and nothing had changed.
    for (const [name, bytes] of expected)
      if (name.startsWith('jobs.'))
        assert.ok(found.get(name)?.equals(bytes), `${name} after kills at ${at} and ${again}`);
  }
});
