import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isRunId, newRunId } from '../../src/publish/run-id.ts';
import { memoryFiles } from '../support/memory-files.ts';

function make(files = memoryFiles(), random = 0.5) {
  const clock = { wall: () => Date.UTC(2026, 10, 23, 2, 0, 0, 999) };
  return newRunId({ files, clock, random: () => random, folder: '/' });
}

describe('a run id', () => {
  it('is the start in UTC and six random hex digits', async () => {
    assert.equal(await make(), '20261123T020000Z-800000');
    assert.equal(await make(memoryFiles(), 0), '20261123T020000Z-000000');
    assert.equal(await make(memoryFiles(), 1 - 2 ** -53), '20261123T020000Z-ffffff');
    assert.ok(isRunId(await make()));
  });

  it('is never that of a snapshot which is there', async () => {
    const files = memoryFiles();
    await files.makeFolder('/20261123T020000Z-ffffff');
    await files.makeFolder('/20261123T020000Z-000000');
    assert.equal(await make(files, 1 - 2 ** -53), '20261123T020000Z-000001');
  });

  for (const name of [
    'latest',
    '.work',
    '20261123T020000Z',
    'x20261123T020000Z-3fa2c1',
    '20261123T020000Z-3FA2C1',
  ]) {
    it(`is not ${name}`, () => assert.ok(!isRunId(name)));
  }
});
