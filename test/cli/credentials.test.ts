import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { credentialsFrom } from '../../src/cli/credentials.ts';
import type { Environment } from '../../src/cli/environment.ts';
import { createRedactor } from '../../src/cli/screen.ts';
import { ExportError } from '../../src/platform/errors.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'credentials-'));
  await writeFile(join(folder, 'token'), 'file.token\r\n\n');
  await writeFile(join(folder, 'password'), ' two words \n');
  await writeFile(join(folder, 'empty'), '\n');
});

after(() => rm(folder, { recursive: true }));

async function read(environment: Environment, server = 'https://apis.pasqal.cloud/core-fast') {
  return credentialsFrom(environment, new URL(server), folder, createRedactor());
}

async function refusal(environment: Environment, server?: string): Promise<string> {
  const error = await read(environment, server).then(
    () => assert.fail('was accepted'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ExportError);
  assert.equal(error.exitCode, 78);
  return error.message;
}

describe('credentials', () => {
  it('are a token', async () => {
    assert.deepEqual(await read({ PASQAL_TOKEN: 'a.b-c' }), { kind: 'token', token: 'a.b-c' });
  });

  it('are a user name and a password', async () => {
    assert.deepEqual(await read({ PASQAL_USERNAME: 'me@example.com', PASQAL_PASSWORD: 'p w' }), {
      kind: 'password',
      username: 'me@example.com',
      password: 'p w',
    });
  });

  it('are a service account', async () => {
    assert.deepEqual(await read({ PASQAL_CLIENT_ID: 'id', PASQAL_CLIENT_SECRET: 'secret' }), {
      kind: 'client',
      clientId: 'id',
      clientSecret: 'secret',
    });
  });

  it('come from files, without the line break at their end but with every other space', async () => {
    assert.deepEqual(await read({ PASQAL_TOKEN_FILE: 'token' }), {
      kind: 'token',
      token: 'file.token',
    });
    const signIn = await read({
      PASQAL_USERNAME: 'me',
      PASQAL_PASSWORD_FILE: join(folder, 'password'),
    });
    assert.equal(signIn.kind === 'password' && signIn.password, ' two words ');
  });

  it('lose the byte order mark and the line breaks at the end, in variables and in files alike', async () => {
    const expected = { kind: 'token', token: 'a.b-c' };
    assert.deepEqual(await read({ PASQAL_TOKEN: '\uFEFFa.b-c\r\n' }), expected);
    await writeFile(join(folder, 'marked'), '\uFEFFa.b-c\n\n');
    assert.deepEqual(await read({ PASQAL_TOKEN_FILE: 'marked' }), expected);
  });

  it('are asked of another endpoint when told so', async () => {
    const environment = { PASQAL_CLIENT_ID: 'id', PASQAL_CLIENT_SECRET: 'secret' };
    const elsewhere = await read({ ...environment, PASQAL_TOKEN_URL: 'https://example.com/token' });
    assert.deepEqual(elsewhere.kind === 'client' && elsewhere.endpoint, {
      url: 'https://example.com/token',
    });
    assert.match(
      await refusal({ ...environment, PASQAL_TOKEN_URL: 'http://example.com/token' }),
      /PASQAL_TOKEN_URL: plain http/,
    );
  });

  it('may be missing for a server on this machine only', async () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '[::1]']) {
      assert.deepEqual(await read({}, `http://${host}:8000`), { kind: 'none' });
    }
    for (const host of ['localhost.example.com', '128.0.0.1', '0.0.0.0', '[::2]']) {
      assert.match(await refusal({}, `https://${host}`), /no credentials .* make demo/);
    }
  });

  it('count as missing when a variable is empty', async () => {
    assert.match(
      await refusal({ PASQAL_TOKEN: '', PASQAL_TOKEN_FILE: '' }),
      /set PASQAL_TOKEN, or PASQAL_USERNAME and PASQAL_PASSWORD, or/,
    );
  });
});

describe('refused credentials', () => {
  const cases: readonly (readonly [why: string, environment: Environment, message: RegExp])[] = [
    ['half a pair', { PASQAL_USERNAME: 'me' }, /PASQAL_USERNAME is set but PASQAL_PASSWORD is not/],
    ['the other half', { PASQAL_CLIENT_SECRET: 'x-y-z' }, /but PASQAL_CLIENT_ID is not/],
    [
      'two ways at once',
      { PASQAL_TOKEN: 'x-y-z', PASQAL_CLIENT_ID: 'i', PASQAL_CLIENT_SECRET: 'x-y-z' },
      /more than one way/,
    ],
    ['twice the same', { PASQAL_TOKEN: 'x-y-z', PASQAL_TOKEN_FILE: 'token' }, /both set/],
    ['no such file', { PASQAL_TOKEN_FILE: 'nowhere' }, /PASQAL_TOKEN_FILE: .*nowhere \(ENOENT\)/],
    ['a folder', { PASQAL_TOKEN_FILE: '.' }, /PASQAL_TOKEN_FILE: .* \(EISDIR\)/],
    ['an empty file', { PASQAL_TOKEN_FILE: 'empty' }, /PASQAL_TOKEN_FILE: empty is empty/],
    ['a whole header', { PASQAL_TOKEN: 'Bearer x-y-z' }, /bare token/],
    ['a line break inside', { PASQAL_TOKEN: 'x-y\n-z' }, /bare token/],
  ];
  for (const [why, environment, expected] of cases) {
    it(`say why, without the secret: ${why}`, async () => {
      const message = await refusal(environment);
      assert.match(message, expected);
      assert.doesNotMatch(message, /x-y/);
    });
  }

  it('teach the redactor first', async () => {
    const redactor = createRedactor();
    const server = new URL('https://example.com');
    const environment = { PASQAL_PASSWORD_FILE: 'password' };
    assert.throws(() => credentialsFrom(environment, server, folder, redactor));
    assert.equal(redactor.clean('it is [ two words ]'), 'it is [[hidden]]');
  });
});
