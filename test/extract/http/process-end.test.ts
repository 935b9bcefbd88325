import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closedPort, serveHttp, serveRaw } from '../../support/http-servers.ts';
import { sendPage } from './jobs-api.ts';
import { tokenServer } from './token-server.ts';

const SCRIPT = fileURLToPath(new URL('run-and-close.ts', import.meta.url));

/** Runs the script to its natural end: nothing but its own handles keeps it alive, and nothing ends it. */
async function runToEnd(...args: string[]): Promise<string> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', SCRIPT, ...args], {
    env: { PATH, HOME },
  });
  const overdue = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [[code, signal], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  clearTimeout(overdue);
  assert.equal(signal, null, `still alive after a minute; ${stdout}${stderr}`);
  assert.equal(stderr, '');
  assert.equal(code, 0);
  return stdout.trim();
}

describe('a process that has closed its client', () => {
  it('ends by itself, though the server keeps connections alive', async () => {
    const [api, tokens] = await Promise.all([serveHttp(sendPage), tokenServer()]);
    assert.equal(
      await runToEnd(`${api.url}/core-fast`, '300', `${tokens.url}/oauth/token`),
      '300 pages, 0 errors',
    );
    await Promise.all([api.close(), tokens.close()]);
  });

  it('ends by itself after failures and with requests still under way', async () => {
    const silent = await serveHttp(() => {});
    assert.equal(await runToEnd(silent.url, '50'), '0 pages, 50 errors');
    await silent.close();
  });

  it('ends by itself while a TLS handshake hangs', async () => {
    const mute = await serveRaw(() => {});
    const url = mute.url.replace('http:', 'https:');
    assert.equal(await runToEnd(url, '3'), '0 pages, 3 errors');
    await mute.close();
  });

  it('ends by itself when nobody listened', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    assert.equal(await runToEnd(url, '20'), '0 pages, 20 errors');
  });
});
