import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { errorCode } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { memoryFiles } from '../support/memory-files.ts';

const temporary = await mkdtemp(join(tmpdir(), 'node-files-'));
after(() => rm(temporary, { recursive: true }));

async function codeOf(action: Promise<unknown>): Promise<string | undefined> {
  return errorCode(await action.catch((error: unknown) => error));
}

async function put(files: FileSystem, path: string, text: string): Promise<void> {
  const file = await files.open(path, 'create');
  await file.write(Buffer.from(text));
  await file.close();
}

async function text(files: FileSystem, path: string): Promise<string> {
  return Buffer.from(await files.read(path)).toString();
}

/** The disk and its stand-in in memory keep the same contract, or tests with the one would say nothing of the other. */
for (const [name, files, root] of [
  ['the disk', nodeFiles, temporary],
  ['the disk in memory', memoryFiles(), ''],
] as const) {
  let folders = 0;
  const folder = async () => {
    const path = `${root}/${folders++}`;
    await files.makeFolder(path);
    return path;
  };

  describe(name, () => {
    it('creates a file once', async () => {
      const path = `${await folder()}/file`;
      await put(files, path, 'text');
      assert.equal(await text(files, path), 'text');
      assert.equal(await codeOf(files.open(path, 'create')), 'EEXIST');
      assert.equal(await codeOf(files.open(`${path}-folder/file`, 'create')), 'ENOENT');
      assert.equal(await codeOf(files.open(`${path}/file`, 'create')), 'ENOTDIR');
    });

    it('appends at the end', async () => {
      const path = `${await folder()}/file`;
      await put(files, path, 'one two');
      const file = await files.open(path, 'append');
      assert.equal(await file.write(Buffer.from(' three')), 6);
      assert.equal(await file.size(), 13);
      await file.write(Buffer.from('2'));
      await file.sync();
      await file.datasync();
      await file.close();
      assert.equal(await text(files, path), 'one two three2');
    });

    it('reads whole or piece by piece', async () => {
      const path = `${await folder()}/file`;
      await put(files, path, 'x'.repeat(3_000_000));
      const chunks: Uint8Array[] = [];
      for await (const chunk of files.readChunks(path)) chunks.push(chunk);
      assert.ok(chunks.length > 1);
      assert.ok(Buffer.concat(chunks).equals(await files.read(path)));
      assert.equal(await codeOf(files.read(`${path}-not`)), 'ENOENT');
      const missing = files.readChunks(`${path}-not`)[Symbol.asyncIterator]();
      assert.equal(await codeOf(missing.next()), 'ENOENT');
    });

    it('tells what is there, links as links', async () => {
      const path = await folder();
      await put(files, `${path}/file`, 'text');
      await files.symlink('file', `${path}/link`);
      await files.makeFolder(`${path}/folder`);
      const kinds = async (name: string) => (await files.stat(`${path}/${name}`))?.kind;
      const names = await files.list(path);
      assert.deepEqual(names, ['file', 'folder', 'link']);
      assert.deepEqual(await Promise.all(names.map(kinds)), ['file', 'folder', 'link']);
      assert.equal((await files.stat(`${path}/file`))?.size, 4);
      assert.equal(await files.stat(`${path}/nothing`), undefined);
      assert.equal(await codeOf(files.stat(`${path}/file/below`)), 'ENOTDIR');
      assert.equal(await files.readLink(`${path}/link`), 'file');
      assert.equal(await codeOf(files.makeFolder(`${path}/folder`)), 'EEXIST');
      assert.equal(await codeOf(files.makeFolder(`${path}/no/folder`)), 'ENOENT');
    });

    it('renames over files and links, not over folders that hold something', async () => {
      const path = await folder();
      await put(files, `${path}/a`, 'a');
      await put(files, `${path}/b`, 'b');
      await files.rename(`${path}/a`, `${path}/b`);
      assert.equal(await text(files, `${path}/b`), 'a');
      await files.symlink('old', `${path}/latest`);
      await files.symlink('new', `${path}/.latest`);
      await files.rename(`${path}/.latest`, `${path}/latest`);
      assert.equal(await files.readLink(`${path}/latest`), 'new');
      await files.makeFolder(`${path}/full`);
      await put(files, `${path}/full/file`, '');
      await files.makeFolder(`${path}/other`);
      assert.equal(await codeOf(files.rename(`${path}/other`, `${path}/full`)), 'ENOTEMPTY');
      assert.equal(await codeOf(files.rename(`${path}/nothing`, `${path}/b`)), 'ENOENT');
    });

    it('makes a link once, and reads nothing else as one', async () => {
      const path = await folder();
      await put(files, `${path}/file`, '');
      await files.symlink('first', `${path}/link`);
      assert.equal(await codeOf(files.symlink('second', `${path}/link`)), 'EEXIST');
      assert.equal(await codeOf(files.symlink('second', `${path}/file`)), 'EEXIST');
      assert.equal(await files.readLink(`${path}/link`), 'first');
      assert.equal(await codeOf(files.readLink(`${path}/file`)), 'EINVAL');
      assert.equal(await codeOf(files.readLink(`${path}/nothing`)), 'ENOENT');
    });

    it('removes a link and not what it leads to, a folder with all it holds, or nothing', async () => {
      const path = await folder();
      await files.makeFolder(`${path}/folder`);
      await put(files, `${path}/folder/file`, '');
      await files.symlink('folder', `${path}/link`);
      await files.remove(`${path}/link`);
      assert.deepEqual(await files.list(`${path}/folder`), ['file']);
      await files.remove(`${path}/folder`);
      await files.remove(`${path}/nothing`);
      await files.syncFolder(path);
      assert.deepEqual(await files.list(path), []);
      assert.equal(await codeOf(files.list(`${path}/nothing`)), 'ENOENT');
    });
  });
}
