import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { RecordBatch } from 'apache-arrow';
import fc from 'fast-check';
import { arrowSchema } from '../../src/jobs/arrow-schema.ts';
import { COMPRESSIONS, type Compression, FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import type { Base } from '../../src/load/base.ts';
import { openBaseFile, readBaseIndex } from '../../src/load/base-file.ts';
import { type Ending, type Loaded, Loader, type LoadTask } from '../../src/load/loader.ts';
import { startLoader } from '../../src/load/thread.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { PartEncoder, partName } from '../../src/platform/part-file.ts';
import { againIn, batchOf } from '../support/batches.ts';
import { temporaryFolder } from '../support/exports.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { rejection } from '../support/rejection.ts';

const SCHEMA = arrowSchema(
  (
    [
      ['id', 'string', true],
      ['status', 'string', true],
      ['created_at', 'timestamp', true],
      ['updated_at', 'timestamp', false],
      ['runs', 'int64', false],
      ['seconds', 'float64', false],
      ['is_final', 'bool', false],
      ['note', 'string', false],
      ['errors', 'strings', false],
      ['anomalies', 'strings', false],
    ] as const
  ).map(([name, type, required]) => ({ name, type, required, sent: true, description: '' })),
);

interface Job {
  readonly id: string;
  readonly status: string;
  readonly created: number;
  readonly updated: number | null;
  readonly note: string | null;
  readonly isReject: boolean;
}

const FINAL = ['DONE', 'ERROR', 'CANCELED', 'TIMED_OUT'];
const FAILED = ['ERROR', 'TIMED_OUT'];

function inOrder(jobs: Iterable<Job>): Job[] {
  return [...jobs].toSorted(
    (a, b) => a.created - b.created || Buffer.compare(Buffer.from(a.id), Buffer.from(b.id)),
  );
}

function batch(jobs: readonly Job[]): RecordBatch {
  const lists = jobs.map(({ note }) => (note === null ? null : [note, null]));
  return batchOf(SCHEMA, jobs.length, {
    id: jobs.map(({ id }) => id),
    status: jobs.map(({ status }) => status),
    created_at: jobs.map(({ created }) => BigInt(created)),
    updated_at: jobs.map(({ updated }) => (updated === null ? null : BigInt(updated))),
    runs: jobs.map(({ updated }) => (updated === null ? null : BigInt(updated) - 2n)),
    seconds: jobs.map(({ updated }) => (updated === null ? null : updated / 3)),
    is_final: jobs.map(({ status }) => FINAL.includes(status)),
    note: jobs.map(({ note }) => note),
    errors: lists,
    anomalies: lists.map((list) => (list === null ? [] : ['noted'])),
  });
}

function encode(jobs: readonly Job[], again: readonly string[] = []): Uint8Array {
  const rows = batch(inOrder(jobs.filter(({ isReject }) => !isReject)));
  const rejects = jobs
    .filter(({ isReject }) => isReject)
    .map(({ id, updated }) => {
      const raw = JSON.stringify({ id, updated_at: updated === null ? null : `0.00000${updated}` });
      return `${JSON.stringify({ reason: 'odd', offset: null, raw })}\n`;
    });
  const rest = { rejects: Buffer.from(rejects.join('')), again, settled: null, state: null };
  return new PartEncoder(SCHEMA).encode({ batch: rows, ...rest });
}

interface Snapshot {
  readonly folder: string;
  readonly loaded: Loaded;
  /** By name. */
  readonly files: Readonly<Record<string, Buffer>>;
}

async function load(
  t: TestContext,
  parts: readonly (readonly Job[])[],
  task: Omit<LoadTask, 'work' | 'staging'>,
  ending: Ending = { full: true },
  door: FileSystem = nodeFiles,
): Promise<Snapshot> {
  const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
  const loader = new Loader({ ...task, work, staging }, door);
  let loaded: Loaded;
  try {
    const again = againIn(parts);
    for (const [index, jobs] of parts.entries()) {
      await writeFile(join(work, partName(index)), encode(jobs, again[index]));
      await loader.part(index);
    }
    loaded = await loader.finish(ending);
  } finally {
    await loader.close();
  }
  const names = (await readdir(staging)).toSorted();
  const files = await Promise.all(names.map((name) => readFile(join(staging, name))));
  return {
    folder: staging,
    loaded,
    files: Object.fromEntries(names.map((name, i) => [name, files[i]])),
  };
}

/** A snapshot to go on from. */
async function baseOf({ folder, loaded }: Snapshot, lateBefore = 0n): Promise<Base> {
  const { files, anomalies } = loaded;
  const [format] = FORMATS.filter((known) => files.some((file) => file.format === known));
  const found = files.find((file) => file.format === format);
  assert.ok(found && format);
  const file = await openBaseFile({ ...found, path: join(folder, found.name), format }, SCHEMA);
  try {
    const index = await readBaseIndex(file);
    return { folder, files, anomalies, index, canCopy: true, lateBefore };
  } finally {
    await file.close();
  }
}

function withoutIndex({ index, ...base }: Base): Base {
  assert.ok(index);
  return base;
}

/** What an incremental run is given: versions of jobs, part by part, and what is gone. */
interface Night {
  readonly parts: readonly (readonly Job[])[];
  readonly gone: readonly string[];
}

function newestOf(parts: Night['parts']): Map<string, Job> {
  const newest = new Map<string, Job>();
  for (const job of parts.flat()) {
    const known = newest.get(job.id);
    if (!known || (job.updated ?? -1) >= (known.updated ?? -1)) newest.set(job.id, job);
  }
  return newest;
}

/** The jobs of a base as they are after the night. */
function after(base: ReadonlyMap<string, Job>, { parts, gone }: Night): Map<string, Job> {
  const jobs = new Map(base);
  for (const id of gone) jobs.delete(id);
  for (const [id, job] of newestOf(parts)) {
    jobs.delete(id);
    if (!job.isReject) jobs.set(id, job);
  }
  return jobs;
}

/** The lines of `changes.ndjson` in short: how, status before, id, note. */
function difference(base: ReadonlyMap<string, Job>, jobs: ReadonlyMap<string, Job>) {
  const created = [...jobs.values()].filter(({ id }) => !base.has(id));
  const deleted = [...base.values()].filter(({ id }) => !jobs.has(id));
  const updated = [...jobs.values()].filter(({ id, ...job }) => {
    const before = base.get(id);
    return before && JSON.stringify(before) !== JSON.stringify({ id, ...job });
  });
  const kind = ({ id }: Job) => (!base.has(id) ? 'created' : jobs.has(id) ? 'updated' : 'deleted');
  return inOrder([...created, ...deleted, ...updated]).map((job) => ({
    change: kind(job),
    previous_status: base.get(job.id)?.status ?? null,
    job,
  }));
}

const version = fc.record(
  {
    number: fc.nat({ max: 40 }),
    status: fc.constantFrom('PENDING', 'DONE', 'ERROR', 'TIMED_OUT'),
    updated: fc.option(fc.nat({ max: 3 })),
    note: fc.option(fc.constantFrom('', 'a', 'é😀')),
    chance: fc.nat({ max: 9 }),
  },
  { noNullPrototype: true },
);

interface Version {
  readonly number: number;
  readonly status: string;
  readonly updated: number | null;
  readonly note: string | null;
  readonly chance: number;
}

/** Many are created at the same time, and one in ten was moved or is set aside. */
function jobOf({ number, chance, ...rest }: Version, isNight: boolean): Job {
  const id = number % 3 === 0 ? `\u{1f600}${number}` : `job ${number}`;
  const created = 100 * ((number * 7) % 10) + (isNight && chance === 0 ? 250 : 0);
  return { id, created, ...rest, isReject: isNight && chance === 1 };
}

/** Jobs that never change, enough for a few blocks, before the others. */
function still(count: number): Job[] {
  return Array.from({ length: count }, (_, i) => {
    const rest = { status: 'DONE', updated: i % 5, note: null, isReject: false };
    return { id: `still ${i}`, created: (i >> 4) - 400, ...rest };
  });
}

function byId(jobs: Iterable<Job>): Map<string, Job> {
  return new Map([...jobs].map((job) => [job.id, job]));
}

const formats = fc.subarray<Format>([...FORMATS], { minLength: 1 });
const compression = fc.option(fc.constantFrom<Compression>(...COMPRESSIONS), { nil: undefined });

test('going on from a base makes the files of a full export, and tells what changed', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(0, 5100),
      fc.array(version),
      fc.array(fc.array(version, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.nat({ max: 5099 }), { maxLength: 2 }),
      fc.array(fc.nat({ max: 45 }), { maxLength: 3 }),
      fc.tuple(formats, formats, compression, compression),
      async (count, before, night, stillGone, gone, [had, wanted, packed, pack]) => {
        const rows = byId([...still(count), ...before.map((it) => jobOf(it, false))]);
        const parts = night.map((versions) => [
          ...byId(versions.map((it) => jobOf(it, true))).values(),
        ]);
        const ids = [
          ...stillGone.map((number) => `still ${number}`),
          ...gone.map((number) => jobOf({ ...NO_VERSION, number }, false).id),
        ];
        const base = await load(t, [[...rows.values()]], {
          formats: had,
          compression: packed,
          changes: false,
        });
        const from = await baseOf(base, 400n);
        const jobs = after(rows, { parts, gone: ids });
        const rejected = [...newestOf(parts).values()].filter(({ isReject }) => isReject);
        const task = { formats: wanted, compression: pack, changes: true };
        const full = await load(t, [[...jobs.values(), ...rejected]], {
          ...task,
          base: withoutIndex(from),
        });
        const found = await load(t, parts, { ...task, base: from }, { gone: ids });
        const { audit, ...loaded } = full.loaded;
        assert.deepEqual(found.files, full.files);
        assert.deepEqual(found.loaded, loaded);
        const plain = await load(t, [[...jobs.values(), ...rejected]], {
          formats: wanted,
          compression: pack,
          changes: false,
        });
        for (const [name, bytes] of Object.entries(plain.files))
          if (name !== 'load.sql') assert.deepEqual(found.files[name], bytes, name);
        const expected = difference(rows, jobs);
        const of = (kind: string) => expected.filter(({ change }) => change === kind);
        assert.deepEqual(loaded.changes, {
          created: of('created').length,
          updated: of('updated').length,
          deleted: of('deleted').length,
          failed: expected.filter(
            ({ job, previous_status }) =>
              FAILED.includes(job.status) && !FAILED.includes(previous_status ?? ''),
          ).length,
        });
        assert.deepEqual(audit, {
          changed: of('updated').filter((it) => FINAL.includes(it.previous_status ?? '')).length,
          late: of('created').filter(({ job }) => job.created < 400).length,
        });
        const lines = found.files['changes.ndjson']?.toString('utf8').split('\n').slice(0, -1);
        assert.deepEqual(
          lines?.map((line) => JSON.parse(line)).map(shown),
          lines && expected.map(({ job, ...change }) => shown({ ...change, ...job })),
        );
      },
    ),
    { numRuns: 40 },
  );
});

const NO_VERSION: Version = { number: 0, status: '', updated: null, note: null, chance: 9 };

/** What a line of `changes.ndjson` is compared by. */
function shown(row: Record<string, unknown>) {
  const { change, previous_status, id, status, note } = row;
  return { change, previous_status, id, status, note };
}

/** Rows of a row group of Parquet, and some of the next. */
const MANY = 122_500 + 5_000;

test('what stands before the first row that differs is copied: row groups, record batches and lines', async (t) => {
  const base = await load(t, [still(MANY)], { formats: FORMATS, changes: false });
  const from = await baseOf(base);
  const jobs = still(MANY + 10);
  const late = { ...jobs[MANY - 3], status: 'ERROR' };
  const night = [late, ...jobs.slice(MANY)];
  const now = [...jobs.slice(0, MANY - 3), late, ...jobs.slice(MANY - 2)];
  const task = { formats: FORMATS, changes: false };
  const names = ['jobs.parquet', 'jobs.arrow', 'jobs.ndjson'];
  const full = await load(t, [now], task);
  const snappy = await load(t, [now], { ...task, compression: 'snappy' });
  for (const [compression, expected] of [[undefined, full] as const, ['snappy', snappy] as const]) {
    const found = await load(t, [night], { ...task, compression, base: from }, { gone: [] });
    for (const name of names) assert.deepEqual(found.files[name], expected.files[name], name);
  }
  // A copy has what the base has, whatever that is; and its rows are not read.
  const AT = 40_000;
  for (const name of names) {
    const altered = Buffer.from(base.files[name]);
    altered[AT] ^= 1;
    await writeFile(join(base.folder, name), altered);
  }
  const { files } = await load(t, [night], { ...task, base: from }, { gone: [] });
  for (const name of names) {
    assert.equal(files[name][AT], full.files[name][AT] ^ 1, name);
    files[name][AT] ^= 1;
    assert.deepEqual(files[name], full.files[name], name);
  }
});

/** A base of two blocks, and a night behind the first. */
async function twoBlocks(t: TestContext) {
  const jobs = still(3000);
  const base = await load(t, [jobs.slice(0, 2990)], { formats: FORMATS, changes: false });
  const parts = [jobs.slice(2980), [{ ...jobs[2985], status: 'ERROR' }]];
  const task = { formats: FORMATS, changes: true, base: await baseOf(base) };
  return { base, parts, task };
}

test('a disk that fails, at whatever operation, is told of', async (t) => {
  const { parts, task } = await twoBlocks(t);
  const counting = faultyFiles(nodeFiles, undefined, crash);
  await load(t, parts, task, { gone: ['still 2600'] }, counting);
  const names = counting.operations.map(({ name }) => name);
  for (const name of ['read', 'readChunks', 'open', 'write', 'sync', 'close'] as const)
    assert.ok(names.includes(name), name);
  for (let at = 1; at <= names.length; at++) {
    const faulty = faultyFiles(nodeFiles, { at, what: 'EIO' }, crash);
    const error = await rejection(load(t, parts, task, { gone: ['still 2600'] }, faulty));
    assert.deepEqual([error.exitCode, error.stage], [74, 'load'], `${at}: ${names[at - 1]}`);
  }
});

test('a base that is damaged where it is read, or cut off while it is copied, ends the run', async (t) => {
  const { base, parts, task } = await twoBlocks(t);
  const shorter: FileSystem = {
    ...nodeFiles,
    async *readChunks(path) {
      yield (await nodeFiles.read(path)).subarray(0, 1000);
    },
  };
  const short = await rejection(load(t, parts, task, { gone: [] }, shorter));
  assert.equal(short.exitCode, 74);
  assert.match(short.message, /jobs\.arrow became shorter while it was read/);
  await writeFile(join(base.folder, 'jobs.arrow'), base.files['jobs.arrow'].subarray(0, -100));
  const error = await rejection(load(t, parts, task, { gone: [] }));
  assert.deepEqual([error.exitCode, error.stage], [65, 'load']);
  assert.match(error.message, /jobs\.arrow is damaged/);
});

test('a full run compares, with an index or without; a thread makes the same as the loader inline', async (t) => {
  const { base, parts, task } = await twoBlocks(t);
  const make = async (door: FileSystem, ending: Ending, base: Base) => {
    const [work, staging] = [await temporaryFolder(t), await temporaryFolder(t)];
    const line = await startLoader({ ...task, base, work, staging }, door);
    for (const [part, jobs] of parts.entries()) {
      await writeFile(join(work, partName(part)), encode(jobs, againIn(parts)[part]));
      line.part(part);
    }
    const loaded = await line.finish(ending);
    await line.close();
    return loaded;
  };
  const bare = withoutIndex(task.base);
  for (const [ending, known] of [
    [{ gone: ['still 3'] }, task.base],
    [{ full: true }, bare],
    [{ full: true }, task.base],
  ] as const) {
    const loaded = await make(nodeFiles, ending, known);
    assert.deepEqual(loaded, await make({ ...nodeFiles }, ending, known));
    assert.equal(loaded.rows, 'gone' in ending ? 2999 : 20);
    assert.equal(loaded.changes?.deleted, 'gone' in ending ? 1 : base.loaded.rows - 10);
  }
});
