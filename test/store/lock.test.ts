import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { acquireLock, decodeHolder, type Holder } from '../../src/store/lock.ts';
import { nodeProcesses, type ProcessIdentity, readProcStat } from '../../src/store/processes.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles, systemError } from '../support/memory-files.ts';
import { fakeProcesses } from './fake-processes.ts';

const PATH = '/output/jobs/.lock';
const CLOCK = { wall: () => Date.UTC(2026, 10, 23, 2) };
const SELF: ProcessIdentity = {
  host: 'here',
  machine: 'machine-1',
  boot: 'boot-1',
  pidNamespace: 'pid:[1]',
  pid: 100,
  started: '5000',
};

function acquire(
  files: FileSystem,
  running: Readonly<Record<number, string | null>> = {},
  breakLock = false,
) {
  const processes = fakeProcesses(SELF, { 100: '5000', ...running });
  return acquireLock({ files, clock: CLOCK, path: PATH, processes, breakLock });
}

/** A lock left by somebody else. */
async function lockedBy(change: Partial<Holder>): Promise<MemoryFiles> {
  const files = memoryFiles();
  const lock = await acquire(files);
  await lock.release();
  const token = '00000000-0000-4000-8000-000000000000';
  const holder = { ...SELF, pid: 77, started: '300', since: '2026-11-22T02:00:00.000Z', token };
  await files.symlink(JSON.stringify({ ...holder, ...change }), PATH);
  return files;
}

const SEEN_NOT =
  /pid 77 on host here since 2026-11-22T02:00:00\.000Z .* cannot be seen from here.* --break-lock$/;

/** A lock that names nobody. */
async function assertBreaksOnlyWhenTold(files: MemoryFiles): Promise<void> {
  const failure = await failureOf(acquire(files));
  assert.equal(failure.exitCode, 75);
  assert.match(failure.message, /names no holder.*at 1970-01-01T.*run again with --break-lock$/);
  await acquire(files, {}, true);
  assert.equal(decodeHolder(await files.readLink(PATH))?.pid, 100);
}

async function failureOf(acquiring: Promise<unknown>): Promise<ExportError> {
  const failure = await acquiring.catch((error: unknown) => error);
  assert.ok(failure instanceof ExportError);
  return failure;
}

describe('the lock', () => {
  it('is a link that names its holder', async () => {
    const files = memoryFiles();
    await acquire(files);
    const holder = decodeHolder(await files.readLink(PATH));
    assert.ok(holder);
    const { token, ...rest } = holder;
    assert.deepEqual(rest, { ...SELF, since: '2026-11-23T02:00:00.000Z' });
    assert.match(token, /^[0-9a-f-]{36}$/);
  });

  it('leaves nothing behind when released', async () => {
    const files = memoryFiles();
    await (await acquire(files)).release();
    assert.deepEqual(files.tree(), { '/output': null, '/output/jobs': null });
  });

  it('refuses a second run with 75, even in the same process, naming pid, host and time', async () => {
    const files = memoryFiles();
    await acquire(files);
    const failure = await failureOf(acquire(files));
    assert.deepEqual([failure.exitCode, failure.retryable], [75, true]);
    assert.match(failure.message, /pid 100 on host here since 2026-11-23T02:00:00\.000Z/);
    assert.deepEqual(await files.list('/output/jobs'), ['.lock']);
  });

  it('can be taken again after its release', async () => {
    const files = memoryFiles();
    await (await acquire(files)).release();
    await (await acquire(files)).release();
  });

  it('is left alone by a release when somebody else has it by now', async () => {
    const files = memoryFiles();
    const mine = await acquire(files);
    await files.remove(PATH);
    await acquire(files);
    await mine.release();
    assert.deepEqual(await files.list('/output/jobs'), ['.lock']);
  });

  const stale: [string, Partial<Holder>, Record<number, string | null>][] = [
    ['process is gone', {}, {}],
    ['pid belongs to another process now', {}, { 77: '301' }],
    ['machine was booted since', { boot: 'boot-0' }, { 77: '300' }],
    ['container and boot are gone', { boot: 'boot-0', pidNamespace: 'pid:[2]' }, {}],
  ];
  for (const [why, change, running] of stale) {
    it(`is taken over when the holder's ${why}`, async () => {
      const files = await lockedBy(change);
      await acquire(files, running);
      assert.equal(decodeHolder(await files.readLink(PATH))?.pid, 100);
      assert.deepEqual(await files.list('/output/jobs'), ['.lock']);
    });
  }

  const kept: [string, Partial<Holder>, Record<number, string | null>, RegExp][] = [
    ['runs', {}, { 77: '300' }, /another run holds/],
    ['runs, as far as the system tells', {}, { 77: null }, /another run holds/],
    ['is on another host', { host: 'there' }, {}, /host there.*if that run is over/],
    ['was on a machine of the same name', { machine: 'machine-2', boot: 'boot-0' }, {}, SEEN_NOT],
    ['names no machine and another boot', { machine: null, boot: 'boot-0' }, {}, SEEN_NOT],
    ['is on a system that tells nothing', { machine: null, boot: null }, {}, SEEN_NOT],
    ['is in another container', { pidNamespace: 'pid:[2]' }, {}, SEEN_NOT],
  ];
  for (const [why, change, running, message] of kept) {
    it(`is never broken when the holder ${why}`, async () => {
      const files = await lockedBy(change);
      const failure = await failureOf(acquire(files, running));
      assert.equal(failure.exitCode, 75);
      assert.match(failure.message, message);
      assert.equal(decodeHolder(await files.readLink(PATH))?.pid, 77);
    });
  }

  const token = '00000000-0000-4000-8000-000000000000';
  for (const content of [
    'garbage',
    '{"pid":77}',
    JSON.stringify({ ...SELF, since: '', token, pid: 0 }),
    JSON.stringify({ ...SELF, since: '', token: '../..' }),
  ]) {
    it(`is never broken when it says ${JSON.stringify(content)}, unless told to`, async () => {
      const files = await lockedBy({});
      await files.remove(PATH);
      await files.symlink(content, PATH);
      await assertBreaksOnlyWhenTold(files);
    });
  }

  it('is never broken when it is a file, unless told to', async () => {
    const files = await lockedBy({});
    await files.remove(PATH);
    await files.open(PATH, 'create');
    await assertBreaksOnlyWhenTold(files);
  });

  it('is never broken when it is a folder, which may hold anything', async () => {
    const files = await lockedBy({});
    await files.remove(PATH);
    await files.makeFolder(PATH);
    assert.equal((await failureOf(acquire(files, {}, true))).exitCode, 73);
    assert.deepEqual(await files.list(PATH), []);
  });

  for (const change of [{ host: 'there' }, { pidNamespace: 'pid:[2]' }]) {
    it(`of ${Object.values(change)[0]} is broken when told to, and its holder finds out`, async () => {
      const files = memoryFiles();
      const theirs = await acquireLock({
        files,
        clock: CLOCK,
        path: PATH,
        processes: fakeProcesses({ ...SELF, ...change, pid: 77 }, {}),
      });
      await theirs.check();
      const mine = await acquire(files, {}, true);
      await assert.rejects(theirs.check(), { exitCode: 75, message: /lost the lock .* pid 100/ });
      await theirs.release();
      await mine.check();
      assert.deepEqual(await files.list('/output/jobs'), ['.lock']);
    });
  }

  it('of a run seen alive is not broken even when told to', async () => {
    const files = await lockedBy({});
    assert.equal((await failureOf(acquire(files, { 77: '300' }, true))).exitCode, 75);
    assert.equal(decodeHolder(await files.readLink(PATH))?.pid, 77);
  });

  for (const code of ['EPERM', 'ENOTSUP', 'ENOSYS']) {
    it(`fails with 73 and what to do without symbolic links (${code})`, async () => {
      const symlink = async () => {
        throw systemError(code, PATH);
      };
      const failure = await failureOf(acquire({ ...memoryFiles(), symlink }));
      assert.equal(failure.exitCode, 73);
      const says =
        /^\/output\/jobs is .*without symbolic links.*choose an output folder on another one/;
      assert.match(failure.message, says);
    });
  }

  for (const code of ['EACCES', 'EROFS']) {
    it(`fails with 73 and the path when the folder cannot be written (${code})`, async () => {
      const symlink = async () => {
        throw systemError(code, PATH);
      };
      const failure = await failureOf(acquire({ ...memoryFiles(), symlink }));
      assert.equal(failure.exitCode, 73);
      assert.match(failure.message, /\/output\/jobs.*choose another output folder/);
    });
  }

  it('is taken although the answer of the file system got lost', async () => {
    const memory = memoryFiles();
    const symlink = async (target: string, path: string) => {
      await memory.symlink(target, path);
      throw systemError('EEXIST', path);
    };
    await (await acquire({ ...memory, symlink })).check();
  });

  it('clears away guards of its own and nothing of anybody else', async () => {
    const files = await lockedBy({});
    const guard = `.${'0'.repeat(32)}.guard`;
    const mine = `${PATH}${guard}`;
    await files.symlink(await files.readLink(PATH), mine);
    const foreign = [
      `${PATH}.notes`,
      `${PATH}.${'1'.repeat(32)}.guard`,
      `/output/jobs/my.lock${guard}`,
    ];
    for (const path of foreign) await (await files.open(path, 'create')).write(Buffer.from('mine'));
    await files.symlink('elsewhere', `${PATH}.${'2'.repeat(32)}.guard`);
    foreign.push(`${PATH}.${'2'.repeat(32)}.guard`);
    await acquire(files);
    const left = [PATH, ...foreign].map((path) => path.slice('/output/jobs/'.length));
    assert.deepEqual(await files.list('/output/jobs'), left.sort());
  });

  it('is taken by the next starter wherever a takeover was killed', async () => {
    const counted = faultyFiles(await lockedBy({}), undefined, crash);
    const processes = fakeProcesses(SELF, { 100: '5000' });
    await acquireLock({ files: counted, clock: CLOCK, path: PATH, processes });
    for (let at = 1; at <= counted.operations.length; at++) {
      const memory = await lockedBy({});
      const files = faultyFiles(memory, { at, what: 'kill-after' }, crash);
      await acquireLock({ files, clock: CLOCK, path: PATH, processes }).catch(() => undefined);
      const next = fakeProcesses({ ...SELF, pid: 101, started: '6000' }, { 101: '6000' });
      await acquireLock({ files: memory, clock: CLOCK, path: PATH, processes: next });
      assert.equal(decodeHolder(await memory.readLink(PATH))?.pid, 101);
      assert.deepEqual(await memory.list('/output/jobs'), ['.lock']);
    }
  });

  for (const code of ['EACCES', 'EROFS', 'ENOTDIR']) {
    it(`fails with 73 when its folder meets ${code}`, async () => {
      const files = faultyFiles(memoryFiles(), { at: 1, what: code }, crash);
      const processes = fakeProcesses(SELF, {});
      const failure = await failureOf(acquireLock({ files, clock: CLOCK, path: PATH, processes }));
      assert.equal(failure.exitCode, 73);
      assert.match(failure.message, /\/output/);
    });
  }
});

describe('processes', () => {
  it('tells this process from one that has ended', async () => {
    const self = await nodeProcesses.self();
    assert.equal(self.pid, process.pid);
    assert.ok(self.machine === null || /^[\w-]+$/.test(self.machine));
    assert.deepEqual(await nodeProcesses.look(process.pid), { started: self.started });
    assert.equal(await nodeProcesses.look(2 ** 22 + 1), 'gone');
  });

  it('reads the start whatever the command is called, and takes a zombie for gone', () => {
    const after = `1 1 1 0 -1 4194304 ${'0 '.repeat(12)}98765 0 0`;
    assert.deepEqual(readProcStat(`42 (a) b (c)) S ${after}`), { started: '98765' });
    assert.equal(readProcStat(`42 (node) Z ${after}`), 'gone');
  });
});
