import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { RowChunk } from '../../src/json/page.ts';
import type { RawJob } from '../../src/json/raw-job.ts';
import { BATCH_BYTES, BATCH_ROWS, toBatches } from '../../src/transform/batches.ts';
import { idOf, rawJob } from '../support/raw-jobs.ts';

function jobs(count: number, sequenceLength = 0): RawJob[] {
  return Array.from({ length: count }, (_, at) =>
    rawJob({
      id: `job ${at}`,
      batch_id: 'b',
      project_id: 'p',
      status: 'DONE',
      created_at: '2024-01-01T00:00:00Z',
      ...(sequenceLength > 0 ? { sequence: 'x'.repeat(sequenceLength) } : {}),
    }),
  );
}

async function* inChunks(
  rows: readonly RawJob[],
  sizes: readonly number[],
): AsyncGenerator<RowChunk> {
  for (let start = 0, turn = 0; start < rows.length; turn++) {
    const chunk = rows.slice(start, start + sizes[turn % sizes.length]);
    start += chunk.length;
    yield { rows: chunk, lastOffset: start - 1 };
  }
}

async function cut(
  chunks: AsyncIterable<RowChunk>,
): Promise<{ rows: number; offset: number | undefined; id: unknown }[]> {
  const cuts = [];
  for await (const { batch, last } of toBatches(chunks)) {
    cuts.push({ rows: batch.numRows, offset: last?.offset, id: last && idOf(last.row) });
  }
  return cuts;
}

test('where batches are cut depends on the rows alone', async () => {
  const rows = jobs(BATCH_ROWS * 2 + 500);
  const expected = [BATCH_ROWS, BATCH_ROWS, 500].map((count, at) => {
    const offset = Math.min((at + 1) * BATCH_ROWS, rows.length) - 1;
    return { rows: count, offset, id: `job ${offset}` };
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 }),
      async (sizes) => {
        assert.deepEqual(await cut(inChunks(rows, sizes)), expected);
      },
    ),
    { numRuns: 20 },
  );
});

test('long sequences close a batch early', async () => {
  const cuts = await cut(inChunks(jobs(5, BATCH_BYTES / 2), [5]));
  assert.deepEqual(
    cuts.map(({ rows }) => rows),
    [2, 2, 1],
  );
});

test('no rows make no batch', async () => {
  assert.deepEqual(await cut(inChunks([], [1])), []);
});

test('rows found apart from the walk do not move the place where it goes on', async () => {
  async function* chunks(): AsyncGenerator<RowChunk> {
    yield { rows: jobs(3), lastOffset: 2 };
    yield { rows: jobs(2), lastOffset: null };
  }
  assert.deepEqual(await cut(chunks()), [{ rows: 5, offset: 2, id: 'job 2' }]);
});
