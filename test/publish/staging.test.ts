import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatManifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { checkLatest, publish } from '../../src/publish/publish.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { sampleManifest } from './sample.ts';

const PIPELINE = '/output/jobs';
const RUN_ID = '20261123T020000Z-3fa2c1';
const OWNER = '00000000-0000-4000-8000-000000000000';
const FOLDER = `${PIPELINE}/.staging-${RUN_ID}-${OWNER}`;

const STOP = new Error('stop');

/** A publication that ends while its files are written. @returns what the folder of the pipeline held then */
async function stage(
  files: FileSystem,
  runId = RUN_ID,
  token = OWNER,
  fill: (staging: string) => Promise<void> = async () => undefined,
): Promise<string[]> {
  const lock = { token, check: async () => undefined };
  let names: string[] = [];
  const publishing = publish(files, PIPELINE, runId, lock, async (staging) => {
    names = await files.list(PIPELINE);
    await fill(staging);
    throw STOP;
  });
  await assert.rejects(publishing, (error) => error === STOP);
  return names;
}

async function pipelineFolder(): Promise<MemoryFiles> {
  const files = memoryFiles();
  await makeFolders(files, PIPELINE);
  return files;
}

describe('a staging folder', () => {
  it('clears away what interrupted runs left, whatever of it a kill had removed', async () => {
    const files = await pipelineFolder();
    const old = { runId: '20261122T020000Z-000000', owner: OWNER.replaceAll('0', '1') };
    const dying = { ...files };
    await stage(dying, old.runId, old.owner, async (staging) => {
      await writeNewFile(files, `${staging}/jobs.arrow`, Buffer.from('old'), 'load');
      dying.list = async () => assert.fail('killed');
    });
    assert.deepEqual(await files.list(PIPELINE), [`.staging-${old.runId}-${old.owner}`]);
    await files.makeFolder(`${PIPELINE}/.staging-20261121T020000Z-000000-${OWNER}`);
    const removing = `${PIPELINE}/.removing-20261120T020000Z-000000`;
    await files.makeFolder(removing);
    const manifest = formatManifest(sampleManifest({ runId: '20261120T020000Z-000000' }));
    await writeNewFile(files, `${removing}/manifest.json`, manifest, 'publish');
    await files.symlink('run=20261122T020000Z-000000', `${PIPELINE}/.latest-${old.runId}`);
    assert.deepEqual(await stage(files), [`.staging-${RUN_ID}-${OWNER}`]);
  });

  it('leaves everything alone that is not its own, whatever it is called', async () => {
    const files = memoryFiles();
    const run = '20261122T020000Z-000000';
    const foreign = [
      '.staging-mine',
      '.removing-mine',
      `.staging-${run}-${OWNER}`,
      `.removing-${run}`,
    ];
    for (const name of [...foreign, '.work', '.mine', `run=${run}`]) {
      await makeFolders(files, `${PIPELINE}/${name}`);
      await writeNewFile(files, `${PIPELINE}/${name}/notes`, Buffer.from('mine'), 'publish');
    }
    const unlike = formatManifest(sampleManifest({ runId: RUN_ID }));
    await writeNewFile(files, `${PIPELINE}/.removing-${run}/manifest.json`, unlike, 'publish');
    await files.symlink('elsewhere', `${PIPELINE}/.latest-${run}`);
    const before = files.tree();
    await stage(files);
    assert.deepEqual(files.tree(), before);
  });

  it('is gone when its files cannot be finished, with what was written into it', async () => {
    const files = await pipelineFolder();
    const names = await stage(files, RUN_ID, OWNER, async (staging) => {
      assert.equal(staging, FOLDER);
      await writeNewFile(files, `${staging}/jobs.arrow`, Buffer.from('new'), 'load');
    });
    assert.deepEqual(names, [`.staging-${RUN_ID}-${OWNER}`]);
    assert.deepEqual(await files.list(PIPELINE), []);
  });

  it('never hides why it failed, on a disk that refuses everything too', async () => {
    const files = await pipelineFolder();
    await stage(files, RUN_ID, OWNER, async () => {
      Object.assign(files, faultyFiles(memoryFiles(), { at: 1, what: 'kill-before' }, crash));
      await assert.rejects(files.list(FOLDER));
    });
  });

  for (const code of ['EACCES', 'EROFS', 'ENOTDIR']) {
    it(`fails with 73 when making it meets ${code}`, async () => {
      const counted = faultyFiles(await pipelineFolder(), undefined, crash);
      await stage(counted);
      const made = counted.operations.findIndex(
        ({ name, path }) => name === 'makeFolder' && path === FOLDER,
      );
      const files = faultyFiles(await pipelineFolder(), { at: made + 1, what: code }, crash);
      const lock = { token: OWNER, check: async () => undefined };
      const publishing = publish(files, PIPELINE, RUN_ID, lock, () => assert.fail('not made'));
      await assert.rejects(publishing, { exitCode: 73, message: new RegExp(FOLDER) });
    });
  }
});

describe('the check of latest', () => {
  it('passes where there is none yet, and where it is a link', async () => {
    const files = memoryFiles();
    await makeFolders(files, PIPELINE);
    await checkLatest(files, PIPELINE);
    await files.symlink('anywhere', `${PIPELINE}/latest`);
    await checkLatest(files, PIPELINE);
  });

  it('fails with 73 when latest is a folder, which no rename can replace', async () => {
    const files = memoryFiles();
    await makeFolders(files, `${PIPELINE}/latest`);
    const message = /latest is not a link/;
    await assert.rejects(checkLatest(files, PIPELINE), { exitCode: 73, message });
  });
});
