import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';
import { idsOf, openWork, partOf } from './sample.ts';

const root = await mkdtemp(join(tmpdir(), 'kill-'));
after(() => rm(root, { recursive: true }));

/** Number of the operation that gives the second part its name. */
async function secondRename(): Promise<number> {
  const folder = join(root, 'counted');
  await rm(folder, { recursive: true, force: true });
  const files = faultyFiles(nodeFiles, undefined, crash);
  const work = await openWork(files, { folder });
  await work.append(partOf('first'));
  await work.append(partOf('second'));
  return files.operations.findLastIndex(({ name }) => name === 'rename') + 1;
}

describe('a process killed with SIGKILL while it writes parts', () => {
  for (const [what, found] of [
    ['kill-before', ['first']],
    ['kill-half', ['first']],
    ['kill-after', ['first', 'second']],
  ] as const) {
    it(`${what} the rename: the next process finds what was confirmed`, async () => {
      const folder = join(root, what);
      const script = fileURLToPath(new URL('./doomed-writer.ts', import.meta.url));
      const args = ['--import', 'tsx', script, folder, `${await secondRename()}:${what}`];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [confirmed, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
      assert.equal(signal, 'SIGKILL');
      assert.equal(confirmed, 'first\n');
      const work = await openWork(nodeFiles, { folder });
      assert.deepEqual(await idsOf(work), found);
      assert.equal(work.header.runId, 'doomed');
    });
  }
});
