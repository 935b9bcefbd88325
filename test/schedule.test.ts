import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { REPOSITORY } from './support/cli.ts';

/** The blocks of what `make schedule` prints in a checkout. */
async function make(cwd: string) {
  const { stdout } = await promisify(execFile)('make', ['-s', 'schedule'], { cwd });
  return [...stdout.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
    kind,
    text,
  }));
}

const blocks = await make(REPOSITORY);

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

  it('escapes a % in a path, for cron and for systemd, and leaves the rest of it alone', async (t) => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), '50% & more |')));
    t.after(() => rm(folder, { recursive: true }));
    for (const file of ['Makefile', 'README.md']) {
      await copyFile(`${REPOSITORY}${file}`, join(folder, file));
    }
    const printed = (await make(folder)).filter(({ text }) => text.includes('export --'));
    for (const { kind, text } of printed) {
      const path = folder.replaceAll('%', kind === 'cron' ? '\\%' : '%%');
      assert.ok(text.includes(` "${path}/dist/src/cli/main.js" export `), text);
    }
    assert.equal(printed.length, 3);
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
