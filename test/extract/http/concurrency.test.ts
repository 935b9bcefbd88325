import assert from 'node:assert/strict';
import type http from 'node:http';
import { describe, it } from 'node:test';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Seen, serveHttp } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';
import { FIRST, sendJson, sendPage, withClient } from './jobs-api.ts';

interface Held {
  readonly response: http.ServerResponse;
  readonly request: Seen;
}

/** A server that answers only when told to, so that what is in flight can be counted. */
function holdingServer() {
  const held: Held[] = [];
  const server = serveHttp((response, request) => void held.push({ response, request }));
  const answerAll = (answer: (one: Held) => void) => {
    for (const one of held.splice(0)) answer(one);
  };
  return { server, held, answerAll };
}

function rightly({ response, request }: Held): void {
  sendPage(response, request);
}

describe('requests in flight', () => {
  it('are 4, 8, 16 and never more, while all goes well', async () => {
    const { server, held, answerAll } = holdingServer();
    await withClient(server, {}, async (client, { seen }) => {
      const pages = Array.from({ length: 60 }, () => client.fetchPage(FIRST));
      let sent = 0;
      for (const expected of [4, 8, 16, 16, 16]) {
        sent += expected;
        await until(() => seen.length === sent);
        await new Promise((resolve) => setImmediate(resolve));
        assert.equal(held.length, expected);
        assert.equal(client.stats.inFlight, expected);
        answerAll(rightly);
      }
      await Promise.all(pages);
      assert.equal(client.stats.inFlight, 0);
    });
  });

  it('are never more than allowed', async () => {
    const { server, held, answerAll } = holdingServer();
    await withClient(server, { concurrency: 3 }, async (client, { seen }) => {
      const pages = Array.from({ length: 9 }, () => client.fetchPage(FIRST));
      for (const sent of [3, 6, 9]) {
        await until(() => seen.length === sent);
        assert.equal(held.length, 3);
        answerAll(rightly);
      }
      await Promise.all(pages);
    });
  });

  it('do not grow while too few are wanted to tell whether more would do', async () => {
    const { server, held, answerAll } = holdingServer();
    await withClient(server, {}, async (client, { seen }) => {
      for (let sent = 2; sent <= 20; sent += 2) {
        const pages = [client.fetchPage(FIRST), client.fetchPage(FIRST)];
        await until(() => seen.length === sent);
        answerAll(rightly);
        await Promise.all(pages);
      }
      const pages = Array.from({ length: 16 }, () => client.fetchPage(FIRST));
      await until(() => seen.length === 24);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(held.length, 4);
      while (seen.length < 36 || held.length > 0) {
        answerAll(rightly);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await Promise.all(pages);
    });
  });

  it('shrink to 0.7 once when a whole round trip is refused', async () => {
    const clock = fakeClock({ mode: 'still' });
    const { server, answerAll } = holdingServer();
    await withClient(server, { clock }, async (client, { seen }) => {
      const pages = Array.from({ length: 28 }, () => client.fetchPage(FIRST));
      for (const sent of [4, 12]) {
        await until(() => seen.length === sent);
        answerAll(rightly);
      }
      await until(() => seen.length === 28);
      clock.advance(50);
      answerAll(({ response }) => sendJson(response, '', {}, 503));
      await until(() => clock.sleeping === 16);
      clock.advance(1000);
      await until(() => seen.length === 28 + 11);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(client.stats.inFlight, 11);
      answerAll(rightly);
      await until(() => seen.length === 28 + 16);
      answerAll(rightly);
      await Promise.all(pages);
    });
  });
});

describe('what a client tells of its work', () => {
  it('counts requests, retries and decoded bytes, and names each retry', async () => {
    const answers = [500, 429];
    const server = serveHttp((response, request) => {
      const status = answers.shift();
      if (status) sendJson(response, '', {}, status);
      else sendPage(response, request);
    });
    await withClient(server, { concurrency: 1 }, async (client) => {
      const page = await client.fetchPage(FIRST);
      const { requests, retries, bytesReceived, inFlight } = client.stats;
      assert.deepEqual({ requests, retries, inFlight }, { requests: 3, retries: 2, inFlight: 0 });
      assert.equal(bytesReceived, page.kind === 'page' && page.bytes);
      const GET = 'GET /core-fast/api/v2/jobs (offset 0)';
      assert.deepEqual(client.events, [
        {
          type: 'log',
          level: 'debug',
          message: `${GET}: the server answered 500; asking again`,
          fields: { kind: 'failed', attempt: 1, delayMs: 250 },
        },
        { type: 'log', level: 'warn', message: 'the server answered 429: slowing down' },
        {
          type: 'log',
          level: 'debug',
          message: `${GET}: the server answered 429; asking again`,
          fields: { kind: 'throttled', attempt: 2, delayMs: 1000 },
        },
      ]);
    });
  });
});
