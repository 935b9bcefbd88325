import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constants, gzipSync } from 'node:zlib';
import type { PageAnswer } from '../../../src/extract/page.ts';
import { EXIT } from '../../../src/platform/errors.ts';
import { serveHttp } from '../../support/http-servers.ts';
import { exits, FIRST, ids, pageBody, rowsAt, sendJson, sendPage, withClient } from './jobs-api.ts';

function assertTooLarge(answer: PageAnswer, limitBytes: number, start: string): void {
  assert.equal(answer.kind, 'too-large');
  if (answer.kind !== 'too-large') return;
  assert.equal(answer.limitBytes, limitBytes);
  assert.equal(Buffer.from(answer.head).toString().slice(0, start.length), start);
  assert.ok(answer.head.buffer.byteLength <= 128 * 1024, 'the head is kept, all else is not');
}

const LIMIT = { maxBodyBytes: 10_000 };

/** A right page with `padding` more bytes. */
function padded(url: string, padding: number): string {
  return pageBody({ url }).replace('{', `{"padding":"${'x'.repeat(padding)}",`);
}

describe('a page over the size allowed', () => {
  it('is called too large as soon as its length is announced', async () => {
    const server = serveHttp((response) => {
      response.writeHead(200, { 'content-length': 20_000 });
      response.write('y'.repeat(12_000));
    });
    await withClient(server, LIMIT, async (client, { seen }) => {
      assertTooLarge(await client.fetchPage(FIRST), 10_000, 'y'.repeat(10_000));
      assert.equal(seen.length, 1);
    });
  });

  it('is called too large as soon as it is, not when it ends', async () => {
    const server = serveHttp((response) => {
      response.writeHead(200);
      const more = () => response.write(' '.repeat(50_000));
      const stream = setInterval(more, 1);
      response.on('close', () => clearInterval(stream));
    });
    await withClient(server, { maxBodyBytes: 1_000_000 }, async (client) => {
      assertTooLarge(await client.fetchPage(FIRST), 1_000_000, '     ');
      assert.equal(client.stats.retries, 0);
    });
  });

  it('is called too large when only its decoded size is: a gzip bomb', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024, ' '), { level: constants.Z_BEST_SPEED });
    const server = serveHttp((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb);
    });
    await withClient(server, { maxBodyBytes: bomb.length }, async (client) => {
      const limitBytes = bomb.length;
      assertTooLarge(await client.fetchPage(FIRST), limitBytes, ' '.repeat(60_000));
    });
  });

  it('does not stop the next one', async () => {
    const server = serveHttp((response, request) => {
      const first = client().stats.requests === 1;
      sendJson(response, first ? padded(request.url, 20_000) : pageBody(request));
    });
    let client = (): { stats: { requests: number } } => assert.fail();
    await withClient(server, LIMIT, async (connected) => {
      client = () => connected;
      assertTooLarge(await connected.fetchPage(FIRST), 10_000, '{"padding":"x');
      assert.deepEqual(
        ids(await connected.fetchPage(FIRST)),
        rowsAt(0, 100).map(({ id }) => id),
      );
    });
  });
});

describe('a page within it', () => {
  it('is taken to the last byte', async () => {
    const exact = (url: string) => padded(url, 10_000 - padded(url, 0).length);
    const server = serveHttp((response, { url }) => sendJson(response, exact(url)));
    await withClient(server, LIMIT, async (client) => {
      const page = await client.fetchPage(FIRST);
      assert.equal(page.kind === 'page' && page.bytes, 10_000);
      assert.equal(client.stats.bytesReceived, 10_000);
    });
  });

  it('is asked for with gzip, and read with it, in one member or several', async () => {
    const server = serveHttp((response, request) => {
      assert.equal(request.headers['accept-encoding'], 'gzip');
      const body = Buffer.from(pageBody(request));
      response.writeHead(200, { 'content-encoding': 'GZIP' });
      response.end(Buffer.concat([gzipSync(body.subarray(0, 50)), gzipSync(body.subarray(50))]));
    });
    await withClient(server, {}, async (client) => {
      const page = await client.fetchPage(FIRST);
      assert.deepEqual(
        ids(page),
        rowsAt(0, 100).map(({ id }) => id),
      );
      assert.equal(
        page.kind === 'page' && page.bytes,
        pageBody({ url: '/?offset=0&limit=100' }).length,
      );
    });
  });

  it('keeps characters that arrive in pieces', async () => {
    const server = serveHttp(async (response, request) => {
      const bytes = Buffer.from(pageBody(request).replace('job-0', 'é😀\\u0000'));
      const cut = bytes.indexOf('😀') + 2;
      response.writeHead(200);
      response.write(bytes.subarray(0, cut), () =>
        setImmediate(() => response.end(bytes.subarray(cut))),
      );
    });
    await withClient(server, {}, async (client) => {
      assert.equal(ids(await client.fetchPage(FIRST))[0], 'é😀\u0000');
    });
  });
});

describe('an error answer with an endless body', () => {
  it('is judged by its status', async () => {
    const server = serveHttp((response) => {
      response.writeHead(404);
      const stream = setInterval(() => response.write(' '.repeat(60_000)), 1);
      response.on('close', () => clearInterval(stream));
    });
    await withClient(server, {}, async (client) => {
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.protocol, /answered 404/));
    });
  });
});

describe('connections', () => {
  it('are used again', async () => {
    await withClient(serveHttp(sendPage), {}, async (client, server) => {
      for (let page = 0; page < 5; page += 1) await client.fetchPage(FIRST);
      assert.ok(server.connections <= 2, `${server.connections}`);
    });
  });
});
