import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { type HttpRequest, Transport } from '../../../src/extract/http/transport.ts';
import { type Respond, serveHttp, type TestServer } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';

function get(signal: AbortSignal): HttpRequest {
  return { method: 'GET', path: '/x', headers: {}, maxBodyBytes: 1000, msLeft: Infinity, signal };
}

async function withTransport(
  respond: Respond,
  test: (transport: Transport, server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await serveHttp(respond);
  const timeouts = { headersMs: 30_000, idleMs: 30_000, totalMs: 120_000 };
  const settings = { timeouts, userAgent: 'test/1', proxies: {} };
  const transport = new Transport(new URL(server.url), 2, settings);
  try {
    await test(transport, server);
  } finally {
    await transport.close();
    await server.close();
  }
}

describe('the transport', () => {
  it('hands over status, headers and body as they came', () =>
    withTransport(
      (response) => {
        response.setHeader('X-Twice', ['one', 'two']);
        response.writeHead(418).end('short and stout');
      },
      async (transport) => {
        const answer = await transport.send(get(new AbortController().signal));
        assert.equal(answer.status, 418);
        assert.equal(answer.header('x-twice'), 'one');
        assert.equal(answer.header('x-none'), undefined);
        assert.equal(answer.body.toString(), 'short and stout');
      },
    ));

  it('leaves no listener on the signal, however the request ends', () => {
    const answers: Respond[] = [
      (response) => void response.end('ok'),
      (response) => void response.socket?.destroy(),
      (response) => void response.end('x'.repeat(2000)),
    ];
    return withTransport(
      (response, request) => answers.shift()?.(response, request),
      async (transport) => {
        const { signal } = new AbortController();
        for (const kind of ['done', 'Fault', 'done']) {
          const sent = transport.send(get(signal)).then(() => 'done');
          assert.equal(await sent.catch(({ name }) => name), kind);
          assert.deepEqual(getEventListeners(signal, 'abort'), []);
        }
      },
    );
  });

  it('does not send a request that was called off while it was connecting', () =>
    withTransport(
      (response) => void response.end('ok'),
      async (transport, server) => {
        const controller = new AbortController();
        const sent = transport.send(get(controller.signal));
        controller.abort(new Error('changed my mind'));
        await assert.rejects(sent, /changed my mind/);
        await until(() => server.connections === 1);
        await transport.send(get(new AbortController().signal));
        assert.equal(server.seen.length, 1);
      },
    ));
});
