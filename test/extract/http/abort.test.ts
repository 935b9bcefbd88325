import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';
import { connect, FIRST, sendJson, sendPage, withClient } from './jobs-api.ts';

const REASON = new Error('stop now');

function isReason(error: unknown): boolean {
  return error === REASON;
}

describe('an abort', () => {
  it('before the start sends nothing', () =>
    withClient(serveHttp(sendPage), {}, async (client, { seen }) => {
      await assert.rejects(client.fetchPage(FIRST, AbortSignal.abort(REASON)), isReason);
      assert.equal(seen.length, 0);
    }));

  const waiting: [where: string, respond: Respond][] = [
    ['while the server is silent', () => {}],
    [
      'in the middle of a body',
      (response) => {
        response.writeHead(200);
        response.write('{');
      },
    ],
  ];
  for (const [where, respond] of waiting) {
    it(`${where} ends the fetch at once, and the exchange`, async () => {
      let hungUp = 0;
      const server = serveHttp((response, request) => {
        response.on('close', () => {
          hungUp += 1;
        });
        return respond(response, request);
      });
      await withClient(server, {}, async (client, { seen }) => {
        const controller = new AbortController();
        const page = assert.rejects(client.fetchPage(FIRST, controller.signal), isReason);
        await until(() => seen.length === 1);
        controller.abort(REASON);
        await page;
        await until(() => hungUp === 1);
        assert.equal(client.stats.retries, 0);
      });
    });
  }

  it('in the queue, in backoff, in a pause and on the wire ends every fetch at once', async () => {
    const clock = fakeClock({ mode: 'still' });
    const answers: Respond[] = [
      (response) => void sendJson(response, '', {}, 500),
      (response) => void sendJson(response, '', { 'retry-after': '60' }, 429),
    ];
    const server = serveHttp((response, request) => answers.shift()?.(response, request));
    await withClient(server, { clock, concurrency: 3 }, async (client, { seen }) => {
      const controller = new AbortController();
      const { signal } = controller;
      const pages = Array.from({ length: 500 }, () =>
        assert.rejects(client.fetchPage(FIRST, signal), isReason),
      );
      await until(() => clock.sleeping === 2 && seen.length === 3);
      controller.abort(REASON);
      await Promise.all(pages);
      await until(() => client.stats.inFlight === 0);
      assert.ok(seen.length < 10);
      assert.equal(clock.sleeping, 0);
    });
  });

  it('of one caller leaves the others alone', () =>
    withClient(serveHttp(sendPage), { concurrency: 1 }, async (client) => {
      const controller = new AbortController();
      const mine = client.fetchPage(FIRST, controller.signal);
      const others = [
        client.fetchPage(FIRST),
        client.fetchPage(FIRST, new AbortController().signal),
      ];
      controller.abort(REASON);
      await assert.rejects(mine, isReason);
      for (const page of await Promise.all(others)) assert.equal(page.kind, 'page');
    }));
});

describe('a signal shared by hundreds of requests', () => {
  it('carries no listener afterwards, and warns of none', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    let tries = 0;
    const server = serveHttp((response, request) => {
      tries += 1;
      if (tries % 10 === 0) response.writeHead(500).end();
      else sendPage(response, request);
    });
    await withClient(server, {}, async (client) => {
      const { signal } = new AbortController();
      const pages = Array.from({ length: 500 }, () =>
        client.fetchPage({ offset: 250, limit: 1 }, signal),
      );
      await Promise.all(pages);
      assert.equal(getEventListeners(signal, 'abort').length, 0);
    });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });
});

describe('closing', () => {
  it('ends what is under way, waits for no pause, and refuses what comes later', async () => {
    const clock = fakeClock({ mode: 'still' });
    const server = await serveHttp((r) => sendJson(r, '', { 'retry-after': '60' }, 503));
    const client = connect(server.url, { clock });
    const closed = { message: /closed while requests were under way/ };
    const pages = Array.from({ length: 5 }, () => assert.rejects(client.fetchPage(FIRST), closed));
    await until(() => clock.sleeping > 0);
    await client.close();
    await Promise.all(pages);
    await assert.rejects(client.fetchPage(FIRST), closed);
    assert.equal(clock.sleeping, 0);
    await client.close();
    await server.close();
  });
});
