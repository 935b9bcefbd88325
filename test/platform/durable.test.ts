import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkReplaceable,
  makeFolders,
  replaceFile,
  usingFile,
  writeNewFile,
} from '../../src/platform/durable.ts';
import { errorCode } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { memoryFiles, systemError } from '../support/memory-files.ts';

describe('making folders', () => {
  it('makes what is missing, each durable before the next', async () => {
    const files = memoryFiles();
    await makeFolders(files, '/a/b/c');
    assert.deepEqual(files.afterPowerLoss(() => 0).tree(), {
      '/a': null,
      '/a/b': null,
      '/a/b/c': null,
    });
  });

  it('is satisfied with what is there, a link included', async () => {
    const files = memoryFiles();
    await makeFolders(files, '/a/b');
    await files.symlink('b', '/a/link');
    const before = files.tree();
    await makeFolders(files, '/a/b');
    await makeFolders(files, '/a/link');
    assert.deepEqual(files.tree(), before);
  });

  it('may be done by several at the same time', async () => {
    const files = memoryFiles();
    await Promise.all(Array.from({ length: 5 }, () => makeFolders(files, '/a/b/c')));
    assert.ok(await files.stat('/a/b/c'));
  });

  it('does not ask to read a folder that somebody else made', async () => {
    const memory = memoryFiles();
    await memory.makeFolder('/a');
    for (const [code, fails] of [
      ['EACCES', false],
      ['EIO', true],
    ] as const) {
      const files = faultyFiles(memory, { at: 2, what: code }, crash);
      const failure = await makeFolders(files, '/a').catch((error: unknown) => error);
      assert.equal(files.operations[1]?.name, 'syncFolder');
      assert.equal(errorCode(failure), fails ? code : undefined);
    }
  });

  it('fails where a file is in the way', async () => {
    const files = memoryFiles();
    await files.open('/a', 'create');
    assert.equal(errorCode(await makeFolders(files, '/a').catch((error) => error)), 'EEXIST');
    assert.equal(errorCode(await makeFolders(files, '/a/b').catch((error) => error)), 'ENOTDIR');
  });
});

describe('a file that is replaced', () => {
  it('stays as it was, and alone, where that fails', async () => {
    const memory = memoryFiles();
    await memory.makeFolder('/a');
    await replaceFile(memory, '/a/b', Buffer.from('old'), 'publish');
    const before = memory.tree();
    let failures = 0;
    for (let at = 1; ; at++) {
      const files = faultyFiles(memory, { at, what: 'EIO' }, crash);
      const replaced = replaceFile(files, '/a/b', Buffer.from('new'), 'publish');
      if (!(await replaced.catch((error: unknown) => errorCode(error) ?? assert.fail()))) break;
      failures++;
      if (files.operations.some(({ name }) => name === 'syncFolder')) break;
      assert.deepEqual(memory.tree(), before);
    }
    assert.ok(failures > 4);
  });
});

describe('a path that somebody chose for a file', () => {
  it('is taken where there is nothing or a file, and left as it was', async () => {
    const files = memoryFiles();
    await files.makeFolder('/a');
    const before = files.tree();
    await checkReplaceable(files, '/a/b', 'cli');
    assert.deepEqual(files.tree(), before);
    await replaceFile(files, '/a/b', Buffer.from('old'), 'cli');
    await writeNewFile(files, '/a/b.new', Buffer.from('torn'), 'cli');
    await checkReplaceable(files, '/a/b', 'cli');
    assert.deepEqual(files.tree(), { '/a': null, '/a/b': 'old' });
  });

  it('is refused where anything else is there, or beside it, and that stays', async () => {
    const files = memoryFiles();
    for (const folder of ['/a', '/a/folder', '/a/c.new', '/a/c.new/d'])
      await files.makeFolder(folder);
    await files.symlink('elsewhere', '/a/link');
    const device: FileSystem = {
      ...files,
      stat: async () => ({ kind: 'other', size: 0, modifiedMs: 0 }),
    };
    const before = files.tree();
    for (const [path, door, message] of [
      ['/a/folder', files, 'cannot replace /a/folder: it is a folder; choose another path'],
      ['/a/link', files, 'cannot replace /a/link: it is a link; choose another path'],
      ['/a/null', device, 'cannot replace /a/null: it is no file; choose another path'],
      ['/a/c', files, 'cannot replace /a/c.new: it is a folder; choose another path'],
    ] as const)
      await assert.rejects(checkReplaceable(door, path, 'cli'), { exitCode: 73, message });
    const missing = await checkReplaceable(files, '/none/b', 'cli').catch((error) => error);
    assert.equal(errorCode(missing), 'ENOENT');
    assert.deepEqual(files.tree(), before);
  });
});

describe('a new file', () => {
  it('is closed when writing fails, and the failure is the one that is told', async () => {
    const closed: string[] = [];
    const file = {
      ...(await memoryFiles().open('/x', 'create')),
      close: async () => {
        closed.push('closed');
        throw systemError('EBADF', '/x');
      },
    };
    const failing = usingFile(file, async () => {
      throw systemError('ENOSPC', '/x');
    });
    assert.equal(errorCode(await failing.catch((error) => error)), 'ENOSPC');
    assert.equal(errorCode(await usingFile(file, async () => 1).catch((error) => error)), 'EBADF');
    assert.equal(closed.length, 2);
  });

  it('never replaces one that is there', async () => {
    const files = memoryFiles();
    await writeNewFile(files, '/x', Buffer.from('old'), 'publish');
    await assert.rejects(writeNewFile(files, '/x', Buffer.from('new'), 'publish'));
    assert.equal(files.tree()['/x'], 'old');
  });
});
