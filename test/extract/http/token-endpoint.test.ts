import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXIT, type ExitCode, ExportError } from '../../../src/platform/errors.ts';
import { type Respond, serveHttp, type TestServer } from '../../support/http-servers.ts';
import { FIRST, ids, rowsAt, sendJson, sendPage, withClient } from './jobs-api.ts';
import { password, SECRETS, tokenServer } from './token-server.ts';

async function withTokens<T>(
  starting: Promise<TestServer>,
  test: (fetchFirst: () => Promise<unknown>, tokens: TestServer, api: TestServer) => Promise<T>,
): Promise<void> {
  const tokens = await starting;
  const credentials = password(tokens);
  try {
    await withClient(serveHttp(sendPage), { credentials }, (client, api) =>
      test(() => client.fetchPage(FIRST).then(ids), tokens, api),
    );
  } finally {
    await tokens.close();
  }
}

function ends(tokens: TestServer, exitCode: ExitCode, says: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ExportError, String(error));
    assert.equal(error.exitCode, exitCode, error.message);
    assert.ok(error.message.startsWith(`POST ${tokens.url}/oauth/token: `), error.message);
    assert.match(error.message, says);
    return true;
  };
}

describe('a token endpoint that fails', () => {
  const passing: [name: string, respond: Respond][] = [
    ...[408, 429, 500, 502, 503, 504].map((status): [string, Respond] => [
      `${status}`,
      (response) => sendJson(response, '', { 'retry-after': '1' }, status),
    ]),
    ['reset', (response) => void response.socket?.resetAndDestroy()],
    ['HTML', (response) => void response.end('<html>')],
    [
      'corrupt gzip',
      (response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    ],
  ];
  for (const [name, respond] of passing) {
    it(`for a while does no harm: ${name}`, () =>
      withTokens(
        tokenServer({ instead: (nth) => (nth <= 2 ? respond : undefined) }),
        async (fetchFirst, { seen }) => {
          assert.deepEqual(
            await fetchFirst(),
            rowsAt(0, 100).map(({ id }) => id),
          );
          assert.equal(seen.length, 3);
        },
      ));
  }

  it('for good ends with 75', () =>
    withTokens(
      serveHttp((r) => sendJson(r, '', {}, 503)),
      async (fetchFirst, tokens, api) => {
        const says = /the server answered 503. Gave up after 8 attempts/;
        await assert.rejects(fetchFirst(), ends(tokens, EXIT.temporary, says));
        assert.equal(tokens.seen.length, 8);
        assert.equal(api.seen.length, 0);
      },
    ));
});

describe('a token endpoint that refuses', () => {
  for (const status of [400, 401, 403]) {
    it(`ends with 77 and its description: ${status}`, () => {
      const body = {
        error: 'invalid_grant',
        error_description: 'Wrong email\r\nor \u001b[31mpassword.',
      };
      const server = serveHttp((r) => sendJson(r, JSON.stringify(body), {}, status));
      return withTokens(server, async (fetchFirst, tokens, api) => {
        const says = new RegExp(
          `the sign-in was refused \\(${status}, invalid_grant: Wrong email or \\[31mpassword\\.\\)`,
        );
        await assert.rejects(fetchFirst(), ends(tokens, EXIT.credentials, says));
        assert.equal(tokens.seen.length, 1);
        assert.equal(api.seen.length, 0);
      });
    });
  }

  it('does not get its words in at length, nor the secret back', () => {
    const said = `${SECRETS.password} ${encodeURIComponent(SECRETS.password)} ${'long '.repeat(500)}`;
    const body = JSON.stringify({ error_description: said });
    return withTokens(
      serveHttp((r) => sendJson(r, body, {}, 403)),
      async (fetchFirst, tokens) => {
        await assert.rejects(fetchFirst(), (error: unknown) => {
          assert.ok(ends(tokens, EXIT.credentials, /403, \*\*\* \*\*\* long long/)(error));
          assert.ok(error instanceof Error && error.message.length < 600);
          return true;
        });
      },
    );
  });

  it('says so without a description too', () =>
    withTokens(
      serveHttp((r) => sendJson(r, 'no', {}, 401)),
      async (fetchFirst, tokens) => {
        const says =
          /the sign-in was refused \(401\)\. Check the user name, password or client secret/;
        await assert.rejects(fetchFirst(), ends(tokens, EXIT.credentials, says));
      },
    ));
});

describe('a token endpoint that is none', () => {
  const odd: [name: string, respond: Respond, says: RegExp][] = [
    ['404', (r) => sendJson(r, '', {}, 404), /answered 404. Check PASQAL_TOKEN_URL/],
    [
      'a redirect',
      (r) => void r.writeHead(302, { location: '/elsewhere' }).end(),
      /redirected \(302\)/,
    ],
    ['no token', (r) => sendJson(r, '{"ok":true}'), /no usable access_token/],
    ['an array', (r) => sendJson(r, '[]'), /no usable access_token/],
    ['a token that is no text', (r) => sendJson(r, '{"access_token":7}'), /no usable access_token/],
    ['a token with a line break', (r) => sendJson(r, '{"access_token":"a\\nb"}'), /no usable/],
  ];
  for (const [name, respond, says] of odd) {
    it(`ends with 76: ${name}`, () =>
      withTokens(serveHttp(respond), async (fetchFirst, tokens, api) => {
        await assert.rejects(fetchFirst(), ends(tokens, EXIT.protocol, says));
        assert.equal(tokens.seen.length, 1);
        assert.equal(api.seen.length, 0);
      }));
  }
});
