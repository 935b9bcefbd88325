import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatManifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import {
  latestSnapshot,
  listSnapshots,
  newRunId,
  retain,
  runIdOf,
} from '../../src/publish/snapshots.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { LOSSES, type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { published, sampleManifest } from './sample.ts';

const PIPELINE = '/output/jobs';
const RUNS = ['20261120', '20261121', '20261122', '20261123'].map((day) => `${day}T020000Z-abcdef`);

/** Folders of the runs: the oldest was made before they were called `run=`. */
const FOLDERS = RUNS.map((runId, at) => (at === 0 ? runId : `run=${runId}`));

async function snapshots(latest: string | undefined): Promise<MemoryFiles> {
  const files = memoryFiles();
  for (const [at, runId] of RUNS.entries()) {
    await snapshot(files, FOLDERS[at], { runId });
  }
  if (latest !== undefined) await files.symlink(latest, `${PIPELINE}/latest`);
  await files.syncFolder(PIPELINE);
  return files;
}

async function snapshot(
  files: MemoryFiles,
  name: string,
  change: Parameters<typeof sampleManifest>[0],
): Promise<void> {
  const folder = `${PIPELINE}/${name}`;
  await makeFolders(files, folder);
  const data = Buffer.from('data');
  const manifest = sampleManifest({
    files: [
      published('jobs.arrow', 'arrow', 2, data),
      published('jobs.parquet', 'parquet', 2, data),
    ],
    ...change,
  });
  await writeNewFile(files, `${folder}/jobs.arrow`, data, 'publish');
  await writeNewFile(files, `${folder}/jobs.parquet`, data, 'publish');
  await writeNewFile(files, `${folder}/manifest.json`, formatManifest(manifest), 'publish');
  await files.syncFolder(folder);
}

async function left(files: MemoryFiles): Promise<string[]> {
  return (await files.list(PIPELINE)).filter((name) => name !== 'latest');
}

describe('keeping a number of snapshots', () => {
  for (const [keep, stay] of [
    [1, FOLDERS.slice(3)],
    [2, FOLDERS.slice(2)],
    [4, FOLDERS],
    [9, FOLDERS],
  ] as const) {
    it(`leaves the newest of ${RUNS.length} with ${keep}`, async () => {
      const files = await snapshots(FOLDERS[3]);
      const removed = await retain(files, PIPELINE, keep);
      assert.deepEqual(removed, RUNS.slice(0, RUNS.length - stay.length));
      assert.deepEqual(await left(files), stay);
    });
  }

  it('never removes the one latest names nor a newer one', async () => {
    const files = await snapshots(FOLDERS[2]);
    assert.deepEqual(await retain(files, PIPELINE, 1), RUNS.slice(0, 2));
    assert.deepEqual(await left(files), FOLDERS.slice(2));
  });

  for (const latest of [undefined, 'elsewhere', `./${FOLDERS[3]}`]) {
    it(`removes nothing when latest is ${latest}`, async () => {
      const files = await snapshots(latest);
      assert.deepEqual(await retain(files, PIPELINE, 1), []);
      assert.deepEqual(await left(files), FOLDERS);
    });
  }

  it('never touches what is no snapshot of this pipeline', async () => {
    const files = await snapshots(FOLDERS[3]);
    await files.remove(`${PIPELINE}/${FOLDERS[0]}/manifest.json`);
    const manifests = {
      'run=20200101T000000Z-000000': Buffer.from('{}'),
      '20200101T000000Z-000001': Buffer.from('{}'),
      'run=20200101T000000Z-000002': formatManifest(sampleManifest({ runId: RUNS[1] })),
      'run=20200101T000000Z-000003': formatManifest(
        sampleManifest({ runId: '20200101T000000Z-000003', pipeline: 'other' }),
      ),
    };
    for (const [name, bytes] of Object.entries(manifests)) {
      await files.makeFolder(`${PIPELINE}/${name}`);
      await writeNewFile(files, `${PIPELINE}/${name}/manifest.json`, bytes, 'publish');
    }
    await files.makeFolder(`${PIPELINE}/2025-my-notes`);
    await writeNewFile(files, `${PIPELINE}/20200101T000000Z-000004`, Buffer.from(''), 'publish');
    await files.symlink('elsewhere', `${PIPELINE}/20200101T000000Z-000005`);
    const before = (await files.list(PIPELINE)).filter(
      (name) => !FOLDERS.slice(1, 3).includes(name),
    );
    assert.deepEqual(await retain(files, PIPELINE, 1), RUNS.slice(1, 3));
    assert.deepEqual(await files.list(PIPELINE), before);
  });

  for (const what of ['kill-before', 'kill-half', 'kill-after']) {
    it(`${what} anywhere, even with the power, leaves no snapshot with files missing`, async () => {
      const counted = faultyFiles(await snapshots(FOLDERS[3]), undefined, crash);
      await retain(counted, PIPELINE, 2);
      for (let at = 1; at <= counted.operations.length; at++) {
        const memory = await snapshots(FOLDERS[3]);
        const files = faultyFiles(memory, { at, what }, crash);
        await retain(files, PIPELINE, 2).catch(() => undefined);
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

describe('the list of snapshots', () => {
  it('is by run, oldest first, those of older versions included, and marks the latest', async () => {
    const files = await snapshots(FOLDERS[2]);
    const found = await listSnapshots(files, PIPELINE);
    assert.deepEqual(
      found.map(({ folder, manifest, bytes, isLatest }) => [
        folder,
        manifest.rows,
        bytes,
        isLatest,
      ]),
      FOLDERS.map((name, at) => [`${PIPELINE}/${name}`, 2, 8, at === 2]),
    );
    assert.equal((await latestSnapshot(files, PIPELINE))?.manifest.runId, RUNS[2]);
  });

  it('is by the start of the runs where their ids begin in the same second', async () => {
    const files = memoryFiles();
    const times = { '20261120T020000Z-ffffff': '100', '20261120T020000Z-000000': '200' };
    for (const [runId, ms] of Object.entries(times)) {
      const startedAt = `2026-11-20T02:00:00.${ms}Z`;
      await snapshot(files, `run=${runId}`, { runId, startedAt });
    }
    const found = await listSnapshots(files, PIPELINE);
    assert.deepEqual(
      found.map(({ manifest }) => manifest.runId),
      Object.keys(times),
    );
  });

  it('is empty where nothing was exported yet', async () => {
    assert.deepEqual(await listSnapshots(memoryFiles(), PIPELINE), []);
    assert.equal(await latestSnapshot(memoryFiles(), PIPELINE), undefined);
  });
});

describe('a run id', () => {
  const make = (files = memoryFiles(), random = 0.5) => {
    const wall = Date.UTC(2026, 10, 23, 2, 0, 0, 999);
    const clock = fakeClock({ mode: 'still', wall });
    return newRunId({ files, clock, random: () => random }, '/');
  };

  it('is the start in UTC and six random hex digits', async () => {
    assert.equal(await make(), '20261123T020000Z-800000');
    assert.equal(await make(memoryFiles(), 0), '20261123T020000Z-000000');
    assert.equal(await make(memoryFiles(), 1 - 2 ** -53), '20261123T020000Z-ffffff');
  });

  it('is never that of a snapshot which is there, whatever version made it', async () => {
    const files = memoryFiles();
    await files.makeFolder('/20261123T020000Z-ffffff');
    await files.makeFolder('/run=20261123T020000Z-000000');
    assert.equal(await make(files, 1 - 2 ** -53), '20261123T020000Z-000001');
  });

  it('is what a folder of a snapshot is named after', () => {
    for (const name of ['20261123T020000Z-3fa2c1', 'run=20261123T020000Z-3fa2c1']) {
      assert.equal(runIdOf(name), '20261123T020000Z-3fa2c1');
    }
  });

  for (const name of [
    'latest',
    '.work',
    '20261123T020000Z',
    'x20261123T020000Z-3fa2c1',
    'run=20261123T020000Z-3fa2c1x',
    '20261123T020000Z-3FA2C1',
  ]) {
    it(`is not ${name}`, () => assert.equal(runIdOf(name), undefined));
  }
});
