import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { decodeHolder } from '../../src/store/lock.ts';

const RACERS = 20;
const folder = await mkdtemp(join(tmpdir(), 'lock-'));
after(() => rm(folder, { recursive: true }));

class Racer {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(path: string, ...machine: string[]) {
    const script = fileURLToPath(new URL('./lock-racer.ts', import.meta.url));
    const args = ['--import', 'tsx', script, path, ...machine];
    this.process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    return String((await this.#lines.next()).value);
  }

  go(): void {
    this.process.stdin.write('go\n');
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await closed;
  }
}

/** Leaves the lock of a process that was killed. */
async function leaveStaleLock(path: string): Promise<number | undefined> {
  const racer = new Racer(path);
  assert.equal(await racer.line(), 'ready');
  racer.go();
  assert.equal(await racer.line(), 'won');
  await racer.kill();
  return racer.process.pid;
}

describe(`${RACERS} processes started at once on the lock of one that was killed`, () => {
  it('exactly one takes it over, and names itself', async () => {
    const path = join(folder, 'killed', '.lock');
    const killed = await leaveStaleLock(path);
    assert.equal(decodeHolder(await nodeFiles.readLink(path))?.pid, killed);
    const racers = Array.from({ length: RACERS }, () => new Racer(path));
    try {
      for (const racer of racers) assert.equal(await racer.line(), 'ready');
      for (const racer of racers) racer.go();
      const results = await Promise.all(racers.map((racer) => racer.line()));
      assert.deepEqual(results.toSorted(), [...Array(RACERS - 1).fill('75'), 'won']);
      const holder = decodeHolder(await nodeFiles.readLink(path));
      assert.equal(holder?.pid, racers[results.indexOf('won')]?.process.pid);
      assert.deepEqual(await readdir(join(folder, 'killed')), ['.lock']);
    } finally {
      await Promise.all(racers.map((racer) => racer.kill()));
    }
  });
});

describe('two processes on machines of the same name that share a folder', () => {
  it('never both hold the lock, although each sees that the other was booted at another time', async () => {
    const path = join(folder, 'shared', '.lock');
    const racers = ['machine-a', 'machine-b'].map((machine) => new Racer(path, machine));
    try {
      for (const racer of racers) {
        assert.equal(await racer.line(), 'ready');
        racer.go();
        assert.equal(await racer.line(), racer === racers[0] ? 'won' : '75');
      }
      assert.equal(decodeHolder(await nodeFiles.readLink(path))?.machine, 'machine-a');
    } finally {
      await Promise.all(racers.map((racer) => racer.kill()));
    }
  });
});
