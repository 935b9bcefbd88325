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
import { decodeHolder } from '../../src/store/lock-holder.ts';

const RACERS = 20;
const folder = await mkdtemp(join(tmpdir(), 'lock-'));
const path = join(folder, '.lock');
after(() => rm(folder, { recursive: true }));

class Racer {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const script = fileURLToPath(new URL('./lock-racer.ts', import.meta.url));
    const args = ['--import', 'tsx', script, path];
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
async function leaveStaleLock(): Promise<number | undefined> {
  const racer = new Racer();
  assert.equal(await racer.line(), 'ready');
  racer.go();
  assert.equal(await racer.line(), 'won');
  await racer.kill();
  return racer.process.pid;
}

describe(`${RACERS} processes started at once on the lock of one that was killed`, () => {
  it('exactly one takes it over, and names itself', async () => {
    const killed = await leaveStaleLock();
    assert.equal(decodeHolder(await nodeFiles.read(path))?.pid, killed);
    const racers = Array.from({ length: RACERS }, () => new Racer());
    try {
      for (const racer of racers) assert.equal(await racer.line(), 'ready');
      for (const racer of racers) racer.go();
      const results = await Promise.all(racers.map((racer) => racer.line()));
      assert.deepEqual(results.toSorted(), [...Array(RACERS - 1).fill('75'), 'won']);
      const holder = decodeHolder(await nodeFiles.read(path));
      assert.equal(holder?.pid, racers[results.indexOf('won')]?.process.pid);
      assert.deepEqual(await readdir(folder), ['.lock']);
    } finally {
      await Promise.all(racers.map((racer) => racer.kill()));
    }
  });
});
