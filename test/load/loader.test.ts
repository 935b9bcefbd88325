import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema } from '../../src/jobs/arrow-schema.ts';
import { FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import { type Loaded, Loader } from '../../src/load/loader.ts';
import { startLoader } from '../../src/load/thread.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { PartEncoder, partName } from '../../src/platform/part-file.ts';
import { againIn, batchOf, jobBatch } from '../support/batches.ts';
import { temporaryFolder } from '../support/exports.ts';
import { rejection } from '../support/rejection.ts';

const SCHEMA = arrowSchema(
  (
    [
      ['id', 'string', true],
      ['created_at', 'timestamp', true],
      ['updated_at', 'timestamp', false],
      ['note', 'string', false],
      ['errors', 'strings', false],
    ] as const
  ).map(([name, type, required]) => ({ name, type, required, sent: true, description: '' })),
);

/** A version of a job. Set aside it is a reject. */
interface Job {
  readonly id: string;
  readonly created: number;
  readonly updated: number | null;
  readonly note: string | null;
  readonly isReject: boolean;
}

interface Step {
  readonly jobs: readonly Job[];
  readonly settled: bigint | null;
}

function inOrder(jobs: readonly Job[]): Job[] {
  return jobs.toSorted(
    (a, b) => a.created - b.created || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  );
}

function batch(jobs: readonly Job[]): RecordBatch {
  return batchOf(SCHEMA, jobs.length, {
    id: jobs.map(({ id }) => id),
    created_at: jobs.map(({ created }) => BigInt(created)),
    updated_at: jobs.map(({ updated }) => (updated === null ? null : BigInt(updated))),
    note: jobs.map(({ note }) => note),
    errors: jobs.map(({ note }) => (note === null ? null : [note, null])),
  });
}

function rejectLine({ id, updated }: Job): string {
  const raw = JSON.stringify({ id, updated_at: updated === null ? null : `0.00000${updated}` });
  return `${JSON.stringify({ reason: 'odd', offset: null, raw })}\n`;
}

function encode({ jobs, settled }: Step, again: readonly string[] = []): Uint8Array {
  const rows = batch(inOrder(jobs.filter(({ isReject }) => !isReject)));
  const rejects = jobs.filter(({ isReject }) => isReject).map(rejectLine);
  const rest = { rejects: Buffer.from(rejects.join('')), again, settled, state: null };
  return new PartEncoder(SCHEMA).encode({ batch: rows, ...rest });
}

/** Loads parts inline. @returns the files by name */
async function load(t: TestContext, steps: readonly Step[], formats: readonly Format[]) {
  const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
  const loader = new Loader({ work, staging, formats, changes: false }, nodeFiles);
  const again = againIn(steps.map(({ jobs }) => jobs));
  for (const [index, step] of steps.entries()) {
    await writeFile(join(work, partName(index)), encode(step, again[index]));
    await loader.part(index);
  }
  const loaded = await loader.finish({ full: true });
  const names = (await readdir(staging)).toSorted();
  const files = await Promise.all(names.map((name) => readFile(join(staging, name))));
  return { loaded, files: Object.fromEntries(names.map((name, i) => [name, files[i]])) };
}

const versions = fc.array(
  fc.record(
    {
      job: fc.nat({ max: 30 }),
      updated: fc.option(fc.nat({ max: 3 })),
      note: fc.option(fc.string({ maxLength: 4 })),
      isReject: fc.boolean(),
      step: fc.nat({ max: 5 }),
    },
    { noNullPrototype: true },
  ),
  { minLength: 1, maxLength: 60 },
);

/** The job that the number stands for was always created at the same time. */
function jobOf({
  job,
  updated,
  note,
  isReject,
}: Omit<Job, 'id' | 'created'> & { job: number }): Job {
  return {
    id: `job ${job}`,
    created: (job * 7) % 10,
    updated,
    note,
    isReject: isReject && job % 4 === 0,
  };
}

function isOlder(a: Job, b: Job): boolean {
  return (a.updated ?? -1) < (b.updated ?? -1);
}

test('the same jobs make the same bytes, in whatever parts, order and versions they came', async (t) => {
  await fc.assert(
    fc.asyncProperty(versions, fc.array(fc.option(fc.nat({ max: 10 }))), async (given, settled) => {
      const newest = new Map<string, Job>();
      const steps = [0, 1, 2, 3, 4, 5].map((step): Step => {
        const jobs = new Map<string, Job>();
        for (const version of given.filter((it) => it.step === step)) {
          const job = jobOf(version);
          const known = jobs.get(job.id);
          if (!known || !isOlder(job, known)) jobs.set(job.id, job);
        }
        for (const job of jobs.values()) {
          const known = newest.get(job.id);
          if (!known || !isOlder(job, known)) newest.set(job.id, job);
        }
        const instant = settled[step] ?? null;
        return { jobs: [...jobs.values()], settled: instant === null ? null : BigInt(instant) };
      });
      const jobs = [...newest.values()];
      const [once, pieces] = [
        await load(t, [{ jobs, settled: null }], ['ndjson', 'arrow']),
        await load(t, steps, ['ndjson', 'arrow']),
      ];
      assert.deepEqual(pieces.loaded, once.loaded);
      assert.deepEqual(pieces.files, once.files);
      const expected = inOrder(jobs.filter(({ isReject }) => !isReject));
      const lines = pieces.files['jobs.ndjson'].toString('utf8').split('\n').slice(0, -1);
      assert.deepEqual(
        lines.map((line) => [JSON.parse(line).id, JSON.parse(line).note]),
        expected.map(({ id, note }) => [id, note]),
      );
      const rejects = jobs.filter(({ isReject }) => isReject).map(rejectLine);
      assert.equal(pieces.files['rejects.ndjson']?.toString() ?? '', rejects.toSorted().join(''));
    }),
    { numRuns: 40 },
  );
});

/** Parts of `count` jobs each that follow each other, and what is settled behind each. */
function follow(parts: number, count: number): Step[] {
  return Array.from({ length: parts }, (_, part) => ({
    settled: BigInt((part + 1) * count - 1),
    jobs: Array.from({ length: count }, (_, i) => {
      const created = part * count + i;
      return { id: `${created}`, created, updated: null, note: 'n', isReject: false };
    }),
  }));
}

test('whole blocks, blocks across parts and parts in any order make the same files in every format', async (t) => {
  const steps = follow(6, 2500);
  const all = { jobs: steps.flatMap(({ jobs }) => jobs), settled: null };
  const cut = [0, 1, 2499, 5000, 5001, 9000, 15_000];
  const uneven = cut
    .slice(1)
    .map((to, i) => ({ jobs: all.jobs.slice(cut[i], to), settled: BigInt(to) }));
  const { files, loaded } = await load(t, steps, FORMATS);
  assert.deepEqual([loaded.rows, Object.keys(files).length], [15_000, 4]);
  for (const other of [
    uneven,
    steps.toReversed(),
    [...steps.slice(3), ...steps.slice(0, 3)],
    [all],
  ])
    assert.deepEqual((await load(t, other, FORMATS)).files, files);
});

test('many parts over each other are merged by way of files, and make the same', async (t) => {
  const steps = follow(1, 4000);
  const jobs = steps.flatMap((step) => step.jobs);
  const over = Array.from({ length: 80 }, (_, part) => ({
    settled: null,
    jobs: jobs.filter((_, i) => (i * 7919) % 80 === part),
  }));
  const { files } = await load(t, steps, ['ndjson']);
  assert.deepEqual((await load(t, over, ['ndjson'])).files, files);
});

test('settled rows are in the file before the next part comes, the others are not', async (t) => {
  const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
  const loader = new Loader({ work, staging, formats: ['ndjson'], changes: false }, nodeFiles);
  const [first] = follow(1, 2500);
  const [settledAll, settledNone] = [
    { ...first, settled: 2500n },
    { jobs: [], settled: 2500n },
  ];
  for (const [index, step] of [settledAll, settledNone].entries()) {
    await writeFile(join(work, partName(index)), encode(step));
    await loader.part(index);
    assert.equal((await readFile(join(staging, 'jobs.ndjson'))).length > 100_000, true);
  }
  await loader.close();
});

test('a thread makes what the loader makes inline', async (t) => {
  const make = async (files: typeof nodeFiles): Promise<Loaded> => {
    const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
    const line = await startLoader({ work, staging, formats: FORMATS, changes: false }, files);
    for (const index of [0, 1]) {
      const part = {
        batch: jobBatch(index * 2000, 2000),
        rejects: new Uint8Array(),
        again: [],
        settled: null,
        state: null,
      };
      await writeFile(join(work, partName(index)), new PartEncoder(part.batch.schema).encode(part));
      line.part(index);
    }
    const loaded = await line.finish({ full: true });
    await line.close();
    return loaded;
  };
  assert.deepEqual(await make(nodeFiles), await make({ ...nodeFiles }));
});

test('a part that was altered is refused, inline and in a thread', async (t) => {
  for (const files of [nodeFiles, { ...nodeFiles }]) {
    const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
    await writeFile(join(work, partName(0)), 'no part');
    const line = await startLoader({ work, staging, formats: ['arrow'], changes: false }, files);
    line.part(0);
    const error = await rejection(line.finish({ full: true }));
    assert.deepEqual([error.exitCode, error.stage, error.retryable], [74, 'load', true]);
    assert.match(error.message, /part-000000/);
    await line.close();
  }
});

test('a file that changes behind the writer is not published', async (t) => {
  const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
  const files: typeof nodeFiles = {
    ...nodeFiles,
    async open(path, mode) {
      const file = await nodeFiles.open(path, mode);
      const alter = (bytes: Uint8Array) =>
        Buffer.from(bytes).map((byte) => (byte === 0x37 ? 0x38 : byte));
      return { ...file, write: (bytes) => file.write(alter(bytes)) };
    },
  };
  const loader = new Loader({ work, staging, formats: ['ndjson'], changes: false }, files);
  await writeFile(join(work, partName(0)), encode(follow(1, 100)[0]));
  await loader.part(0);
  const error = await rejection(loader.finish({ full: true }));
  assert.equal(error.exitCode, 65);
  assert.match(error.message, /jobs\.ndjson was read back and is not what was written: other ids/);
  await loader.close();
});
