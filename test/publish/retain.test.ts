import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import { retain } from '../../src/publish/retain.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { LOSSES, type MemoryFiles, memoryFiles } from '../support/memory-files.ts';

const PIPELINE = '/output/jobs';
const RUNS = ['20261120', '20261121', '20261122', '20261123'].map((day) => `${day}T020000Z-abcdef`);

async function snapshots(latest: string | undefined): Promise<MemoryFiles> {
  const files = memoryFiles();
  for (const runId of RUNS) {
    await makeFolders(files, `${PIPELINE}/${runId}`);
    for (const name of ['jobs.arrow', 'jobs.parquet', 'manifest.json']) {
      await writeNewFile(files, `${PIPELINE}/${runId}/${name}`, Buffer.from(runId), 'publish');
    }
    await files.syncFolder(`${PIPELINE}/${runId}`);
  }
  if (latest !== undefined) await files.symlink(latest, `${PIPELINE}/latest`);
  await files.syncFolder(PIPELINE);
  return files;
}

async function left(files: MemoryFiles): Promise<string[]> {
  return (await files.list(PIPELINE)).filter((name) => name !== 'latest');
}

describe('keeping a number of snapshots', () => {
  for (const [keep, stay] of [
    [1, RUNS.slice(3)],
    [2, RUNS.slice(2)],
    [4, RUNS],
    [9, RUNS],
  ] as const) {
    it(`leaves the newest of ${RUNS.length} with ${keep}`, async () => {
      const files = await snapshots(RUNS[3]);
      const removed = await retain({ files, pipelineFolder: PIPELINE, keep });
      assert.deepEqual(removed, RUNS.slice(0, RUNS.length - stay.length));
      assert.deepEqual(await left(files), stay);
    });
  }

  it('never removes the one latest names nor a newer one', async () => {
    const files = await snapshots(RUNS[2]);
    assert.deepEqual(await retain({ files, pipelineFolder: PIPELINE, keep: 1 }), RUNS.slice(0, 2));
    assert.deepEqual(await left(files), RUNS.slice(2));
  });

  for (const latest of [undefined, 'elsewhere', `./${RUNS[3]}`]) {
    it(`removes nothing when latest is ${latest}`, async () => {
      const files = await snapshots(latest);
      assert.deepEqual(await retain({ files, pipelineFolder: PIPELINE, keep: 1 }), []);
      assert.deepEqual(await left(files), RUNS);
    });
  }

  it('never touches what is no snapshot', async () => {
    const files = await snapshots(RUNS[3]);
    await files.remove(`${PIPELINE}/${RUNS[0]}/manifest.json`);
    await files.makeFolder(`${PIPELINE}/2025-my-notes`);
    await writeNewFile(files, `${PIPELINE}/20200101T000000Z-000000`, Buffer.from(''), 'publish');
    await files.symlink('elsewhere', `${PIPELINE}/20200101T000000Z-000001`);
    assert.deepEqual(await retain({ files, pipelineFolder: PIPELINE, keep: 1 }), RUNS.slice(1, 3));
  });

  for (const what of ['kill-before', 'kill-half', 'kill-after']) {
    it(`${what} anywhere, even with the power, leaves no snapshot with files missing`, async () => {
      const counted = faultyFiles(await snapshots(RUNS[3]), undefined, crash);
      await retain({ files: counted, pipelineFolder: PIPELINE, keep: 2 });
      for (let at = 1; at <= counted.operations.length; at++) {
        const memory = await snapshots(RUNS[3]);
        const files = faultyFiles(memory, { at, what }, crash);
        await retain({ files, pipelineFolder: PIPELINE, keep: 2 }).catch(() => undefined);
        for (const lost of Object.values(LOSSES)) {
          const found = memory.afterPowerLoss(lost());
          for (const runId of (await left(found)).filter((name) => !name.startsWith('.'))) {
            assert.equal((await found.list(`${PIPELINE}/${runId}`)).length, 3, `${at} ${runId}`);
          }
        }
      }
    });
  }
});
