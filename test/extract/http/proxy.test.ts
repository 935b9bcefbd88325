import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { proxyFor } from '../../../src/extract/http/proxy.ts';
import type { ProxySettings } from '../../../src/jobs/options.ts';
import { EXIT } from '../../../src/platform/errors.ts';
import { closedPort, serveHttp, serveRaw, type TestServer } from '../../support/http-servers.ts';
import { serveProxy, type TestProxy, type TestProxyOptions } from '../../support/proxy.ts';
import { connect, exits, FIRST, ids, PATH, rowsAt, sendPage, type TestClient } from './jobs-api.ts';
import { password, tokenServer } from './token-server.ts';

const JOBS = rowsAt(0, 100).map(({ id }) => id);
const read = (name: string) =>
  readFileSync(new URL(`../../fixtures/tls/${name}`, import.meta.url), 'utf8');
const CERTIFICATE = { cert: read('test-only-certificate.pem'), key: read('test-only-key.pem') };

/** Trusts the test certificate, as NODE_EXTRA_CA_CERTS would, while `test` runs. */
async function trusting(test: () => Promise<void>): Promise<void> {
  const real = tls.connect;
  Object.assign(tls, {
    connect: (options: tls.ConnectionOptions) => real({ ...options, ca: CERTIFICATE.cert }),
  });
  try {
    await test();
  } finally {
    Object.assign(tls, { connect: real });
  }
}

interface Way {
  readonly scheme: 'http' | 'https';
  readonly proxy?: TestProxyOptions;
  /** Stands before the proxy's host. */
  readonly user?: string;
  readonly noProxy?: string;
}

/** An API that answers with pages, a proxy, and a client whose way leads through it. */
async function through(
  { scheme, proxy: options, user = '', noProxy }: Way,
  test: (client: TestClient, proxy: TestProxy, api: TestServer) => Promise<void>,
): Promise<void> {
  const api = await serveHttp(sendPage, scheme === 'https' ? CERTIFICATE : undefined);
  const proxy = await serveProxy(options);
  const url = api.url.replace('127.0.0.1', 'localhost');
  const client = connect(url, {
    proxy: { [scheme]: `${user}${proxy.name}`, ...(noProxy && { noProxy }) },
  });
  try {
    await trusting(() => test(client, proxy, api));
  } finally {
    await client.close();
    await Promise.all([proxy.close(), api.close()]);
  }
}

describe('a proxy', () => {
  for (const scheme of ['http', 'https'] as const) {
    it(`is where ${scheme} requests go`, () =>
      through({ scheme }, async (client, { seen }, api) => {
        for (let page = 0; page < 3; page += 1)
          assert.deepEqual(ids(await client.fetchPage(FIRST)), JOBS);
        const { host } = new URL(api.url.replace('127.0.0.1', 'localhost'));
        const tunnel = [`CONNECT ${host}`];
        const one = `GET http://${host}${api.seen[0]?.url}`;
        assert.deepEqual(seen, scheme === 'https' ? tunnel : [one, one, one]);
        assert.equal(api.seen[0]?.headers.host, host);
      }));

    it(`gets user and password, percent-decoded, and nobody else does: ${scheme}`, () => {
      const way = { scheme, proxy: { login: 'ada:pa/ss%' }, user: 'http://ada:pa%2Fss%25@' };
      return through(way, async (client, { seen }, api) => {
        assert.deepEqual(ids(await client.fetchPage(FIRST)), JOBS);
        assert.equal(seen.length, 1);
        assert.equal(api.seen[0]?.headers['proxy-authorization'], undefined);
      });
    });

    for (const [user, says] of [
      ['', /asks for a user name and password \(407\)\. Set HTTPS_PROXY/],
      ['ada:canary-wrong@', /refuses the user name and password in its URL \(407\)/],
    ] as const) {
      it(`that wants another password ends with 77, naming it only: ${scheme}, ${user}`, () =>
        through({ scheme, proxy: { login: 'a:b' }, user }, async (client, proxy, api) => {
          const named = new RegExp(`the proxy ${proxy.name} ${says.source}`);
          const error: unknown = await client.fetchPage(FIRST).catch((e) => e);
          assert.ok(exits(EXIT.credentials, named)(error));
          assert.doesNotMatch(inspect([error, client.events], { depth: 9 }), /canary|Basic/);
          assert.equal(proxy.seen.length, 1);
          assert.equal(api.seen.length, 0);
        }));
    }

    it(`that is dead ends with 69, named: ${scheme}`, async () => {
      const name = `127.0.0.1:${await closedPort()}`;
      const client = connect(`${scheme}://localhost`, { proxy: { [scheme]: `u:canary@${name}` } });
      const says = new RegExp(
        `the proxy ${name}: the connection was refused \\(ECONNREFUSED\\)\\. Gave up after 3 attempts\\. Check HTTPS_PROXY`,
      );
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, says));
      await client.close();
    });

    it(`is passed by for hosts that NO_PROXY names: ${scheme}`, () =>
      through({ scheme, noProxy: 'other, LocalHost' }, async (client, { seen }) => {
        assert.deepEqual(ids(await client.fetchPage(FIRST)), JOBS);
        assert.deepEqual(seen, []);
      }));
  }

  const refusals: [connect: number | 'hang-up', attempts: number, says: RegExp][] = [
    [403, 1, / does not connect to localhost:\d+ \(403\)\. Have it allowed there/],
    [503, 3, / does not connect to localhost:\d+ \(503\)\. Gave up after 3 attempts/],
    ['hang-up', 3, /: the connection broke .* Check HTTPS_PROXY/],
  ];
  for (const [connect, attempts, says] of refusals) {
    it(`that makes no tunnel ends with 69, named: ${connect}`, () =>
      through({ scheme: 'https', proxy: { connect } }, async (client, { name, seen }) => {
        const named = new RegExp(`the proxy ${name}${says.source}`);
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.unavailable, named));
        assert.equal(seen.length, attempts);
      }));
  }

  it('that goes away later ends with 75', () =>
    through({ scheme: 'https' }, async (client, proxy) => {
      await client.fetchPage(FIRST);
      await proxy.close();
      const says = new RegExp(`the proxy ${proxy.name}: .* Gave up after 8 attempts`);
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
    }));

  it('carries as many tunnels as there are connections, and no more', () =>
    through({ scheme: 'https' }, async (client, { seen }) => {
      const pages = await Promise.all(Array.from({ length: 64 }, () => client.fetchPage(FIRST)));
      for (const page of pages) assert.deepEqual(ids(page), JOBS);
      assert.ok(seen.length > 4 && seen.length <= 16, `${seen.length} tunnels`);
    }));

  it('leads to the token endpoint too', async () => {
    const [tokens, proxy, api] = await Promise.all([
      tokenServer(),
      serveProxy(),
      serveHttp(sendPage),
    ]);
    const credentials = password(tokens);
    const client = connect(api.url, { credentials, proxy: { http: `http://${proxy.name}` } });
    await client.fetchPage(FIRST);
    assert.equal(proxy.seen[0], `POST ${tokens.url}/oauth/token`);
    assert.ok(proxy.seen[1]?.startsWith(`GET ${api.url}${PATH}?`));
    await client.close();
    await Promise.all([tokens.close(), proxy.close(), api.close()]);
  });

  it('is let go of at once, also while it makes no tunnel or the handshake inside hangs', async () => {
    const mute = await serveRaw(() => {});
    for (const options of [{ connect: 'silent' }, {}] as const) {
      const proxy = await serveProxy(options);
      const client = connect(mute.url.replace('http:', 'https:'), { proxy: { https: proxy.name } });
      const page = assert.rejects(client.fetchPage(FIRST), /closed while/);
      while (proxy.seen.length === 0) await new Promise((resolve) => setImmediate(resolve));
      await client.close();
      await page;
      await proxy.close();
    }
    await mute.close();
  });
});

describe('proxyFor', () => {
  const api = new URL('https://apis.pasqal.cloud/core-fast');
  const name = (options: ProxySettings, url = api) => proxyFor(url, options)?.name;

  it('knows the way for each scheme, and its port', () => {
    const options = { http: 'http://plain', https: 'https://secure' };
    assert.equal(name(options), 'secure:443');
    assert.equal(name(options, new URL('http://localhost')), 'plain:80');
    assert.equal(name({ http: 'plain' }), undefined);
    assert.equal(name({ https: ' proxy:3128 ' }), 'proxy:3128');
    assert.equal(name({ https: '' }), undefined);
  });

  const exempt: [noProxy: string, isExempt: boolean][] = [
    ['*', true],
    ['apis.pasqal.cloud', true],
    ['PASQAL.cloud', true],
    ['.pasqal.cloud', true],
    ['*.pasqal.cloud', true],
    ['pasqal.cloud:443', true],
    ['a b,pasqal.cloud', true],
    ['qal.cloud', false],
    ['pasqal.cloud:80', false],
    ['', false],
    ['.', false],
  ];
  for (const [noProxy, isExempt] of exempt) {
    it(`${isExempt ? 'obeys' : 'is not misled by'} NO_PROXY=${noProxy}`, () =>
      assert.equal(name({ https: 'proxy', noProxy }) === undefined, isExempt));
  }

  it('refuses what is no proxy with 78, without repeating it', () => {
    for (const https of ['socks5://canary:1', 'http://canary:x@y:port', 'http://']) {
      assert.throws(
        () => proxyFor(api, { https }),
        (error: unknown) =>
          error instanceof Error &&
          'exitCode' in error &&
          error.exitCode === EXIT.config &&
          /^HTTPS_PROXY: expected/.test(error.message) &&
          !error.message.includes('canary'),
      );
    }
  });

  it('knows what to keep secret: the password as given and as sent', () => {
    assert.deepEqual(proxyFor(api, { https: 'http://u@p' })?.headers, {
      'proxy-authorization': `Basic ${Buffer.from('u:').toString('base64')}`,
    });
    const pair = Buffer.from('u:a/b').toString('base64');
    assert.deepEqual(proxyFor(api, { https: 'http://u:a%2Fb@p' })?.secrets, [pair, 'a/b', 'a%2Fb']);
    const odd = Buffer.from('u:a%2Fb%').toString('base64');
    assert.equal(proxyFor(api, { https: 'http://u:a%2Fb%@p' })?.secrets[0], odd);
  });
});
