import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, jobsUrl, withSimulator } from './client.ts';
import type { SignIn } from './index.ts';

const SIGN_IN = {
  username: 'u',
  password: 'p',
  clientId: 'c',
  clientSecret: 's',
  lifetimeSeconds: 60,
};
const REALM = 'http://auth0.com/oauth/grant-type/password-realm';
const PASSWORD = { client_id: 'any', grant_type: 'password', username: 'u', password: 'p' };
const CLIENT = { client_id: 'c', grant_type: 'client_credentials', client_secret: 's' };

async function signIn(tokenUrl: string, form: Record<string, string>) {
  const seen = await ask(tokenUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  });
  return { status: seen.status, body: JSON.parse(seen.body.toString()) };
}

function withTokens(
  options: SignIn,
  run: (
    url: string,
    tokenUrl: string,
    tick: (ms: number) => void,
    revoke: () => void,
  ) => Promise<void>,
): Promise<void> {
  let now = 1_700_000_000_000;
  const simulated = { jobs: 2, signIn: { ...SIGN_IN, ...options }, now: () => now };
  return withSimulator(simulated, (simulator) =>
    run(
      jobsUrl(simulator),
      simulator.tokenUrl,
      (ms) => {
        now += ms;
      },
      () => simulator.revokeTokens(),
    ),
  );
}

async function statusWith(url: string, token: string): Promise<number | undefined> {
  return (await ask(url, { headers: { authorization: `Bearer ${token}` } })).status;
}

test('without a good token the answer is 401', async () => {
  await withTokens({}, async (url) => {
    const seen = await ask(url);
    assert.equal(seen.status, 401);
    assert.equal(seen.headers['www-authenticate'], 'Bearer');
    assert.equal(await statusWith(url, 'nonsense'), 401);
  });
});

test('each grant gives a token that opens the door', async () => {
  await withTokens({}, async (url, tokenUrl) => {
    for (const form of [PASSWORD, { ...PASSWORD, grant_type: REALM, realm: 'r' }, CLIENT]) {
      const { status, body } = await signIn(tokenUrl, form);
      assert.equal(status, 200);
      assert.deepEqual([body.token_type, body.expires_in], ['Bearer', 60]);
      assert.equal(await statusWith(url, body.access_token), 200);
    }
  });
});

test('a token is shaped like a JWT, tells its end, and is refused from then on', async () => {
  await withTokens({ expiresIn: false }, async (url, tokenUrl, tick) => {
    const { body } = await signIn(tokenUrl, CLIENT);
    assert.equal('expires_in' in body, false);
    const [header, payload, signature] = body.access_token.split('.');
    assert.ok(header && signature);
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    assert.equal(claims.exp, 1_700_000_060);
    tick(59_999);
    assert.equal(await statusWith(url, body.access_token), 200);
    tick(1);
    assert.equal(await statusWith(url, body.access_token), 401);
  });
});

test('revoked tokens are worthless, tokens given in the options stay', async () => {
  await withTokens({ tokens: ['ready-made'] }, async (url, tokenUrl, _tick, revoke) => {
    const { body } = await signIn(tokenUrl, CLIENT);
    revoke();
    assert.equal(await statusWith(url, body.access_token), 401);
    assert.equal(await statusWith(url, 'ready-made'), 200);
  });
});

test('refusals carry error and error_description', async () => {
  const cases: readonly [Record<string, string>, number, string][] = [
    [{ ...PASSWORD, password: 'wrong' }, 403, 'invalid_grant'],
    [{ ...PASSWORD, username: 'wrong' }, 403, 'invalid_grant'],
    [{ ...CLIENT, client_secret: 'wrong' }, 401, 'access_denied'],
    [{ ...PASSWORD, grant_type: REALM }, 400, 'invalid_request'],
    [{ ...PASSWORD, grant_type: 'magic' }, 400, 'unsupported_grant_type'],
    [{ username: 'u' }, 400, 'invalid_request'],
  ];
  await withTokens({}, async (_url, tokenUrl) => {
    for (const [form, expected, error] of cases) {
      const { status, body } = await signIn(tokenUrl, form);
      assert.deepEqual([status, body.error], [expected, error]);
      assert.ok(body.error_description);
    }
  });
});

test('a body that is no form is refused', async () => {
  await withTokens({}, async (_url, tokenUrl) => {
    const headers = { 'content-type': 'application/json' };
    const seen = await ask(tokenUrl, { method: 'POST', headers, body: JSON.stringify(CLIENT) });
    assert.equal(seen.status, 400);
  });
});
