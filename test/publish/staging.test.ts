import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFolders } from '../../src/platform/durable.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { openStaging } from '../../src/publish/staging.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { memoryFiles } from '../support/memory-files.ts';

const PIPELINE = '/output/jobs';
const RUN_ID = '20261123T020000Z-3fa2c1';
const FOLDER = `${PIPELINE}/.staging-${RUN_ID}`;

function open(files: FileSystem) {
  return openStaging({ files, pipelineFolder: PIPELINE, runId: RUN_ID });
}

describe('a staging folder', () => {
  it('takes files in pieces and makes them durable', async () => {
    const files = faultyFiles(memoryFiles(), undefined, crash);
    const staging = await open(files);
    const file = await staging.createFile('jobs.ndjson');
    await file.write([Buffer.from('one'), Buffer.from(' two')]);
    await file.write([]);
    await file.write([Buffer.from(' three')]);
    assert.equal(await file.finish(), 13);
    assert.equal(
      Buffer.from(await files.read(`${FOLDER}/jobs.ndjson`)).toString(),
      'one two three',
    );
    const names = files.operations
      .filter(({ path }) => path.endsWith('ndjson'))
      .map(({ name }) => name);
    assert.deepEqual(names.slice(-4), ['sync', 'size', 'close', 'read']);
  });

  it('is whole however short each write is', async () => {
    const counted = faultyFiles(memoryFiles(), undefined, crash);
    await (await open(counted)).createFile('a');
    const at = counted.operations.length + 1;
    const files = faultyFiles(memoryFiles(), { at, what: 'short', onwards: true }, crash);
    const file = await (await open(files)).createFile('a');
    await file.write([Buffer.from('whole')]);
    assert.equal(await file.finish(), 5);
  });

  it('clears away what interrupted runs left, and nothing else', async () => {
    const files = memoryFiles();
    await makeFolders(files, PIPELINE);
    for (const name of ['.staging-old', '.removing-old', '.latest-old', '.work', '.mine', 'old']) {
      await files.makeFolder(`${PIPELINE}/${name}`);
    }
    await open(files);
    const left = ['.mine', `.staging-${RUN_ID}`, '.work', 'old'];
    assert.deepEqual(await files.list(PIPELINE), left.sort());
  });

  it('can be begun anew, with files still open', async () => {
    const files = faultyFiles(memoryFiles(), undefined, crash);
    const staging = await open(files);
    await (await staging.createFile('jobs.arrow')).write([Buffer.from('old')]);
    await staging.reset();
    assert.deepEqual(await files.list(FOLDER), []);
    assert.equal(files.operations.filter(({ name }) => name === 'close').length, 1);
    await (await staging.createFile('jobs.arrow')).write([Buffer.from('new')]);
  });

  it('is gone when abandoned, with files still open', async () => {
    const files = faultyFiles(memoryFiles(), undefined, crash);
    const staging = await open(files);
    await staging.createFile('jobs.arrow');
    await staging.abandon();
    assert.deepEqual(await files.list(PIPELINE), []);
    assert.equal(files.operations.filter(({ name }) => name === 'close').length, 1);
  });

  it('can be abandoned on a disk that refuses everything', async () => {
    const memory = memoryFiles();
    const counted = faultyFiles(memory, undefined, crash);
    await open(counted);
    const at = counted.operations.length + 1;
    const dead = faultyFiles(memoryFiles(), { at, what: 'kill-before' }, crash);
    const staging = await open(dead);
    await assert.rejects(staging.createFile('a'));
    await staging.abandon();
  });

  for (const code of ['ENOSPC', 'EDQUOT', 'EIO']) {
    it(`fails with 74 and the path when a write or sync meets ${code}`, async () => {
      const counted = faultyFiles(memoryFiles(), undefined, crash);
      const staged = await open(counted);
      const before = counted.operations.length;
      await (await staged.createFile('jobs.arrow')).finish();
      for (let at = before + 1; at <= counted.operations.length; at++) {
        const staging = await open(faultyFiles(memoryFiles(), { at, what: code }, crash));
        const writing = staging.createFile('jobs.arrow').then((file) => file.finish());
        await assert.rejects(writing, { exitCode: 74, stage: 'publish', message: /jobs\.arrow/ });
      }
    });
  }

  it('fails with 73 when latest is a folder, which no rename can replace', async () => {
    const files = memoryFiles();
    await makeFolders(files, `${PIPELINE}/latest`);
    await assert.rejects(open(files), { exitCode: 73, message: /latest is not a link/ });
  });

  for (const code of ['EACCES', 'EROFS', 'ENOTDIR']) {
    it(`fails with 73 when making it meets ${code}`, async () => {
      const counted = faultyFiles(memoryFiles(), undefined, crash);
      await open(counted);
      const at = counted.operations.length;
      const opening = open(faultyFiles(memoryFiles(), { at, what: code }, crash));
      await assert.rejects(opening, { exitCode: 73, message: new RegExp(FOLDER) });
    });
  }
});
