import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatManifest } from '../../src/jobs/manifest.ts';
import { makeFolders, writeNewFile } from '../../src/platform/durable.ts';
import { ExportError } from '../../src/platform/errors.ts';
import { readStatus, withStatus } from '../../src/publish/status.ts';
import { fakeClock } from '../support/fake-clock.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { LOSSES, type MemoryFiles, memoryFiles } from '../support/memory-files.ts';
import { sampleManifest } from './sample.ts';

const PIPELINE = '/output/jobs';
const STARTED = '2026-11-23T02:00:00.000Z';
const MANIFEST = sampleManifest();
const FOLDER = `${PIPELINE}/run=${MANIFEST.runId}`;
const GOOD = { folder: FOLDER, runId: MANIFEST.runId, finishedAt: MANIFEST.finishedAt, rows: 2 };

async function folder(): Promise<MemoryFiles> {
  const files = memoryFiles();
  await makeFolders(files, PIPELINE);
  return files;
}

async function publishSample(files: MemoryFiles): Promise<void> {
  await makeFolders(files, FOLDER);
  await writeNewFile(files, `${FOLDER}/manifest.json`, formatManifest(MANIFEST), 'publish');
  await files.symlink(`run=${MANIFEST.runId}`, `${PIPELINE}/latest`);
}

const NEVER = new AbortController().signal;

/** An attempt that takes five seconds and ends as told. */
function attempt(files: MemoryFiles, end: () => Promise<void>, signal = NEVER) {
  const clock = fakeClock({ mode: 'still', wall: Date.parse(STARTED) });
  return withStatus({ files, clock }, PIPELINE, { reached: { requests: 7 }, signal }, async () => {
    clock.advance(5000);
    await end();
    return { manifest: MANIFEST };
  });
}

describe('status.json', () => {
  it('says that a run is under way, and then what it published', async () => {
    const files = await folder();
    await attempt(files, async () => {
      const during = await readStatus(files, PIPELINE);
      assert.deepEqual(
        [during?.outcome, during?.startedAt, during?.finishedAt, during?.lastGood],
        ['running', STARTED, null, null],
      );
      await publishSample(files);
    });
    const { outcome, exitCode, seconds, runId, rows, requests, finishedAt, lastGood } =
      (await readStatus(files, PIPELINE)) ?? {};
    assert.deepEqual([outcome, exitCode, seconds], ['published', 0, 5]);
    assert.deepEqual([runId, rows, requests], [MANIFEST.runId, 2, MANIFEST.requests]);
    assert.equal(finishedAt, '2026-11-23T02:00:05.000Z');
    assert.deepEqual(lastGood, GOOD);
    assert.ok(!(await files.list(PIPELINE)).includes('status.json.new'));
  });

  const failures: [Error, Partial<Awaited<ReturnType<typeof readStatus>>>][] = [
    [
      new ExportError('no space; free some', { exitCode: 74, stage: 'load' }),
      { outcome: 'failed', exitCode: 74, message: 'no space; free some', stage: 'load' },
    ],
    [
      new ExportError('interrupted', { exitCode: 130, stage: 'cli' }),
      { outcome: 'interrupted', exitCode: 130 },
    ],
    [
      new TypeError('s3cret'),
      { outcome: 'failed', exitCode: 70, message: 'a bug; the log of the run tells more' },
    ],
  ];
  for (const [error, expected] of failures) {
    it(`tells of ${error.name} ${error.message}, beside the last good snapshot`, async () => {
      const files = await folder();
      await publishSample(files);
      const failing = attempt(files, () => Promise.reject(error));
      await assert.rejects(failing, (thrown) => thrown === error);
      const status = await readStatus(files, PIPELINE);
      assert.deepEqual({ ...status, ...expected }, status);
      assert.deepEqual([status?.requests, status?.lastGood], [7, GOOD]);
    });
  }

  it('tells of one that its caller stopped, for whatever reason', async () => {
    const files = await folder();
    for (const reason of [undefined, new TypeError('s3cret')]) {
      const signal = AbortSignal.abort(reason);
      await assert.rejects(attempt(files, async () => signal.throwIfAborted(), signal));
      const { outcome, exitCode, message } = (await readStatus(files, PIPELINE)) ?? {};
      assert.deepEqual([outcome, exitCode], ['interrupted', null]);
      assert.match(String(message), /^stopped by its caller/);
    }
  });

  it('is whole after a kill or a power loss at any operation', async () => {
    const counted = faultyFiles(await folder(), undefined, crash);
    await attempt(Object.assign(memoryFiles(), counted), async () => undefined);
    for (let at = 1; at <= counted.operations.length; at++) {
      const memory = await folder();
      await attempt(memory, async () => undefined);
      const mortal = faultyFiles(memory, { at, what: 'kill-half' }, crash);
      const killed = attempt(Object.assign(memoryFiles(), mortal), async () => undefined);
      await assert.rejects(killed);
      for (const lost of Object.values(LOSSES)) {
        assert.ok(await readStatus(memory.afterPowerLoss(lost()), PIPELINE), `operation ${at}`);
      }
      await attempt(memory, async () => undefined);
      assert.equal((await readStatus(memory, PIPELINE))?.outcome, 'published');
    }
  });

  it('never hides why a run failed when it cannot be written', async () => {
    const files = await folder();
    const reason = new ExportError('why', { exitCode: 69, stage: 'extract' });
    const failing = attempt(files, async () => {
      await files.remove(PIPELINE);
      throw reason;
    });
    await assert.rejects(failing, (thrown) => thrown === reason);
  });

  it('is undefined where no run was, and 65 where it is something else', async () => {
    assert.equal(await readStatus(memoryFiles(), PIPELINE), undefined);
    const files = await folder();
    await writeNewFile(files, `${PIPELINE}/status.json`, Buffer.from('{}'), 'publish');
    const message = /status\.json cannot be used: statusVersion: missing; the next export/;
    await assert.rejects(readStatus(files, PIPELINE), { exitCode: 65, message });
  });
});
