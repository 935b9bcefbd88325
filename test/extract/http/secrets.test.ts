import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { quoter } from '../../../src/extract/http/answer.ts';
import type { Credentials } from '../../../src/jobs/options.ts';
import type { RunEvent } from '../../../src/platform/effects.ts';
import {
  closedPort,
  type Respond,
  serveHttp,
  serveRaw,
  type TestServer,
} from '../../support/http-servers.ts';
import { connect, FIRST, sendJson, sendPage } from './jobs-api.ts';
import { PASSING_FAULTS } from './passing-faults.ts';
import { clientSecret, password, SECRETS, tokenServer } from './token-server.ts';

const PAYLOAD = 'canary-payload';

/** Fails with everything a server knows: what it was sent, and what it holds. */
function telltale(status: number): Respond {
  return (response, { headers, body, url }) => {
    const all = `${PAYLOAD} ${headers.authorization} ${body} ${url}`;
    const detail = [{ loc: ['query'], msg: headers.authorization, input: all, type: all }];
    const words = { error: 'no', error_description: `${body} ${decodeURIComponent(body)}` };
    const message = `${headers.authorization} ${body} ${url}`;
    sendJson(response, JSON.stringify({ ...words, detail, data: all, message }), {}, status);
  };
}

const BROKEN: readonly Respond[] = [
  ...[200, 302, 400, 401, 403, 404, 422, 429, 500, 503].map(telltale),
  (response) => void response.end(`<html>${PAYLOAD}</html>`),
  (response) => void response.end(`{"data":["${PAYLOAD}"`),
  (response) => void response.end(`{"data":["${PAYLOAD}"],"pagination":{"total":"${PAYLOAD}"}}`),
  (response) => void response.end(Buffer.concat([Buffer.from(PAYLOAD), Buffer.from([0xff])])),
];

/** What a person may get to see of a failed fetch: the error with all it holds, and every event. */
async function seenOf(url: string, credentials: Credentials): Promise<string> {
  const client = connect(url, { credentials });
  const error: unknown = await client.fetchPage(FIRST).then(
    () => assert.fail('no error'),
    (e) => e,
  );
  await client.close();
  assert.ok(error instanceof Error);
  const shown = (value: unknown) => inspect(value, { depth: 10, showHidden: true });
  const events: readonly RunEvent[] = client.events;
  return `${shown(error)}\n${error.stack}\n${JSON.stringify(error)}\n${shown(events)}`;
}

function assertClean(text: string): void {
  for (const secret of [...Object.values(SECRETS), 'canary']) {
    for (const form of [
      secret,
      encodeURIComponent(secret),
      new URLSearchParams({ s: secret }).toString().slice(2),
    ]) {
      assert.ok(!text.includes(form), `${form} found in:\n${text}`);
    }
  }
}

describe('no secret and no payload comes out', () => {
  const given: Credentials = { kind: 'token', token: SECRETS.token };
  const ways: [name: string, sign: (server: TestServer) => Credentials][] = [
    ['a given token', () => given],
    ['a password', password],
    ['a client secret', clientSecret],
  ];
  for (const [name, credentials] of ways) {
    it(`with ${name}, whatever the API answers`, async () => {
      const tokens = await tokenServer();
      for (const respond of BROKEN) {
        const api = await serveHttp(respond);
        assertClean(await seenOf(api.url, credentials(tokens)));
        await api.close();
      }
      await tokens.close();
    });
  }

  for (const [name, credentials] of ways.slice(1)) {
    it(`with ${name}, whatever the token endpoint answers`, async () => {
      const api = await serveHttp(sendPage);
      for (const respond of BROKEN) {
        const tokens = await serveHttp(respond);
        assertClean(await seenOf(api.url, credentials(tokens)));
        await tokens.close();
      }
      await api.close();
    });
  }

  it('from an answer that was asked for again until it was given up', async () => {
    for (const { respond } of PASSING_FAULTS) {
      const api = await serveHttp(respond);
      assertClean(await seenOf(api.url, given));
      await api.close();
    }
  });

  it('from a broken connection', async () => {
    const raw = await serveRaw((socket) => socket.end(`${PAYLOAD}\r\n\r\n`));
    const plain = await serveHttp(sendPage);
    const none = `http://127.0.0.1:${await closedPort()}`;
    for (const url of [raw.url, plain.url.replace('http:', 'https:'), none]) {
      assertClean(await seenOf(url, given));
    }
    await Promise.all([raw.close(), plain.close()]);
  });
});

describe("a server's words", () => {
  it('come without secrets, also URL-encoded ones', () => {
    const quote = quoter(() => ['a "b&c', '']);
    const spellings = ['a "b&c', 'a%20%22b%26c', 'a+%22b%26c', 'a \\"b&c'];
    assert.equal(quote(`x ${spellings.join(' y ')} z`, 99), 'x *** y *** y *** y *** z');
  });

  it('come on one line, without control characters, shortened', () => {
    const quote = quoter(() => []);
    assert.equal(quote('  a\r\n\tb\u001b[0m\u202ec\u2028d\u0000 ', 50), 'a b [0m c d');
    assert.equal(quote('x'.repeat(11), 10), `${'x'.repeat(9)}…`);
    assert.equal(quote('x'.repeat(10), 10), 'x'.repeat(10));
  });
});
