import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExportError, errorCode } from '../../src/platform/errors.ts';
import {
  explainIoErrors,
  type IoPhase,
  ioError,
  openFilesError,
} from '../../src/platform/io-errors.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { memoryFiles, systemError } from '../support/memory-files.ts';

function explain(thrown: unknown, phase: IoPhase): unknown {
  return ioError(thrown, { stage: 'load', phase, operation: 'write', path: '/out/x' });
}

describe('a system error of the disk', () => {
  const table: readonly [string, start: number, work: number, advice: RegExp][] = [
    ['ENOSPC', 74, 74, /no space left on the disk \(ENOSPC\); free space and run the same/],
    ['EDQUOT', 74, 74, /quota used up \(EDQUOT\); free space and run the same/],
    ['EIO', 74, 74, /the disk failed \(EIO\); check the disk and run the same/],
    ['EMFILE', 74, 74, /too many open files \(EMFILE\); raise the limit \(ulimit -n\)/],
    ['EACCES', 73, 74, /permission denied \(EACCES\)/],
    ['EROFS', 73, 74, /read-only \(EROFS\)/],
    ['ENOTDIR', 73, 74, /not a folder \(ENOTDIR\)/],
    ['EXDEV', 74, 74, /system error \(EXDEV\); see to it and run the same/],
  ];
  for (const [code, start, work, message] of table) {
    it(`${code} is ${start} at the start and ${work} later, with the path and what to do`, () => {
      for (const [phase, exitCode] of [
        ['start', start],
        ['work', work],
      ] as const) {
        const error = explain(systemError(code, '/raw'), phase);
        assert.ok(error instanceof ExportError);
        assert.deepEqual([error.exitCode, error.retryable], [exitCode, exitCode === 74]);
        assert.equal(error.stage, 'load');
        assert.equal(errorCode(error), code);
        assert.match(error.message, /^cannot write \/out\/x: /);
        if (exitCode === 73) assert.match(error.message, /choose another output folder/);
        else assert.match(error.message, message);
      }
    });
  }

  it('promises no resumption to who only verifies', () => {
    const error = explain(systemError('EIO', '/raw'), 'verify');
    assert.ok(error instanceof ExportError);
    assert.match(error.message, /check the disk and run again$/);
  });

  it('is the only thing that is changed: bugs and explained errors stay what they are', () => {
    const others = [
      new TypeError('a bug'),
      Object.assign(new TypeError('a bug'), { code: 'ERR_INVALID_ARG_TYPE' }),
      explain(systemError('EIO', '/raw'), 'work'),
      'thrown text',
    ];
    for (const other of others) assert.equal(explain(other, 'start'), other);
  });

  it('is told from a bug where it comes from outside of the file system here', () => {
    for (const [thrown, exitCode, message] of [
      [systemError('EMFILE', '/chunk.js'), 74, /too many open files .*ulimit -n/],
      [systemError('ENFILE', '/chunk.js'), 74, /in the whole system \(ENFILE\); close other/],
    ] as const) {
      const refusal = openFilesError(thrown, 'cli');
      assert.ok(refusal instanceof ExportError);
      assert.equal(refusal.exitCode, exitCode);
      assert.match(refusal.message, message);
    }
    for (const other of [systemError('ENOENT', '/x'), new TypeError('a bug'), 'text']) {
      assert.equal(openFilesError(other, 'cli'), other);
    }
  });

  it('is explained in every operation, each by its path', async () => {
    const memory = memoryFiles();
    await memory.open('/file', 'create');
    await memory.symlink('x', '/link');
    const actions = (files: typeof memory) => {
      const opened = () => files.open('/file', 'append');
      return [
        () => files.open('/new', 'create'),
        () => files.read('/file'),
        () => files.readChunks('/file')[Symbol.asyncIterator]().next(),
        () => files.list('/'),
        () => files.stat('/file'),
        () => files.makeFolder('/folder'),
        () => files.rename('/file', '/moved'),
        () => files.remove('/file'),
        () => files.symlink('file', '/third'),
        () => files.readLink('/link'),
        () => files.syncFolder('/'),
        async () => (await opened()).write(Buffer.from('x')),
        async () => (await opened()).sync(),
        async () => (await opened()).datasync(),
        async () => (await opened()).size(),
        async () => (await opened()).close(),
      ];
    };
    for (const index of actions(memory).keys()) {
      const at = index < 11 ? 1 : 2;
      const faulty = faultyFiles(memory, { at, what: 'EIO' }, crash);
      const files = Object.assign(memoryFiles(), explainIoErrors(faulty, 'load', 'work'));
      await assert.rejects(
        async () => actions(files)[index]?.(),
        (error) => error instanceof ExportError && / \/\w*: the disk failed/.test(error.message),
        `operation ${index}`,
      );
    }
  });
});
