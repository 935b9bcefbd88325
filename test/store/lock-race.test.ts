import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatJson } from '../../src/json/checked-json.ts';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem, OpenFile } from '../../src/platform/file-system.ts';
import { acquireLock, decodeHolder } from '../../src/store/lock.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles, systemError } from '../support/memory-files.ts';
import { fakeProcesses } from './fake-processes.ts';

const PATH = '/.lock';
const HOST = { host: 'here', machine: 'machine', boot: 'boot', pidNamespace: 'pid' };
const CLOCK = { wall: () => 0 };

/** Every operation waits for its turn, which the scheduler gives in any order. */
function scheduled(files: FileSystem, scheduler: fc.Scheduler, links = true): FileSystem {
  const turn = <A extends unknown[], R>(action: (...given: A) => Promise<R>) => {
    return async (...given: A): Promise<R> => {
      await scheduler.schedule(Promise.resolve());
      return action(...given);
    };
  };
  const file = (inner: OpenFile): OpenFile => ({
    ...inner,
    write: turn(inner.write),
    sync: turn(inner.sync),
  });
  return {
    ...files,
    open: turn(async (path, mode) => file(await files.open(path, mode))),
    read: turn(files.read),
    list: turn(files.list),
    rename: turn(files.rename),
    remove: turn(files.remove),
    link: turn(links ? files.link : noLinks),
    stat: turn(files.stat),
  };
}

async function noLinks(): Promise<never> {
  throw systemError('ENOTSUP', PATH);
}

async function withStaleLock(): Promise<MemoryFiles> {
  const files = memoryFiles();
  const token = '00000000-0000-4000-8000-000000000000';
  const dead = { ...HOST, pid: 1, started: '1', since: 'yesterday', token };
  await (await files.open(PATH, 'create')).write(formatJson(dead));
  return files;
}

/** `won`, the exit code of a refusal, or `killed`. */
async function start(
  files: FileSystem,
  pid: number,
  running: Record<number, string>,
  breakLock = false,
) {
  running[pid] = String(pid);
  const processes = fakeProcesses({ ...HOST, pid, started: String(pid) }, running);
  try {
    await acquireLock({ files, clock: CLOCK, path: PATH, processes, breakLock });
    return 'won';
  } catch (error) {
    if (error instanceof ExportError) return error.exitCode;
    delete running[pid];
    return 'killed';
  }
}

describe('starters racing for one lock, their file operations in any order', () => {
  for (const [name, lock] of [
    ['no lock', async () => memoryFiles()],
    ['a stale lock', withStaleLock],
  ] as const) {
    it(`exactly one takes it when there is ${name}`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          const files = await lock();
          const running: Record<number, string> = {};
          const slow = scheduled(files, scheduler);
          const racers = [11, 12, 13].map((pid) => start(slow, pid, running));
          await scheduler.waitFor(Promise.all(racers));
          const results = await Promise.all(racers);
          assert.deepEqual(results.sort(), [75, 75, 'won']);
        }),
        { numRuns: 100 },
      );
    });
  }

  it('never two take it without link(2), and the next starter can when told to break a torn one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 40 }), async (scheduler, at) => {
        const files = memoryFiles();
        const running: Record<number, string> = {};
        const slow = scheduled(files, scheduler, false);
        const mortal = faultyFiles(slow, { at, what: 'kill-after' }, crash);
        const racers = [
          start(mortal, 10, running),
          ...[11, 12].map((pid) => start(slow, pid, running)),
        ];
        await scheduler.waitFor(Promise.all(racers));
        const winners = (await Promise.all(racers)).filter((result) => result === 'won').length;
        assert.ok(winners <= 1);
        const next = await start(files, 99, running, true);
        assert.equal(next, winners === 1 ? 75 : 'won');
      }),
      { numRuns: 150 },
    );
  });

  it('never two take it, and the next starter can, when one is killed on the way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 40 }), async (scheduler, at) => {
        const files = await withStaleLock();
        const running: Record<number, string> = {};
        const slow = scheduled(files, scheduler);
        const mortal = faultyFiles(slow, { at, what: 'kill-after' }, crash);
        const racers = [
          start(mortal, 10, running),
          ...[11, 12].map((pid) => start(slow, pid, running)),
        ];
        await scheduler.waitFor(Promise.all(racers));
        const results = await Promise.all(racers);
        const winners = results.filter((result) => result === 'won').length;
        assert.ok(winners <= 1);
        const next = await start(files, 99, running);
        assert.equal(next, winners === 1 ? 75 : 'won');
        assert.ok(decodeHolder(await files.read(PATH)));
      }),
      { numRuns: 150 },
    );
  });
});
