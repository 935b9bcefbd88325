import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { REPOSITORY } from './support/cli.ts';

const { stdout } = await promisify(execFile)('make', ['-s', 'schedule'], { cwd: REPOSITORY });
const blocks = [...stdout.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
  kind,
  text,
}));

describe('make schedule', () => {
  it('prints a crontab line, a service and a timer, and a service for one user', () => {
    assert.deepEqual(
      blocks.map(({ kind }) => kind),
      ['cron', 'ini', 'ini', 'ini'],
    );
    const [cron] = blocks;
    assert.match(cron?.text ?? '', /^\d+ \d+ \* \* \* PASQAL_CLIENT_ID_FILE=[^%\n]*\n$/);
  });

  it('names this checkout and this Node.js by their absolute paths', () => {
    const command = `"${process.execPath}" "${REPOSITORY}dist/src/cli/main.js" export `;
    const commands = blocks.filter(({ text }) => text.includes('export --'));
    assert.equal(commands.length, 3);
    for (const { text } of commands) {
      assert.ok(text.includes(command), text);
    }
  });

  const analyze = (...args: string[]) => spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const missing = analyze('--version').status !== 0;
  it('prints units that systemd takes', { skip: missing && 'no systemd-analyze' }, async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'units-'));
    t.after(() => rm(folder, { recursive: true }));
    const [, service, timer, own] = blocks.map(({ text }) => text);
    for (const [name, text] of [
      ['pasqal-jobs.service', service],
      ['pasqal-jobs.timer', timer],
      ['pasqal-own.service', own],
    ] as const) {
      await writeFile(join(folder, name), text ?? '');
    }
    for (const name of ['pasqal-jobs.service', 'pasqal-jobs.timer', 'pasqal-own.service']) {
      const { stderr, status } = analyze('verify', '--man=no', join(folder, name));
      // What it says of the machine's own units is none of ours.
      const ours = stderr.split('\n').filter((line) => line.includes('pasqal'));
      assert.deepEqual({ ours, status }, { ours: [], status: 0 });
    }
  });
});
