import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RunEvent } from '../../../src/platform/effects.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';
import { FIRST, sendJson, sendPage } from './jobs-api.ts';
import { lastToken, signedIn, tokenServer } from './token-server.ts';

describe('a token near its end', () => {
  it('is renewed a minute before, while the workers use it on', async () => {
    const clock = fakeClock({ mode: 'still' });
    let release = (): void => {};
    let ready = Promise.resolve();
    const tokens = tokenServer({ ready: () => ready });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client, api, { seen }) => {
      await client.fetchPage(FIRST);
      clock.advance(3_539_000);
      await client.fetchPage(FIRST);
      assert.equal(seen.length, 1);

      ready = new Promise((resolve) => {
        release = resolve;
      });
      clock.advance(1_000);
      await client.fetchPage(FIRST);
      await client.fetchPage(FIRST);
      await until(() => seen.length === 2);
      assert.equal(lastToken(api), 'canary-token-1');

      release();
      while (lastToken(api) === 'canary-token-1' && api.seen.length < 1000) {
        await client.fetchPage(FIRST);
      }
      assert.equal(lastToken(api), 'canary-token-2');
      assert.equal(seen.length, 2);
    });
  });

  it('is used on while it cannot be renewed, and waited for once it has ended', async () => {
    const clock = fakeClock();
    const down: Respond = (response) => sendJson(response, '', {}, 500);
    const tokens = tokenServer({ instead: (nth) => (nth > 1 && nth < 10 ? down : undefined) });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client, api, { seen }) => {
      await client.fetchPage(FIRST);
      clock.advance(3_541_000 - clock.monotonic());
      await client.fetchPage(FIRST);
      await until(() => client.events.some(isWarning));
      assert.equal(seen.length, 9);
      assert.equal(lastToken(api), 'canary-token-1');
      clock.advance(120_000);
      await client.fetchPage(FIRST);
      assert.equal(lastToken(api), 'canary-token-2');
    });
  });
});

describe('closing during a renewal', () => {
  it('warns of nothing', async () => {
    const clock = fakeClock({ mode: 'still' });
    let ready = Promise.resolve();
    const tokens = tokenServer({ ready: () => ready });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client, _, { seen }) => {
      await client.fetchPage(FIRST);
      ready = new Promise(() => {});
      clock.advance(3_590_000);
      await client.fetchPage(FIRST);
      await until(() => seen.length === 2);
      await client.close();
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(client.events, []);
    });
  });
});

function isWarning(event: RunEvent): boolean {
  return event.type === 'log' && event.level === 'warn';
}
