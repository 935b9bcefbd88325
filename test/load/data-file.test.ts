import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DataFile, SYNC_BYTES } from '../../src/load/output.ts';
import type { OpenFile } from '../../src/platform/file-system.ts';

const PIECE = new Uint8Array(SYNC_BYTES);

interface Sync {
  readonly succeed: () => void;
  readonly fail: (error: Error) => void;
}

/** A file on a disk whose syncs end when the test says so. */
function slowFile() {
  const syncs: Sync[] = [];
  const calls: string[] = [];
  let bytes = 0;
  const file: OpenFile = {
    write: async ({ length }) => {
      bytes += length;
      return length;
    },
    datasync: () => {
      calls.push('datasync');
      return new Promise<void>((succeed, fail) => syncs.push({ succeed, fail }));
    },
    sync: async () => void calls.push('sync'),
    size: async () => bytes,
    close: async () => void calls.push('close'),
  };
  return { file: new DataFile(file, '/jobs.ndjson'), syncs, calls };
}

describe('a data file', () => {
  it('has the disk take its start while the rest is written, one sync at a time', async () => {
    const { file, syncs, calls } = slowFile();
    await file.write(PIECE.subarray(1));
    assert.deepEqual(calls, []);
    await file.write(PIECE.subarray(0, 1));
    assert.deepEqual(calls, ['datasync']);
    await file.write(PIECE);
    await file.write(PIECE);
    assert.deepEqual(calls, ['datasync']);
    syncs[0].succeed();
    await new Promise(setImmediate);
    await file.write(new Uint8Array());
    assert.deepEqual(calls, ['datasync', 'datasync']);
    syncs[1].succeed();
    assert.equal((await file.finish()).bytes, 3 * SYNC_BYTES);
    assert.deepEqual(calls, ['datasync', 'datasync', 'sync', 'close']);
  });

  it('fails for good once the disk lost a piece, though later syncs would succeed', async () => {
    const { file, syncs, calls } = slowFile();
    await file.write(PIECE);
    syncs[0].fail(new Error('EIO'));
    await new Promise(setImmediate);
    await assert.rejects(file.write(PIECE), /EIO/);
    await assert.rejects(file.finish(), /EIO/);
    assert.deepEqual(calls, ['datasync']);
  });

  it('is closed when the sync under way has ended, whatever came of it', async () => {
    const { file, syncs, calls } = slowFile();
    await file.write(PIECE);
    const closed = file.close();
    await new Promise(setImmediate);
    assert.deepEqual(calls, ['datasync']);
    syncs[0].fail(new Error('EIO'));
    await closed;
    assert.deepEqual(calls, ['datasync', 'close']);
  });
});
