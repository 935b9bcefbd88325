import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Fault, sorted } from '../../../src/extract/http/faults.ts';
import { EXIT, ExportError } from '../../../src/platform/errors.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { closedPort, serveHttp, serveRaw } from '../../support/http-servers.ts';
import { connect, exits, FIRST, ids, rowsAt, sendPage, withClient } from './jobs-api.ts';
import { password } from './token-server.ts';

const TLS = new URL('../../fixtures/tls/', import.meta.url);

async function selfSigned() {
  const [cert, key] = await Promise.all(
    ['test-only-certificate.pem', 'test-only-key.pem'].map((name) =>
      readFile(new URL(name, TLS), 'utf8'),
    ),
  );
  return { cert: cert ?? '', key: key ?? '' };
}

describe('a server that cannot be reached at the start', () => {
  it('ends with 69 at once: bad certificate', async () => {
    const server = serveHttp(sendPage, await selfSigned());
    const credentials = { kind: 'token', token: 'secret' } as const;
    await withClient(server, { credentials }, async (client, { seen }) => {
      const says =
        /TLS certificate was not accepted \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. Check the URL/;
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, says));
      assert.equal(seen.length, 0);
      assert.equal(client.stats.requests, 1);
    });
  });

  it('ends with 69 at once: no TLS where it was expected', () =>
    withClient(serveHttp(sendPage), {}, async (_, { url }) => {
      const client = connect(url.replace('http:', 'https:'));
      const says = /no TLS connection could be made/;
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, says));
      await client.close();
    }));

  it('ends with 69 at once: unknown host', async () => {
    // A label of more than 63 characters: no resolver has to be asked to know that there is no such host.
    const client = connect(`http://${'x'.repeat(64)}.invalid`);
    const says = /the host name is unknown \(ENOTFOUND\)\. Check the URL/;
    await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, says));
    assert.equal(client.stats.requests, 1);
    await client.close();
  });

  it('ends with 69 after three attempts: connection refused', async () => {
    const client = connect(`http://127.0.0.1:${await closedPort()}`);
    const says =
      /the connection was refused \(ECONNREFUSED\)\. Gave up after 3 attempts\. Check the URL/;
    await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, says));
    assert.equal(client.stats.requests, 3);
    await client.close();
  });

  it('ends with 69 for the token endpoint too', async () => {
    const tokens = await serveHttp(sendPage, await selfSigned());
    await withClient(
      serveHttp(sendPage),
      { credentials: password(tokens) },
      async (client, api) => {
        const request = `POST ${tokens.url}/oauth/token`;
        await assert.rejects(
          client.fetchPage(FIRST),
          exits(EXIT.unavailable, /certificate/, request),
        );
        assert.equal(api.seen.length, 0);
      },
    );
    await tokens.close();
  });
});

describe('a server that goes away later', () => {
  it('ends with 75 after eight attempts', async () => {
    const server = await serveHttp(sendPage);
    const client = connect(server.url);
    await client.fetchPage(FIRST);
    await server.close();
    const says = /the connection was refused \(ECONNREFUSED\)\. Gave up after 8 attempts\. Run/;
    await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
    await client.close();
  });

  it('is not missed when it comes back', async () => {
    let broken = 0;
    const server = serveHttp((response, request) => {
      broken += 1;
      if (broken > 1 && broken < 6) response.socket?.resetAndDestroy();
      else sendPage(response, request);
    });
    await withClient(server, {}, async (client) => {
      await client.fetchPage(FIRST);
      assert.deepEqual(
        ids(await client.fetchPage(FIRST)),
        rowsAt(0, 100).map(({ id }) => id),
      );
    });
  });
});

describe('a dead server', () => {
  it('ends the run once the budget is used up, not after eight attempts of every page', async () => {
    let alive = true;
    const server = serveHttp((response, request) => {
      if (alive) sendPage(response, request);
      else response.writeHead(500).end();
    });
    await withClient(server, {}, async (client, { seen }) => {
      await Promise.all(Array.from({ length: 64 }, () => client.fetchPage(FIRST)));
      alive = false;
      const before = seen.length;
      const pages = Array.from({ length: 200 }, () => client.fetchPage(FIRST));
      const ends = await Promise.allSettled(pages);
      assert.ok(ends.every(({ status }) => status === 'rejected'));
      assert.ok(seen.length - before <= 300, `${seen.length - before} requests`);
      const says = exits(EXIT.temporary, /its retry budget is used up|Gave up after 8 attempts/);
      for (const end of ends) assert.ok(end.status === 'rejected' && says(end.reason));
    });
  });
});

describe('an outage of three seconds', () => {
  it('does not set every queued page to failing: the run survives', async () => {
    const clock = fakeClock();
    const server = serveHttp((response, request) => {
      if (clock.monotonic() < 4_000) response.writeHead(500).end();
      else sendPage(response, request);
    });
    await withClient(server, { clock }, async (client) => {
      const pages = await Promise.all(Array.from({ length: 200 }, () => client.fetchPage(FIRST)));
      assert.ok(pages.every(({ kind }) => kind === 'page'));
      assert.ok(client.stats.retries <= 16 * 4, `${client.stats.retries} retries`);
    });
  });
});

describe('an answer that is not HTTP', () => {
  const wrong = ['nonsense\r\n\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'];
  for (const text of [...wrong, `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`]) {
    it(`is asked for again: ${JSON.stringify(text.slice(0, 40))}`, () =>
      withClient(
        serveRaw((socket) => socket.end(text)),
        {},
        async (client, { seen }) => {
          const says = /the answer was not valid HTTP|the connection broke/;
          await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
          assert.equal(seen.length, 8);
        },
      ));
  }
});

describe('sorted', () => {
  const codes: [code: string, first: string, later: string][] = [
    ['ENOTFOUND', 'no-host', 'connection'],
    ['EAI_AGAIN', 'unreachable', 'connection'],
    ['ECONNREFUSED', 'unreachable', 'connection'],
    ['ENETUNREACH', 'unreachable', 'connection'],
    ['UND_ERR_CONNECT_TIMEOUT', 'unreachable', 'timeout'],
    ['ETIMEDOUT', 'unreachable', 'timeout'],
    ['CERT_HAS_EXPIRED', 'bad-certificate', 'connection'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'bad-certificate', 'connection'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'bad-certificate', 'connection'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'bad-certificate', 'connection'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'bad-certificate', 'connection'],
    ['ECONNRESET', 'connection', 'connection'],
    ['UND_ERR_SOCKET', 'connection', 'connection'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'connection', 'connection'],
    ['UND_ERR_HEADERS_OVERFLOW', 'connection', 'connection'],
  ];
  for (const [code, first, later] of codes) {
    it(`takes ${code} for ${first} at the start, for ${later} later`, () => {
      const error = Object.assign(new Error('it broke'), { code, data: 'PAYLOAD' });
      const faultWhen = (contacted: boolean) => {
        const fault = sorted(error, contacted);
        return fault instanceof Fault ? fault : assert.fail();
      };
      assert.equal(faultWhen(false).kind, first);
      assert.equal(faultWhen(true).kind, later);
      assert.deepEqual({ ...faultWhen(true).details.cause }, { code });
    });
  }

  for (const code of ['EMFILE', 'ENFILE']) {
    it(`takes ${code} for the limit of this machine that it is, never for a fault to be retried`, () => {
      const error = Object.assign(new Error('connect'), { code });
      for (const contacted of [false, true]) {
        const says =
          /^too many open files .*; (raise the limit|close other programs).* and run the/;
        const refused = sorted(error, contacted);
        assert.ok(refused instanceof ExportError && refused.exitCode === EXIT.io);
        assert.match(refused.message, says);
      }
    });
  }

  it('does not take a bug for a fault', () => {
    const bug = new TypeError('x is not a function');
    assert.equal(sorted(bug, true), bug);
  });
});
