import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { FORMATS } from '../../src/jobs/pipeline.ts';
import { readBack } from '../../src/publish/read-back.ts';
import { followFiles } from '../../src/publish/read-back-remote.ts';
import { SAMPLE_COLUMNS, SAMPLE_SCHEMA, slices, tables } from '../support/arbitrary-batches.ts';
import { jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'read-back-'));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Writes to an empty file piece by piece, the next one only when the reader asks for more; tells its size. */
async function* written(path: string, bytes: Uint8Array, cuts: readonly number[]) {
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)) {
    await appendFile(path, bytes.subarray(from, to));
    from = to;
    yield to;
  }
}

describe('reading behind the writer', () => {
  for (const format of ['arrow', 'ndjson'] as const) {
    it(`finds what it finds in the whole file, however it grows: ${format}`, async () => {
      const path = join(folder, `grows.${format}`);
      const cuts = fc.array(fc.nat(), { maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(tables, cuts, async (table, at) => {
          const bytes = await encode(format, SAMPLE_SCHEMA, slices(table, [3, 1]));
          fc.pre(bytes.length > 0);
          await writeFile(path, '');
          const found = await readBack(path, format, SAMPLE_COLUMNS, written(path, bytes, at));
          assert.deepEqual(found, await readBack(path, format, SAMPLE_COLUMNS));
          assert.equal(found.rows, table.rows);
        }),
        { numRuns: 40 },
      );
    });

    it(`calls a file damaged that ends too early: ${format}`, async () => {
      const path = join(folder, `ends.${format}`);
      const whole = await encode(format, JOB_SCHEMA, [jobBatch(0, 40)]);
      const bytes = whole.subarray(0, whole.length - 100);
      await writeFile(path, '');
      const sizes = written(path, bytes, [whole.length >> 1]);
      assert.equal((await rejection(readBack(path, format, undefined, sizes))).exitCode, 65);
    });
  }

  it('goes on in a thread, for all formats at once', async () => {
    const files = await Promise.all(
      FORMATS.map(async (format) => {
        const path = join(folder, `followed.${format}`);
        await writeFile(path, '');
        return { format, path, bytes: await encode(format, JOB_SCHEMA, [jobBatch(0, 12_000)]) };
      }),
    );
    const follower = followFiles(files);
    for (const part of [1, 2, 3]) {
      for (const [file, { path, bytes }] of files.entries()) {
        const at = (share: number) => Math.floor((bytes.length * share) / 3);
        await appendFile(path, bytes.subarray(at(part - 1), at(part)));
        follower.grown(file, at(part));
      }
    }
    const found = await follower.finish();
    const alone = files.map(({ path, format }) => readBack(path, format));
    assert.deepEqual(found, await Promise.all(alone));
    assert.deepEqual(
      found.map(({ rows }) => rows),
      [12_000, 12_000, 12_000],
    );
  });
});
