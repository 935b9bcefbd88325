import assert from 'node:assert/strict';
import type http from 'node:http';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { EXIT } from '../../../src/platform/errors.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { type ManualTimers, manualTimers, until } from '../../support/manual-timers.ts';
import { connect, exits, FIRST, ids, rowsAt, sendPage, withClient } from './jobs-api.ts';

const JOBS = rowsAt(0, 100).map(({ id }) => id);

/** Answers the first request with `respond`, the others with a page. */
function serveLate(respond: Respond) {
  let first = true;
  return serveHttp((response, request) => {
    if (!first) return sendPage(response, request);
    first = false;
    return respond(response, request);
  });
}

describe('a server that does not answer in time', () => {
  let timers: ManualTimers;
  beforeEach(() => {
    timers = manualTimers();
  });
  afterEach(() => timers.restore());

  it('is asked again when no headers came within 30 s', async () => {
    await withClient(
      serveLate(() => {}),
      {},
      async (client, { seen }) => {
        const page = client.fetchPage(FIRST);
        await until(() => seen.length === 1);
        timers.tick(29_999);
        await until(() => timers.running.includes(1));
        timers.tick(1);
        assert.deepEqual(ids(await page), JOBS);
        assert.equal(seen.length, 2);
      },
    );
  });

  it('is asked again when the body stopped for 30 s', async () => {
    let response: http.ServerResponse | undefined;
    const server = serveLate((late) => {
      response = late;
      late.writeHead(200);
      late.write('{');
    });
    await withClient(server, { timeouts: { headersMs: 7_000 } }, async (client, { seen }) => {
      const page = client.fetchPage(FIRST);
      await until(() => timers.running.includes(30_000));
      timers.tick(20_000);
      response?.write(' ');
      await until(() => timers.running.includes(30_000));
      timers.tick(29_999);
      assert.equal(client.stats.retries, 0);
      timers.tick(1);
      assert.deepEqual(ids(await page), JOBS);
      assert.equal(seen.length, 2);
    });
  });

  it('is asked again when the whole answer took 120 s', async () => {
    let response: http.ServerResponse | undefined;
    const server = serveLate((late) => {
      response = late;
      late.writeHead(200);
      late.write('{');
    });
    await withClient(server, { timeouts: { headersMs: 7_000 } }, async (client, { seen }) => {
      const page = client.fetchPage(FIRST);
      for (let seconds = 0; seconds < 120; seconds += 20) {
        await until(() => timers.running.includes(30_000));
        timers.tick(20_000);
        response?.write(' ');
      }
      assert.deepEqual(ids(await page), JOBS);
      assert.equal(seen.length, 2);
    });
  });

  it('ends with 75 when it never does', async () => {
    await withClient(
      serveHttp(() => {}),
      {},
      async (client, { seen }) => {
        const says = /no headers within 30 s. Gave up after 8 attempts/;
        const failed = assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
        for (let attempt = 1; attempt <= 8; attempt += 1) {
          await until(() => seen.length === attempt);
          timers.tick(30_000);
        }
        await failed;
      },
    );
  });

  it('is waited for no longer than the deadline allows', async () => {
    const clock = fakeClock({ mode: 'still' });
    const deadlineAt = clock.monotonic() + 5_000;
    await withClient(
      serveHttp(() => {}),
      { clock, deadlineAt },
      async (client, { seen }) => {
        const failed = assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, /deadline/));
        await until(() => seen.length === 1);
        clock.advance(5_000);
        timers.tick(5_000);
        await failed;
      },
    );
  });

  it('leaves no timer running', async () => {
    const server = await serveHttp(sendPage);
    const client = connect(server.url);
    await Promise.all([client.fetchPage(FIRST), client.fetchPage(FIRST)]);
    assert.ok(timers.running.every((ms) => ms < 30_000));
    await client.close();
    await server.close();
  });
});
