import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Credentials } from '../../../src/jobs/options.ts';
import { EXIT } from '../../../src/platform/errors.ts';
import { serveHttp } from '../../support/http-servers.ts';
import { connect, exits, FIRST, ids, rowsAt, sendPage, withClient } from './jobs-api.ts';
import {
  clientSecret,
  guardedApi,
  SECRETS,
  signedIn,
  tokenOf,
  tokenServer,
} from './token-server.ts';

const JOBS = rowsAt(0, 100).map(({ id }) => id);

describe('a token given', () => {
  const credentials: Credentials = { kind: 'token', token: SECRETS.token };

  it('is sent as it is', () =>
    withClient(serveHttp(sendPage), { credentials }, async (client, { seen }) => {
      await client.fetchPage(FIRST);
      assert.equal(seen[0]?.headers.authorization, `Bearer ${SECRETS.token}`);
    }));

  it('that is refused ends with 77 and advice, asked once', () =>
    withClient(
      guardedApi(() => false),
      { credentials },
      async (client, { seen }) => {
        const says = /refused the credentials \(401\). Get a new token and set PASQAL_TOKEN/;
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.credentials, says));
        assert.equal(seen.length, 1);
      },
    ));

  it('that cannot stand in a header is refused before anything is sent', () => {
    for (const token of ['', 'two words', 'line\n', 'jeton-é', 'x\u0000y']) {
      assert.throws(
        () => connect('http://127.0.0.1:1', { credentials: { kind: 'token', token } }),
        { exitCode: EXIT.config, message: /PASQAL_TOKEN/ },
      );
    }
  });

  it('not given, where one is wanted, ends with 77 naming the ways to sign in', () =>
    withClient(
      guardedApi(() => false),
      {},
      async (client) => {
        const says =
          /set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or PASQAL_CLIENT_ID/;
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.credentials, says));
      },
    ));
});

describe('a sign-in', () => {
  it('by password sends the fields the platform asks for, as a form', () =>
    signedIn(
      tokenServer(),
      guardedApi((t) => t === 'canary-token-1'),
      {},
      async (client, _, { seen }) => {
        assert.deepEqual(ids(await client.fetchPage(FIRST)), JOBS);
        const [request] = seen;
        assert.equal(`${request?.method} ${request?.url}`, 'POST /oauth/token');
        assert.equal(request?.headers['content-type'], 'application/x-www-form-urlencoded');
        assert.deepEqual(Object.fromEntries(new URLSearchParams(request?.body)), {
          client_id: 'public-id',
          grant_type: 'http://auth0.com/oauth/grant-type/password-realm',
          realm: 'pcs-users',
          audience: 'https://apis.pasqal.cloud/account/api/v1',
          username: 'ada@example.com',
          password: SECRETS.password,
        });
      },
    ));

  it('of a service account sends its id and secret', async () => {
    const tokens = await tokenServer();
    const credentials = clientSecret(tokens);
    await withClient(
      guardedApi((t) => t === 'canary-token-1'),
      { credentials },
      async (client) => {
        await client.fetchPage(FIRST);
        assert.deepEqual(Object.fromEntries(new URLSearchParams(tokens.seen[0]?.body)), {
          grant_type: 'client_credentials',
          client_id: 'service',
          client_secret: SECRETS.clientSecret,
          audience: 'https://apis.pasqal.cloud/account/api/v1',
        });
      },
    );
    await tokens.close();
  });

  it('happens once for all workers', () =>
    signedIn(
      tokenServer(),
      guardedApi((t) => t === 'canary-token-1'),
      {},
      async (client, _, { seen }) => {
        await Promise.all(Array.from({ length: 40 }, () => client.fetchPage(FIRST)));
        assert.equal(seen.length, 1);
        assert.equal(client.stats.requests, 40);
      },
    ));
});

describe('a 401', () => {
  it('makes all workers share one new token, and each replays its request once', () => {
    let accepted = 'canary-token-1';
    return signedIn(
      tokenServer(),
      guardedApi((t) => t === accepted),
      {},
      async (client, api, { seen }) => {
        await client.fetchPage(FIRST);
        accepted = 'canary-token-2';
        const pages = await Promise.all(Array.from({ length: 8 }, () => client.fetchPage(FIRST)));
        for (const page of pages) assert.deepEqual(ids(page), JOBS);
        assert.equal(seen.length, 2);
        const replayed =
          api.seen.filter((request) => tokenOf(request) === 'canary-token-1').length - 1;
        assert.ok(replayed >= 1 && replayed <= 8);
        assert.equal(api.seen.length, 1 + 8 + replayed);
        assert.equal(client.stats.retries, 0);
      },
    );
  });

  it('again, with the new token, ends with 77', () =>
    signedIn(
      tokenServer(),
      guardedApi(() => false),
      {},
      async (client, api, { seen }) => {
        const says =
          /refused the credentials \(401\). The server refuses a token it has just issued/;
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.credentials, says));
        assert.equal(api.seen.length, 2);
        assert.equal(seen.length, 2);
      },
    ));
});
