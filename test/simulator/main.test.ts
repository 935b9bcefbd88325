import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { REPOSITORY } from '../support/cli.ts';
import { ended } from '../support/process.ts';

function simulate(...args: readonly string[]): ChildProcessWithoutNullStreams {
  const program = ['--import', 'tsx', 'test/simulator/main.ts'];
  return spawn(process.execPath, [...program, ...args], { cwd: REPOSITORY });
}

describe('make simulate', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`tells its address, serves, and ends in 0 on ${signal}`, async () => {
      const child = simulate('--jobs', '7', '--json');
      const closed = ended(child);
      const [line] = await once(child.stdout, 'data');
      const { url, ...others } = JSON.parse(String(line));
      assert.deepEqual(Object.keys(others), ['tokenUrl', 'port']);
      const page = await (await fetch(`${url}/api/v2/jobs?limit=1`)).text();
      assert.match(page, /"total":\s*7\b/);
      child.kill(signal);
      assert.equal((await closed).code, 0);
    });
  }

  it('names an account that may sign in', async () => {
    const child = simulate('--sign-in', '--json', '--latency', '1ms', '--fault', '503=0,500=0');
    const closed = ended(child);
    const [line] = await once(child.stdout, 'data');
    const { tokenUrl, username, password, clientId, clientSecret } = JSON.parse(String(line));
    for (const account of [
      { grant_type: 'password', client_id: 'any', username, password },
      { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret },
    ]) {
      const answer = await fetch(tokenUrl, { method: 'POST', body: new URLSearchParams(account) });
      assert.equal(answer.status, 200);
    }
    child.kill('SIGTERM');
    await closed;
  });

  it('refuses what it does not know, in one line', async () => {
    const wrong = [
      ['--jbos', '7'],
      ['--jobs', '-1'],
      ['--fault', '503'],
      ['--latency', 'soon'],
    ];
    for (const args of wrong) {
      const { code, stderr } = await ended(simulate(...args));
      assert.equal(code, 64, args.join(' '));
      assert.match(stderr, /^[^\n]+\n$/);
    }
  });
});
