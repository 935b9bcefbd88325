import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatManifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { checkLatest, openStaging } from '../../src/publish/publish.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { memoryFiles } from '../support/memory-files.ts';
import { sampleManifest } from './sample.ts';

const PIPELINE = '/output/jobs';
const RUN_ID = '20261123T020000Z-3fa2c1';
const OWNER = '00000000-0000-4000-8000-000000000000';
const FOLDER = `${PIPELINE}/.staging-${RUN_ID}-${OWNER}`;

function open(files: FileSystem) {
  return openStaging(files, PIPELINE, RUN_ID, OWNER);
}

describe('a staging folder', () => {
  it('clears away what interrupted runs left, whatever of it a kill had removed', async () => {
    const files = memoryFiles();
    const old = { runId: '20261122T020000Z-000000', owner: OWNER.replaceAll('0', '1') };
    const staging = await openStaging(files, PIPELINE, old.runId, old.owner);
    await writeNewFile(files, `${staging.folder}/jobs.arrow`, Buffer.from('old'), 'load');
    await files.makeFolder(`${PIPELINE}/.staging-20261121T020000Z-000000-${OWNER}`);
    const removing = `${PIPELINE}/.removing-20261120T020000Z-000000`;
    await files.makeFolder(removing);
    const manifest = formatManifest(sampleManifest({ runId: '20261120T020000Z-000000' }));
    await writeNewFile(files, `${removing}/manifest.json`, manifest, 'publish');
    await files.symlink('run=20261122T020000Z-000000', `${PIPELINE}/.latest-${old.runId}`);
    await open(files);
    assert.deepEqual(await files.list(PIPELINE), [`.staging-${RUN_ID}-${OWNER}`]);
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
    await (await open(files)).abandon();
    assert.deepEqual(files.tree(), before);
  });

  it('is gone when abandoned, with what was written into it', async () => {
    const files = memoryFiles();
    const staging = await open(files);
    await writeNewFile(files, `${FOLDER}/jobs.arrow`, Buffer.from('new'), 'load');
    await staging.abandon();
    assert.deepEqual(await files.list(PIPELINE), []);
  });

  it('can be abandoned on a disk that refuses everything', async () => {
    const memory = memoryFiles();
    const counted = faultyFiles(memory, undefined, crash);
    await open(counted);
    const at = counted.operations.length + 1;
    const dead = faultyFiles(memoryFiles(), { at, what: 'kill-before' }, crash);
    const staging = await open(dead);
    await assert.rejects(dead.list(FOLDER));
    await staging.abandon();
  });

  for (const code of ['EACCES', 'EROFS', 'ENOTDIR']) {
    it(`fails with 73 when making it meets ${code}`, async () => {
      const counted = faultyFiles(memoryFiles(), undefined, crash);
      await open(counted);
      const made = counted.operations.findIndex(
        ({ name, path }) => name === 'makeFolder' && path === FOLDER,
      );
      const opening = open(faultyFiles(memoryFiles(), { at: made + 1, what: code }, crash));
      await assert.rejects(opening, { exitCode: 73, message: new RegExp(FOLDER) });
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
