import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeFolders } from '../../src/platform/durable.ts';
import { openCheckpoint } from '../../src/store/open.ts';
import { ageOtherWork, KEPT_FOR_MS } from '../../src/store/other-work.ts';
import { type MemoryFiles, memoryFiles } from '../support/memory-files.ts';

const PARENT = '/output/jobs/.work';
const OWN = '0'.repeat(16);
const OTHER = 'f'.repeat(16);
const NOW = 2 * KEPT_FOR_MS;

async function leaveWork(files: MemoryFiles, name: string, createdAt: number): Promise<void> {
  const checkpoint = await openCheckpoint({
    files,
    clock: { wall: () => createdAt },
    folder: `${PARENT}/${name}`,
    fingerprint: name,
    run: null,
    restart: false,
    resumeWithinMs: 1,
  });
  await checkpoint.append({ bytes: Buffer.from('rows'), state: null });
  await checkpoint.close();
}

function age(files: MemoryFiles) {
  return ageOtherWork({ files, clock: { wall: () => NOW }, parent: PARENT, own: OWN });
}

describe('unfinished work of other runs', () => {
  it('is nothing where nothing ever ran', async () => {
    assert.deepEqual(await age(memoryFiles()), []);
  });

  it('is reported and left alone for a week', async () => {
    const files = memoryFiles();
    const createdAt = NOW - KEPT_FOR_MS;
    await leaveWork(files, OTHER, createdAt);
    const before = files.tree();
    const folder = `${PARENT}/${OTHER}`;
    assert.deepEqual(await age(files), [{ folder, createdAt, removed: false }]);
    assert.deepEqual(files.tree(), before);
  });

  it('is removed when it is older, and said to be', async () => {
    const files = memoryFiles();
    const createdAt = NOW - KEPT_FOR_MS - 1;
    await leaveWork(files, OTHER, createdAt);
    const folder = `${PARENT}/${OTHER}`;
    assert.deepEqual(await age(files), [{ folder, createdAt, removed: true }]);
    assert.deepEqual(await files.list(PARENT), []);
  });

  it('never includes the run itself or what is no work folder', async () => {
    const files = memoryFiles();
    await leaveWork(files, OWN, 0);
    await makeFolders(files, `${PARENT}/notes`);
    await files.open(`${PARENT}/${OTHER}`, 'create');
    assert.deepEqual(await age(files), []);
    assert.deepEqual(await files.list(PARENT), [OWN, OTHER, 'notes']);
  });

  it('has the age of its folder when its journal cannot be read', async () => {
    const files = memoryFiles();
    await leaveWork(files, OTHER, NOW);
    files.damage(`${PARENT}/${OTHER}/journal`, 0);
    const folder = `${PARENT}/${OTHER}`;
    assert.deepEqual(await age(files), [{ folder, createdAt: 0, removed: true }]);
  });
});
