import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema } from '../../src/jobs/arrow-schema.ts';
import { compareKeys } from '../../src/json/raw-job.ts';
import { Keys, Merge, type SortedRun, shallow, TooManyRuns } from '../../src/load/runs.ts';
import { makeFolders } from '../../src/platform/durable.ts';
import { batchOf } from '../support/batches.ts';
import { memoryFiles } from '../support/memory-files.ts';

const ROWS = arrowSchema([
  { name: 'id', type: 'string', required: true, sent: true, description: '' },
  { name: 'created_at', type: 'timestamp', required: true, sent: true, description: '' },
]);

interface Row {
  readonly at: number;
  readonly id: string;
}

/** By time, then by the bytes of the id: not the order of JavaScript's strings. */
function inOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted(
    (a, b) => a.at - b.at || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  );
}

function batch(rows: readonly Row[]): RecordBatch {
  return batchOf(ROWS, rows.length, {
    id: rows.map(({ id }) => id),
    created_at: rows.map(({ at }) => BigInt(at)),
  });
}

/** A run of these rows in batches of `rowsEach`, which says how many of its batches were read. */
function runOf(given: readonly Row[], rowsEach: number, batchBytes = 100) {
  const rows = inOrder(given);
  const key = ({ at, id }: Row) => ({ created: BigInt(at), id: Buffer.from(id) });
  const run = {
    min: key(rows[0]),
    max: key(rows[rows.length - 1]),
    batchBytes,
    read: 0,
    async *batches() {
      for (let from = 0; from < rows.length; from += rowsEach) {
        run.read++;
        yield batch(rows.slice(from, from + rowsEach));
      }
    },
  };
  return run;
}

async function merged(
  runs: readonly SortedRun[],
  merge = new Merge(runs),
  limit: bigint | null = null,
) {
  const rows: Row[] = [];
  for await (const { batch, from, to } of merge.until(limit)) {
    const keys = new Keys(batch);
    for (let row = from; row < to; row++)
      rows.push({ at: Number(keys.created(row)), id: Buffer.from(keys.id(row)).toString() });
  }
  return rows;
}

const row = fc.record(
  {
    at: fc.integer({ min: -9, max: 9 }),
    id: fc.string({ unit: 'grapheme', maxLength: 3 }),
  },
  { noNullPrototype: true },
);
const sets = fc.array(fc.array(row, { minLength: 1, maxLength: 12 }), { maxLength: 40 });

/** Each id once in all runs. */
function distinct(runs: readonly (readonly Row[])[]): Row[][] {
  const seen = new Set<string>();
  const isNew = ({ id }: Row): boolean => !seen.has(id) && seen.add(id) !== undefined;
  return runs.map((rows) => rows.filter(isNew)).filter((rows) => rows.length > 0);
}

describe('runs that are merged', () => {
  it('are what sorting all rows makes', async () => {
    await fc.assert(
      fc.asyncProperty(sets, fc.integer({ min: 1, max: 5 }), async (runs, rowsEach) => {
        const given = distinct(runs).slice(0, 30);
        const found = await merged(given.map((rows) => runOf(rows, rowsEach)));
        assert.deepEqual(found, inOrder(given.flat()));
      }),
    );
  });

  it('are the same when far too many lie over each other, by files in between', async () => {
    await fc.assert(
      fc.asyncProperty(sets, fc.constantFrom(100, 30_000_000), async (runs, batchBytes) => {
        const given = distinct(runs);
        const files = memoryFiles();
        await makeFolders(files, '/work');
        const few = await shallow(
          given.map((rows) => runOf(rows, 3, batchBytes)),
          files,
          '/work',
        );
        assert.deepEqual(await merged(few), inOrder(given.flat()));
      }),
    );
  });

  it('are handed out up to an instant, and go on from there with runs that came later', async () => {
    await fc.assert(
      fc.asyncProperty(sets, fc.integer({ min: -9, max: 9 }), async (runs, limit) => {
        const given = distinct(runs).slice(0, 30);
        const later = given.flatMap((rows) => {
          const late = rows.filter(({ at }) => at >= limit);
          return late.length > 0 && rows.length % 2 === 0
            ? [late.map((it) => ({ ...it, id: `${it.id}+` }))]
            : [];
        });
        const merge = new Merge(given.map((rows) => runOf(rows, 2)));
        const first = await merged([], merge, BigInt(limit));
        assert.ok(first.every(({ at }) => at < limit));
        for (const rows of later.slice(0, 2)) merge.add(runOf(rows, 2));
        const all = [...given, ...later.slice(0, 2)].flat();
        assert.deepEqual([...first, ...(await merged([], merge))], inOrder(all));
      }),
    );
  });

  it('are opened when their turn comes', async () => {
    const runs = [0, 1, 2].map((at) => runOf([{ at, id: `${at}` }], 1));
    const rows = new Merge(runs).until(null);
    await rows.next();
    assert.deepEqual(
      runs.map(({ read }) => read),
      [1, 0, 0],
    );
    await rows.return(undefined);
  });

  it('are refused rather than opened when there are too many', async () => {
    const over = (count: number, bytes: number) =>
      Array.from({ length: count }, (_, i) =>
        runOf(
          [
            { at: 0, id: `${i}` },
            { at: 9, id: `${i}+` },
          ],
          2,
          bytes,
        ),
      );
    await assert.rejects(merged(over(33, 1)), TooManyRuns);
    await assert.rejects(merged(over(3, 30_000_000)), TooManyRuns);
    assert.equal((await merged(over(2, 80_000_000))).length, 4);
    assert.equal((await merged(over(32, 1))).length, 64);
  });
});

describe('the place of a row', () => {
  it('goes by the bytes of its id', () => {
    const at = (id: string) => ({ created: 0n, id: Buffer.from(id) });
    assert.ok(compareKeys(at('\uffee'), at('\u{10000}')) < 0);
    assert.ok(compareKeys(at('a'), at('ab')) < 0);
  });

  it('is found as a look at every row finds it', () => {
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        row,
        fc.nat(),
        (given, { at, id }, nat) => {
          const keys = new Keys(batch(inOrder(given)));
          const from = nat % (keys.length + 1);
          const key = { created: BigInt(at), id: Buffer.from(id) };
          const rows = Array.from({ length: keys.length - from }, (_, i) => from + i);
          const first = (behind: (row: number) => boolean) => rows.find(behind) ?? keys.length;
          assert.equal(
            keys.notBefore(key, from),
            first((i) => compareKeys(keys.at(i), key) >= 0),
          );
          assert.equal(
            keys.notCreatedBefore(BigInt(at), from),
            first((i) => keys.created(i) >= BigInt(at)),
          );
        },
      ),
    );
  });
});
