import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import type { Checkpoint } from '../../src/store/checkpoint.ts';
import { openCheckpoint } from '../../src/store/open.ts';
import { crash, type Fault, faultyFiles } from '../support/faulty-files.ts';
import { memoryFiles } from '../support/memory-files.ts';

const FOLDER = '/output/jobs/.work/0123456789abcdef';

function open(files: FileSystem): Promise<Checkpoint> {
  return openCheckpoint({
    files,
    clock: { wall: () => 0 },
    folder: FOLDER,
    fingerprint: '0123456789abcdef',
    run: null,
    restart: false,
    resumeWithinMs: 1,
  });
}

function content(text: string) {
  return { bytes: Buffer.from(text), rejects: Buffer.from('reject\n'), state: text };
}

/** Numbers of the operations that one append makes, first to last, and what they are. */
async function operationsOfAppend(): Promise<{ first: number; names: string[] }> {
  const files = faultyFiles(memoryFiles(), undefined, crash);
  const checkpoint = await open(files);
  const before = files.operations.length;
  await checkpoint.append(content('rows'));
  return {
    first: before + 1,
    names: files.operations.slice(before).map(({ name }) => name),
  };
}

describe('appending a part', () => {
  it('syncs both files, renames them, syncs the folder and only then writes the journal', async () => {
    const { names } = await operationsOfAppend();
    const file = ['open', 'write', 'sync', 'size', 'close', 'rename'];
    assert.deepEqual(names, [...file, ...file, 'syncFolder', 'write', 'datasync']);
  });

  it('writes no rejects file for a part without rejects', async () => {
    const checkpoint = await open(memoryFiles());
    const part = await checkpoint.append({
      bytes: Buffer.from('rows'),
      rejects: new Uint8Array(),
      state: null,
    });
    assert.equal(part.rejects, null);
    assert.equal((await checkpoint.readRejects(part)).length, 0);
  });

  it('takes effect in the order of the calls', async () => {
    const checkpoint = await open(memoryFiles());
    const texts = ['a', 'b', 'c', 'd'];
    const parts = await Promise.all(texts.map((text) => checkpoint.append(content(text))));
    assert.deepEqual(
      parts.map(({ index, state }) => [index, state]),
      texts.map((text, index) => [index, text]),
    );
  });

  for (const code of ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'EROFS']) {
    it(`fails with 74 and the path when any operation meets ${code}, and so does all after it`, async () => {
      const { first, names } = await operationsOfAppend();
      for (let at = first; at < first + names.length; at++) {
        const memory = memoryFiles();
        const checkpoint = await open(faultyFiles(memory, { at, what: code }, crash));
        const failure = await checkpoint.append(content('lost')).catch((error: unknown) => error);
        assert.ok(failure instanceof ExportError);
        assert.deepEqual([failure.exitCode, failure.retryable], [74, true]);
        assert.ok(failure.message.includes(FOLDER), failure.message);
        assert.match(failure.message, /run the same command again: it resumes/);
        await assert.rejects(checkpoint.append(content('later')), failure);
        await assert.rejects(checkpoint.note('later'), failure);
        await checkpoint.close();
        assert.ok((await open(memory)).found.parts.every(({ state }) => state === 'lost'));
      }
    });
  }

  it('is whole however short each write is', async () => {
    const memory = memoryFiles();
    const { first } = await operationsOfAppend();
    const fault: Fault = { at: first + 1, what: 'short', onwards: true };
    const checkpoint = await open(faultyFiles(memory, fault, crash));
    await checkpoint.append(content('rows'));
    await checkpoint.close();
    const resumed = await open(memory);
    const [part] = resumed.found.parts;
    assert.ok(part);
    assert.equal(Buffer.from(await resumed.readPart(part)).toString(), 'rows');
  });

  it('ends when the disk takes no byte at all', async () => {
    const memory = memoryFiles();
    const stuck: FileSystem = {
      ...memory,
      open: async (path, mode) => {
        const file = await memory.open(path, mode);
        return path.endsWith('journal') ? file : { ...file, write: async () => 0 };
      },
    };
    const checkpoint = await open(stuck);
    await assert.rejects(checkpoint.append(content('rows')), { exitCode: 74 });
  });

  it('notices when the disk loses bytes without a word', async () => {
    const memory = memoryFiles();
    const lossy: FileSystem = {
      ...memory,
      open: async (path, mode) => {
        const file = await memory.open(path, mode);
        return { ...file, size: async () => (await file.size()) - 1 };
      },
    };
    const checkpoint = await open(lossy);
    await assert.rejects(checkpoint.append(content('rows')), {
      exitCode: 74,
      message: /lost some/,
    });
  });

  it('refuses a part that was altered after it was written', async () => {
    const memory = memoryFiles();
    const checkpoint = await open(memory);
    const part = await checkpoint.append(content('rows'));
    memory.damage(`${FOLDER}/${part.rows.name}`, 0);
    await assert.rejects(checkpoint.readPart(part), { exitCode: 74, message: /part-000000/ });
  });
});

describe('setting up the work folder', () => {
  for (const code of ['EACCES', 'EROFS', 'ENOTDIR', 'EPERM']) {
    it(`fails with 73 when making it meets ${code}`, async () => {
      const memory = memoryFiles();
      const counted = faultyFiles(memoryFiles(), undefined, crash);
      await open(counted);
      const at = counted.operations.findIndex(({ name }) => name === 'makeFolder') + 1;
      const opening = open(faultyFiles(memory, { at, what: code }, crash));
      await assert.rejects(opening, { exitCode: 73, retryable: false, message: /\/output/ });
    });
  }

  it('fails with 74 when the disk is full already', async () => {
    const counted = faultyFiles(memoryFiles(), undefined, crash);
    await open(counted);
    const at = counted.operations.findIndex(({ name }) => name === 'write') + 1;
    const opening = open(faultyFiles(memoryFiles(), { at, what: 'ENOSPC' }, crash));
    await assert.rejects(opening, { exitCode: 74, message: /free space/ });
  });
});
