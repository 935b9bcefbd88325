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
import { openCheckpoint } from '../../src/store/open.ts';
import { crash, faultyFiles } from '../support/faulty-files.ts';

const root = await mkdtemp(join(tmpdir(), 'kill-'));
after(() => rm(root, { recursive: true }));

function open(files: typeof nodeFiles, folder: string) {
  return openCheckpoint({
    files,
    clock: { wall: () => 0 },
    folder,
    fingerprint: '0123456789abcdef',
    run: 'recovered',
    restart: false,
    resumeWithinMs: 1,
  });
}

/** Number of the operation that writes the journal line of the second part. */
async function secondJournalLine(): Promise<number> {
  await rm(join(root, 'counted'), { recursive: true, force: true });
  const files = faultyFiles(nodeFiles, undefined, crash);
  const checkpoint = await open(files, join(root, 'counted'));
  await checkpoint.append({ bytes: Buffer.from('first'), state: null });
  await checkpoint.append({ bytes: Buffer.from('second'), state: null });
  await checkpoint.close();
  return files.operations.findLastIndex(({ name }) => name === 'write') + 1;
}

describe('a process killed with SIGKILL while it writes a checkpoint', () => {
  for (const [what, found] of [
    ['kill-before', ['first']],
    ['kill-half', ['first']],
    ['kill-after', ['first', 'second']],
  ] as const) {
    it(`${what} the journal line: the next process finds what was confirmed`, async () => {
      const folder = join(root, what);
      const script = fileURLToPath(new URL('./doomed-writer.ts', import.meta.url));
      const args = ['--import', 'tsx', script, folder, `${await secondJournalLine()}:${what}`];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const [confirmed, [, signal]] = await Promise.all([text(child.stdout), once(child, 'close')]);
      assert.equal(signal, 'SIGKILL');
      assert.equal(confirmed, 'first\n');
      const checkpoint = await open(nodeFiles, folder);
      await checkpoint.close();
      assert.deepEqual(
        checkpoint.found.parts.map(({ state }) => state),
        found,
      );
      assert.equal(checkpoint.found.header.run, 'doomed');
    });
  }
});
