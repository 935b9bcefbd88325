import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFolders } from '../../src/platform/durable.ts';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { ageOtherWork, KEPT_FOR_MS } from '../../src/store/work.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { crash, type Fault, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { FINGERPRINT, FOLDER, idsOf, openWork, partOf } from './sample.ts';

const HEADER = `${FOLDER}/work.json`;

async function threeParts(): Promise<MemoryFiles> {
  const files = memoryFiles();
  const work = await openWork(files);
  for (const id of ['a', 'b', 'c']) await work.append(partOf(id));
  return files;
}

/** Numbers of the operations that one append makes, first to last, and what they are. */
async function operationsOfAppend(): Promise<{ first: number; names: string[] }> {
  const files = faultyFiles(memoryFiles(), undefined, crash);
  const work = await openWork(files);
  const before = files.operations.length;
  await work.append(partOf('rows'));
  const names = files.operations.slice(before).map(({ name }) => name);
  return { first: before + 1, names };
}

describe('appending a part', () => {
  it('syncs it under another name, renames it and syncs the folder', async () => {
    const { names } = await operationsOfAppend();
    const written = ['open', 'write', 'sync', 'size', 'close'];
    assert.deepEqual(names, ['remove', ...written, 'rename', 'syncFolder']);
  });

  for (const code of ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'EROFS']) {
    it(`fails with 74 and the path when any operation meets ${code}`, async () => {
      const { first, names } = await operationsOfAppend();
      for (let at = first; at < first + names.length; at++) {
        const memory = memoryFiles();
        const work = await openWork(faultyFiles(memory, { at, what: code }, crash));
        const failure = await work.append(partOf('lost')).catch((error: unknown) => error);
        assert.ok(failure instanceof ExportError);
        assert.deepEqual([failure.exitCode, failure.retryable], [74, true]);
        assert.ok(failure.message.includes(FOLDER), failure.message);
        assert.match(failure.message, /run the same command again: it resumes/);
        assert.ok((await idsOf(await openWork(memory))).every((id) => id === 'lost'));
      }
    });
  }

  it('is whole however short each write is', async () => {
    const memory = memoryFiles();
    const { first } = await operationsOfAppend();
    const fault: Fault = { at: first + 2, what: 'short', onwards: true };
    await (await openWork(faultyFiles(memory, fault, crash))).append(partOf('rows'));
    assert.deepEqual(await idsOf(await openWork(memory)), ['rows']);
  });

  it('ends when the disk takes no byte at all', async () => {
    const memory = memoryFiles();
    const stuck: FileSystem = {
      ...memory,
      open: async (path, mode) => {
        const file = await memory.open(path, mode);
        return path.includes('work.json') ? file : { ...file, write: async () => 0 };
      },
    };
    await assert.rejects((await openWork(stuck)).append(partOf('rows')), { exitCode: 74 });
  });

  it('notices when the disk loses bytes without a word', async () => {
    const memory = memoryFiles();
    const lossy: FileSystem = {
      ...memory,
      open: async (path, mode) => {
        const file = await memory.open(path, mode);
        return path.includes('work.json')
          ? file
          : { ...file, size: async () => (await file.size()) - 1 };
      },
    };
    const appended = (await openWork(lossy)).append(partOf('rows'));
    await assert.rejects(appended, { exitCode: 74, message: /lost some/ });
  });

  it('refuses a part that was altered after it was written', async () => {
    const memory = memoryFiles();
    const work = await openWork(memory);
    await work.append(partOf('rows'));
    memory.damage(`${FOLDER}/part-000000.arrow`, 0);
    await assert.rejects(work.read(0), { exitCode: 74, message: /part-000000/ });
  });
});

describe('setting up the work folder', () => {
  for (const code of ['EACCES', 'EROFS', 'ENOTDIR', 'EPERM']) {
    it(`fails with 73 when making it meets ${code}`, async () => {
      const counted = faultyFiles(memoryFiles(), undefined, crash);
      await openWork(counted);
      const at = counted.operations.findIndex(({ name }) => name === 'makeFolder') + 1;
      const opening = openWork(faultyFiles(memoryFiles(), { at, what: code }, crash));
      await assert.rejects(opening, { exitCode: 73, retryable: false, message: /\/output/ });
    });
  }

  it('fails with 74 when the disk is full already', async () => {
    const counted = faultyFiles(memoryFiles(), undefined, crash);
    await openWork(counted);
    const at = counted.operations.findIndex(({ name }) => name === 'write') + 1;
    const opening = openWork(faultyFiles(memoryFiles(), { at, what: 'ENOSPC' }, crash));
    await assert.rejects(opening, { exitCode: 74, message: /free space/ });
  });
});

describe('opening work', () => {
  it('begins anew when there is none', async () => {
    const { header, parts, droppedParts } = await openWork(memoryFiles());
    assert.deepEqual([parts, droppedParts], [0, 0]);
    assert.deepEqual(header, { runId: 'the run', startedAt: 1000, resumed: 0 });
  });

  it('resumes the parts and the header of the first run, and counts', async () => {
    const files = await threeParts();
    for (const resumed of [1, 2]) {
      const work = await openWork(files, { runId: 'another run' });
      assert.deepEqual([work.header.runId, work.header.resumed], ['the run', resumed]);
      assert.equal(work.droppedParts, 0);
      assert.deepEqual(await idsOf(work), ['a', 'b', 'c']);
      const { rejects, settled, state } = await work.read(1);
      assert.equal(Buffer.from(rejects).toString(), 'reject of b\n');
      assert.deepEqual([settled, state], [7n, 'b']);
    }
  });

  for (const [how, lose] of [
    ['altered', (files: MemoryFiles, path: string) => files.damage(path, 2)],
    ['gone', (files: MemoryFiles, path: string) => files.remove(path)],
  ] as const) {
    it(`drops a part that is ${how}, and all behind it, for good`, async () => {
      const files = await threeParts();
      await lose(files, `${FOLDER}/part-000001.arrow`);
      const work = await openWork(files);
      assert.equal(work.droppedParts, how === 'gone' ? 1 : 2);
      assert.deepEqual(await idsOf(work), ['a']);
      await work.append(partOf('b again'));
      const again = await openWork(files);
      assert.deepEqual([await idsOf(again), again.droppedParts], [['a', 'b again'], 0]);
    });
  }

  it('does not take an unreadable disk for a lost part', async () => {
    const files = await threeParts();
    const denied: FileSystem = {
      ...files,
      read: async (path) => {
        if (!path.endsWith('.arrow')) return files.read(path);
        throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
      },
    };
    const message = /part-000000\.arrow.*ulimit -n/;
    await assert.rejects(openWork(denied), { exitCode: 74, message });
    assert.equal((await openWork(files)).parts, 3);
  });

  it('discards the work on restart, and when it is too old or from the future', async () => {
    for (const change of [
      { restart: true },
      { clock: { wall: () => 2001 } },
      { clock: { wall: () => 0 }, resumeWithinMs: 999 },
    ]) {
      const files = await threeParts();
      const { header, parts } = await openWork(files, { ...change, runId: 'another run' });
      assert.deepEqual([header.resumed, header.runId, parts], [0, 'another run', 0]);
      assert.deepEqual(await files.list(FOLDER), ['work.json']);
    }
  });

  it('goes on with work that was refused only when asked to', async () => {
    const files = memoryFiles();
    const work = await openWork(files);
    await work.append(partOf('a'));
    await work.refuse();
    assert.deepEqual(await idsOf(await openWork(files, { takesRefused: true })), ['a']);
    const afresh = await openWork(files, { runId: 'another run' });
    assert.deepEqual([afresh.header.runId, afresh.parts], ['another run', 0]);
    assert.equal(afresh.header.refused, undefined);
  });

  it('still resumes work that is just young enough', async () => {
    const clock = { wall: () => 2000 };
    assert.equal((await openWork(await threeParts(), { clock })).parts, 3);
  });

  it('leaves nothing when the work is discarded', async () => {
    const files = await threeParts();
    await (await openWork(files)).discard();
    assert.equal(await files.stat(FOLDER), undefined);
  });

  it('removes what is no part of it', async () => {
    const files = await threeParts();
    for (const name of ['part-000003.arrow.tmp', 'merged-0-0-0-0'])
      await files.open(`${FOLDER}/${name}`, 'create');
    const work = await openWork(files);
    assert.deepEqual([(await files.list(FOLDER)).length, work.droppedParts], [4, 0]);
  });

  it('refuses a header that is damaged, with --restart as the way out', async () => {
    const files = await threeParts();
    files.damage(HEADER, 0);
    await assert.rejects(openWork(files), (error) => {
      assert.ok(error instanceof ExportError);
      assert.equal(error.exitCode, 74);
      assert.match(error.message, /damaged.*--restart/);
      assert.ok(error.message.includes(HEADER));
      return true;
    });
    assert.equal((await openWork(files, { restart: true })).parts, 0);
  });
});

describe('unfinished work of other runs', () => {
  const PARENT = '/output/jobs/.work';
  const OTHER = 'f'.repeat(16);
  const NOW = 2 * KEPT_FOR_MS;
  const folder = `${PARENT}/${OTHER}`;

  async function leaveWork(files: MemoryFiles, name: string, startedAt: number): Promise<void> {
    const clock = { wall: () => startedAt };
    const work = await openWork(files, { folder: `${PARENT}/${name}`, clock });
    await work.append(partOf('rows'));
  }

  async function age(files: MemoryFiles, keptForMs?: number, published?: string) {
    const clock = fakeClock({ mode: 'still', wall: NOW });
    return ageOtherWork({ files, clock }, FOLDER, published, keptForMs);
  }

  it('is nothing where nothing else ever ran', async () => {
    const files = memoryFiles();
    await openWork(files);
    assert.deepEqual(await age(files), []);
  });

  it('is reported and left alone for a week', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW - KEPT_FOR_MS);
    const before = files.tree();
    assert.deepEqual(await age(files), [{ folder, removed: false }]);
    assert.deepEqual(files.tree(), before);
  });

  it('is removed when it is older, and said to be', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW - KEPT_FOR_MS - 1);
    assert.deepEqual(await age(files), [{ folder, removed: true }]);
    assert.deepEqual(await files.list(PARENT), []);
  });

  it('goes at once when its run is published', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW);
    assert.deepEqual(await age(files, undefined, 'the run'), [{ folder, removed: true }]);
  });

  it('goes earlier when told to, never later', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW - 1000);
    assert.equal((await age(files, 1000))[0]?.removed, false);
    assert.equal((await age(files, 999))[0]?.removed, true);
    await leaveWork(files, OTHER, NOW - KEPT_FOR_MS - 1);
    assert.equal((await age(files, 2 * KEPT_FOR_MS))[0]?.removed, true);
  });

  it('never includes the run itself or what is no work folder', async () => {
    const files = memoryFiles();
    await leaveWork(files, FINGERPRINT, 0);
    await makeFolders(files, `${PARENT}/notes`);
    await files.open(`${PARENT}/${OTHER}`, 'create');
    assert.deepEqual(await age(files), []);
    assert.deepEqual(await files.list(PARENT), [FINGERPRINT, OTHER, 'notes']);
  });

  it('has the age of its folder when its header cannot be read', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW);
    files.damage(`${folder}/work.json`, 0);
    assert.deepEqual(await age(files), [{ folder, removed: true }]);
  });
});
