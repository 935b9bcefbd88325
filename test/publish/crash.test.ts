import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import { ExportError } from '../../src/platform/errors.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { explainIoErrors } from '../../src/platform/io-errors.ts';
import { finishPublication, publish } from '../../src/publish/publish.ts';
import { retain } from '../../src/publish/snapshots.ts';
import { verifySnapshot } from '../../src/publish/verify.ts';
import { Crash, crash, type Fault, faultyFiles } from '../support/faulty-files.ts';
import { cycling, LOSSES, type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { dataFile, published, readBackFrom, sampleManifest } from './sample.ts';

const PIPELINE = '/output/jobs';
const OLD = '20261122T020000Z-000000';
const NEW = '20261123T020000Z-000000';
const OWNER = '00000000-0000-4000-8000-000000000000';
const HELD = { token: OWNER, check: async () => undefined };
const DATA = dataFile(2, 'ids');

/** What a start of the run does from staging on; a resumed start first looks whether it had published already. */
async function run(files: FileSystem, runId: string): Promise<void> {
  if ((await finishPublication(files, PIPELINE, runId)) === undefined) {
    await publish(files, PIPELINE, runId, HELD, async (staging) => {
      const names = ['jobs.parquet', 'jobs.ndjson'] as const;
      const explained = explainIoErrors(files, 'load', 'work');
      for (const name of names) {
        await writeNewFile(explained, join(staging, name), DATA, 'load');
      }
      return sampleManifest({
        runId,
        files: [
          published('jobs.parquet', 'parquet', 2, DATA),
          published('jobs.ndjson', 'ndjson', 2, DATA),
        ],
      });
    });
  }
  await retain(files, PIPELINE, 1);
}

async function withOldSnapshot(): Promise<MemoryFiles> {
  const files = memoryFiles();
  await makeFolders(files, PIPELINE);
  await run(files, OLD);
  return files;
}

/** Runs until the fault. @returns what it threw */
async function runUntil(files: FileSystem, fault: Fault): Promise<unknown> {
  return run(faultyFiles(files, fault, crash), NEW).catch((error: unknown) => error);
}

async function countOperations(): Promise<number> {
  const counted = faultyFiles(await withOldSnapshot(), undefined, crash);
  await run(counted, NEW);
  return counted.operations.length;
}

/** @returns the run id of the snapshot that `latest` names, which is whole */
async function wholeLatest(files: MemoryFiles): Promise<string> {
  const { runId, problems } = await verifySnapshot(PIPELINE, {
    files,
    readBack: readBackFrom(files),
  });
  assert.deepEqual(problems, []);
  return runId;
}

async function assertFinishes(files: MemoryFiles): Promise<void> {
  await run(files, NEW);
  assert.equal(await wholeLatest(files), NEW);
  assert.deepEqual(await files.list(PIPELINE), ['latest', `run=${NEW}`]);
}

describe('a publication killed at any operation', () => {
  for (const [loss, choose] of [['kill only', undefined] as const, ...Object.entries(LOSSES)]) {
    for (const what of ['kill-before', 'kill-half', 'kill-after']) {
      it(`${what}, ${loss}: latest names a whole snapshot and the next start finishes`, async () => {
        const operations = await countOperations();
        assert.ok(operations > 30);
        const seen = new Set<string>();
        for (let at = 1; at <= operations; at++) {
          const memory = await withOldSnapshot();
          assert.ok((await runUntil(memory, { at, what })) instanceof Crash);
          const files = choose === undefined ? memory : memory.afterPowerLoss(choose());
          seen.add(await wholeLatest(files));
          await assertFinishes(files);
        }
        assert.deepEqual([...seen].sort(), [OLD, NEW]);
      });
    }
  }

  it('is not published twice when the finishing start is killed too', async () => {
    const operations = await countOperations();
    for (let first = 1; first <= operations; first++) {
      for (let second = 1 + (first % 3); second <= operations; second += 3) {
        const files = await withOldSnapshot();
        await runUntil(files, { at: first, what: 'kill-after' });
        await runUntil(files, { at: second, what: 'kill-half' });
        const found = files.afterPowerLoss(cycling([first & 1, second & 1, 1]));
        await wholeLatest(found);
        await assertFinishes(found);
      }
    }
  });
});

describe('a publication that meets an error at any operation', () => {
  for (const code of ['ENOSPC', 'EIO', 'EACCES']) {
    it(`${code}: fails with an exit code and leaves latest whole; the next start finishes`, async () => {
      const operations = await countOperations();
      for (let at = 1; at <= operations; at++) {
        const files = await withOldSnapshot();
        const failure = await runUntil(files, { at, what: code });
        if (failure !== undefined) {
          assert.ok(failure instanceof ExportError, `operation ${at}: ${String(failure)}`);
          assert.ok([73, 74].includes(failure.exitCode));
          assert.match(failure.message, /\/output/);
        }
        await wholeLatest(files);
        await assertFinishes(files);
      }
    });
  }

  it('removes its staging folder when the manifest cannot be written', async () => {
    const files = memoryFiles();
    const full: FileSystem = {
      ...files,
      open: async (path, mode) => {
        const file = await files.open(path, mode);
        const write = async () => {
          throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
        };
        return path.endsWith('manifest.json') ? { ...file, write } : file;
      },
    };
    await makeFolders(files, PIPELINE);
    await assert.rejects(run(full, NEW), {
      exitCode: 74,
      message: /manifest\.json.*no space left/,
    });
    assert.deepEqual(await files.list(PIPELINE), []);
  });

  it('publishes nothing when the lock is lost by then', async () => {
    const files = await withOldSnapshot();
    const before = files.tree();
    const lock = {
      token: OWNER,
      check: async () => {
        throw new ExportError('lost', { exitCode: 75, stage: 'checkpoint' });
      },
    };
    const fill = async () => sampleManifest({ runId: NEW });
    await assert.rejects(publish(files, PIPELINE, NEW, lock, fill), { exitCode: 75 });
    assert.deepEqual(files.tree(), before);
  });
});
