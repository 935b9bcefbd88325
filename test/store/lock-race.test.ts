import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { acquireLock, decodeHolder } from '../../src/store/lock.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { fakeProcesses } from './fake-processes.ts';

const PATH = '/.lock';
const HOST = { host: 'here', machine: 'machine', boot: 'boot', pidNamespace: 'pid' };
const CLOCK = { wall: () => 0 };

/** Every operation waits for its turn, which the scheduler gives in any order. */
function scheduled(files: FileSystem, scheduler: fc.Scheduler): FileSystem {
  const turn = <A extends unknown[], R>(action: (...given: A) => Promise<R>) => {
    return async (...given: A): Promise<R> => {
      await scheduler.schedule(Promise.resolve());
      return action(...given);
    };
  };
  return {
    ...files,
    list: turn(files.list),
    readLink: turn(files.readLink),
    remove: turn(files.remove),
    stat: turn(files.stat),
    symlink: turn(files.symlink),
  };
}

async function withStaleLock(): Promise<MemoryFiles> {
  const files = memoryFiles();
  const token = '00000000-0000-4000-8000-000000000000';
  const dead = { ...HOST, pid: 1, started: '1', since: 'yesterday', token };
  await files.symlink(JSON.stringify(dead), PATH);
  return files;
}

/** `won`, the exit code of a refusal, or `killed`. */
async function start(files: FileSystem, pid: number, running: Record<number, string>) {
  running[pid] = String(pid);
  const processes = fakeProcesses({ ...HOST, pid, started: String(pid) }, running);
  try {
    await acquireLock({ files, clock: CLOCK, path: PATH, processes });
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
        assert.ok(decodeHolder(await files.readLink(PATH)));
      }),
      { numRuns: 150 },
    );
  });
});
