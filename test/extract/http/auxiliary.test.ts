import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXIT } from '../../../src/platform/errors.ts';
import { type Respond, type Seen, serveHttp } from '../../support/http-servers.ts';
import { exits, FIRST, PATH, pageBody, sendJson, sendPage, withClient } from './jobs-api.ts';

const QUERY = { ...FIRST, direction: 'DESC', auxiliary: true } as const;

function isAuxiliary({ url }: Pick<Seen, 'url'>): boolean {
  return url.includes('order_by_direction=DESC');
}

/** Answers auxiliary requests with `respond`, and the others with a page. */
function serveOthers(respond: Respond) {
  return serveHttp((response, request) =>
    (isAuxiliary(request) ? respond : sendPage)(response, request),
  );
}

describe('an auxiliary request', () => {
  const refusals: [name: string, respond: Respond][] = [
    ...[400, 403, 404, 422].map((status): [string, Respond] => [
      `${status}`,
      (r) => sendJson(r, '{"detail":"no"}', {}, status),
    ]),
    ['too many jobs', (r, q) => sendJson(r, pageBody({ url: q.url.replace('=100', '=101') }))],
  ];
  for (const [name, respond] of refusals) {
    it(`that is refused is answered at once: ${name}`, () =>
      withClient(serveOthers(respond), {}, async (client, { seen }) => {
        const answer = await client.fetchPage(QUERY);
        assert.ok(answer.kind === 'refused');
        assert.match(answer.what, /\w/);
        assert.equal(seen.length, 1);
      }));
  }

  const faults: [name: string, attempts: number, respond: Respond][] = [
    ['500', 3, (r) => sendJson(r, '', {}, 500)],
    ['503', 8, (r) => sendJson(r, '', {}, 503)],
    ['429', 8, (r) => sendJson(r, '', {}, 429)],
    ['429 with Retry-After', 8, (r) => sendJson(r, '', { 'retry-after': '3' }, 429)],
    ['HTML', 3, (r) => sendJson(r, '<html>')],
    ['a lost connection', 3, (r) => void r.socket?.destroy()],
    ['half an answer', 3, (r) => void r.writeHead(200).write('{', () => r.socket?.destroy())],
  ];
  for (const [name, attempts, respond] of faults) {
    it(`that alone fails is refused after twice ${attempts} attempts: ${name}`, () =>
      withClient(serveOthers(respond), {}, async (client, { seen }) => {
        const answer = await client.fetchPage(QUERY);
        assert.equal(answer.kind, 'refused');
        const others = seen.findIndex((request) => !isAuxiliary(request));
        assert.equal(others, attempts);
        assert.equal(seen.length, 2 * attempts + 1);
        assert.equal((await client.fetchPage(FIRST)).kind, 'page');
      }));

    it(`ends the run with the server when that fails altogether: ${name}`, () =>
      withClient(serveHttp(respond), {}, async (client, { seen }) => {
        const exitCode = name === 'HTML' ? EXIT.protocol : EXIT.temporary;
        await assert.rejects(client.fetchPage(QUERY), exits(exitCode));
        assert.equal(seen.length, attempts + 8);
      }));
  }

  it('is asked for again when the server was down meanwhile', async () => {
    let asked = 0;
    const server = serveHttp((response, request) => {
      asked += 1;
      if (asked <= 6) return void response.socket?.destroy();
      return sendPage(response, request);
    });
    await withClient(server, {}, async (client) => {
      assert.equal((await client.fetchPage(QUERY)).kind, 'page');
      assert.equal(asked, 3 + 4 + 1);
    });
  });

  it('does not outlive a budget that is used up, where the server fails', () =>
    withClient(
      serveHttp((r) => sendJson(r, '', {}, 500)),
      {},
      async (client) => {
        const pages = Array.from({ length: 40 }, () => client.fetchPage(FIRST));
        await Promise.allSettled(pages);
        await assert.rejects(client.fetchPage(QUERY), exits(EXIT.temporary, /budget is used up/));
      },
    ));

  it('ends the run with 77 all the same when the credentials are refused', () =>
    withClient(
      serveHttp((r) => sendJson(r, '', {}, 401)),
      {},
      (client) => {
        const request = `GET ${PATH} (offset 0, DESC)`;
        return assert.rejects(client.fetchPage(QUERY), exits(EXIT.credentials, /./, request));
      },
    ));
});
