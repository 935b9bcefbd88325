import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';
import { FIRST, sendJson, sendPage } from './jobs-api.ts';
import { lastToken, signedIn, tokenServer } from './token-server.ts';

describe('a token near its end', () => {
  it('is renewed a minute before, once for all workers', async () => {
    const clock = fakeClock({ mode: 'still' });
    await signedIn(tokenServer(), serveHttp(sendPage), { clock }, async (client, api, tokens) => {
      await client.fetchPage(FIRST);
      clock.advance(3_539_999);
      await client.fetchPage(FIRST);
      assert.equal(tokens.seen.length, 1);
      assert.equal(lastToken(api), 'canary-token-1');

      clock.advance(1);
      await Promise.all(Array.from({ length: 8 }, () => client.fetchPage(FIRST)));
      assert.equal(tokens.seen.length, 2);
      assert.equal(lastToken(api), 'canary-token-2');
      assert.equal(client.stats.requests, api.seen.length);
    });
  });

  it('is asked for again where the endpoint fails for a while', async () => {
    const clock = fakeClock();
    const down: Respond = (response) => sendJson(response, '', {}, 500);
    const tokens = tokenServer({ instead: (nth) => (nth > 1 && nth < 5 ? down : undefined) });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client, api, { seen }) => {
      await client.fetchPage(FIRST);
      clock.advance(3_541_000);
      await client.fetchPage(FIRST);
      assert.equal(seen.length, 5);
      assert.equal(lastToken(api), 'canary-token-2');
    });
  });
});

describe('a renewal that is refused', () => {
  it('does not repeat the token in force', async () => {
    const clock = fakeClock();
    const no: Respond = (response) =>
      sendJson(response, '{"error_description":"no more canary-token-1"}', {}, 403);
    const tokens = tokenServer({ instead: (nth) => (nth > 1 ? no : undefined) });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client) => {
      await client.fetchPage(FIRST);
      clock.advance(3_541_000);
      await assert.rejects(client.fetchPage(FIRST), (error: Error) => {
        assert.match(error.message, /the sign-in was refused \(403, no more \*\*\*\)/);
        return true;
      });
    });
  });
});

describe('closing during a renewal', () => {
  it('ends who waits for it, and warns of nothing', async () => {
    const clock = fakeClock({ mode: 'still' });
    let ready = Promise.resolve();
    const tokens = tokenServer({ ready: () => ready });
    await signedIn(tokens, serveHttp(sendPage), { clock }, async (client, _, { seen }) => {
      await client.fetchPage(FIRST);
      ready = new Promise(() => {});
      clock.advance(3_590_000);
      const page = assert.rejects(client.fetchPage(FIRST), /closed while/);
      await until(() => seen.length === 2);
      await client.close();
      await page;
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(client.events, []);
    });
  });
});
