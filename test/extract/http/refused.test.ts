import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXIT, type ExitCode } from '../../../src/platform/errors.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { exits, FIRST, ids, pageBody, rowsAt, sendJson, sendPage, withClient } from './jobs-api.ts';

/** The fetch fails at once, after one request. */
async function refused(respond: Respond, exitCode: ExitCode, says: RegExp): Promise<void> {
  await withClient(serveHttp(respond), {}, async (client, { seen }) => {
    await assert.rejects(client.fetchPage(FIRST), exits(exitCode, says));
    assert.equal(seen.length, 1);
    assert.deepEqual(client.clock.slept, []);
  });
}

function body(change: (page: Record<string, unknown>) => object, headers = {}): Respond {
  return (response, request) => {
    sendJson(response, JSON.stringify(change(JSON.parse(pageBody(request)))), headers);
  };
}

describe('an answer that asking again would not change', () => {
  const statuses: [status: number, exitCode: ExitCode, says: RegExp][] = [
    [400, EXIT.protocol, /answered 400. Check the filters/],
    [403, EXIT.credentials, /answered 403\. These credentials may not list the jobs/],
    [404, EXIT.protocol, /answered 404. Check --api-url/],
    [410, EXIT.protocol, /answered 410/],
    [414, EXIT.protocol, /answered 414\. The request is too long for the server/],
    [431, EXIT.protocol, /answered 431\. The request is too long for the server/],
    [418, EXIT.protocol, /answered 418/],
    [451, EXIT.protocol, /answered 451/],
    [501, EXIT.protocol, /answered 501/],
    [505, EXIT.protocol, /answered 505/],
  ];
  for (const [status, exitCode, says] of statuses) {
    it(`ends with ${exitCode}: ${status}`, () =>
      refused((response) => sendJson(response, '{}', {}, status), exitCode, says));
  }

  const contract: [name: string, respond: Respond, says: RegExp][] = [
    ['no object', (response) => sendJson(response, '[]'), /JSON object, got an array/],
    ['null', (response) => sendJson(response, 'null'), /JSON object, got null/],
    ['data missing', body(({ data: _, ...rest }) => rest), /"data" to be an array, got nothing/],
    ['data no array', body((page) => ({ ...page, data: {} })), /an array, got an object/],
    ['a row that is no object', body((page) => ({ ...page, data: ['x'] })), /every item/],
    [
      'a row that is a long number',
      (response) => sendJson(response, '{"data":[12345678901234567890]}'),
      /every item/,
    ],
    [
      'a total with a fraction',
      body((page) => ({ ...page, pagination: { total: 1.5 } })),
      /got the number 1.5/,
    ],
    [
      'a negative total',
      body((page) => ({ ...page, pagination: { total: -1 } })),
      /got the number -1/,
    ],
    [
      'a total in words',
      body((page) => ({ ...page, pagination: { total: '250' } })),
      /got a string/,
    ],
    [
      'a total past 2^53',
      (response) => sendJson(response, '{"data":[],"pagination":{"total":99999999999999999999}}'),
      /got the number 1000/,
    ],
    [
      'no pagination',
      body(({ pagination: _, ...rest }) => rest),
      /neither "pagination.total" nor Content-Range/,
    ],
    [
      'an unknown Content-Range',
      body(({ pagination: _, ...rest }) => rest, { 'content-range': '1-100/*' }),
      /neither/,
    ],
    [
      'a page longer than asked',
      body((page) => ({ ...page, data: rowsAt(0, 101) })),
      /asked for 100 jobs at most, got 101/,
    ],
    [
      'another encoding',
      (response, request) => sendJson(response, pageBody(request), { 'content-encoding': 'br' }),
      /content-encoding/,
    ],
  ];
  for (const [name, respond, says] of contract) {
    it(`ends with 76: ${name}`, () => refused(respond, EXIT.protocol, says));
  }

  it("shows the server's own words, redacted, on one line, shortened", async () => {
    const credentials = { kind: 'token', token: 'canary-token-0' } as const;
    const words = `no\nsuch\u001b filter: canary-token-0, Bearer abcdefghijklmnop1 ${'x'.repeat(500)}`;
    for (const [status, key] of [
      [400, 'message'],
      [404, 'detail'],
    ] as const) {
      const server = serveHttp((r) => sendJson(r, JSON.stringify({ [key]: words }), {}, status));
      await withClient(server, { credentials }, async (client) => {
        const says = new RegExp(
          `answered ${status}, "no such filter: \\*\\*\\*, \\*\\*\\* x{200,300}…"\\. Check`,
        );
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.protocol, says));
      });
    }
  });

  for (const status of [300, 301, 302, 303, 304, 307, 308]) {
    it(`ends with 76, and the token goes nowhere: ${status}`, async () => {
      const elsewhere = await serveHttp(sendPage);
      const credentials = { kind: 'token', token: 'secret-token' } as const;
      const server = serveHttp((response) => {
        response.writeHead(status, { location: `${elsewhere.url}/api/v2/jobs` }).end();
      });
      await withClient(server, { credentials }, async (client, { seen }) => {
        const says = /redirects \(3\d\d\); a redirect is refused/;
        await assert.rejects(client.fetchPage(FIRST), exits(EXIT.protocol, says));
        assert.equal(seen.length, 1);
        assert.equal(elsewhere.seen.length, 0);
      });
      await elsewhere.close();
    });
  }
});

describe('a refused query', () => {
  const detail = [
    {
      loc: ['query', 'limit'],
      msg: 'Input should be less than 101',
      type: 'less_than',
      input: 'ECHO',
    },
    {
      loc: ['query', 'status', 0],
      msg: 'Input should be\n"DONE"\u0007',
      type: 'enum',
      ctx: { given: 'ECHO' },
    },
    { loc: 'query', msg: 'x'.repeat(5000) },
    'plain words',
  ];

  it('ends with 78 and every detail, but not with what was sent', async () => {
    const server = serveHttp((response) => sendJson(response, JSON.stringify({ detail }), {}, 422));
    await withClient(server, {}, async (client, { seen }) => {
      await assert.rejects(client.fetchPage(FIRST), (error: unknown) => {
        assert.ok(exits(EXIT.config, /refused the query \(422\)/)(error));
        assert.ok(error instanceof Error);
        const [, ...lines] = error.message.split('\n');
        assert.deepEqual(lines.slice(0, 2), [
          '  - query.limit: Input should be less than 101',
          '  - query.status.0: Input should be "DONE"',
        ]);
        assert.match(lines[2] ?? '', /^ {2}- query: x{100,199}…$/);
        assert.equal(lines[3], '  - plain words');
        assert.doesNotMatch(error.message, /ECHO/);
        return true;
      });
      assert.equal(seen.length, 1);
    });
  });

  for (const odd of ['', 'not JSON', '{}', '{"detail":null}', '{"detail":[null,7,{}]}', '[]']) {
    it(`ends with 78 whatever its body: ${odd}`, () =>
      refused((response) => sendJson(response, odd, {}, 422), EXIT.config, /refused the query/));
  }
});

describe('an answer to be accepted', () => {
  const first = rowsAt(0, 100).map(({ id }) => id);
  const accepted: [name: string, respond: Respond][] = [
    ['pagination', sendPage],
    [
      'Content-Range instead',
      body(({ pagination: _, ...rest }) => rest, { 'content-range': '1-100/250' }),
    ],
    [
      'Content-Range with a unit',
      body(({ pagination: _, ...rest }) => rest, { 'content-range': 'jobs 1-100/250' }),
    ],
    [
      'pagination null and Content-Range',
      body((page) => ({ ...page, pagination: null }), { 'content-range': '1-100/250' }),
    ],
    ['a wrong end', body((page) => ({ ...page, pagination: { total: 250, start: 4, end: 6 } }))],
    ['a code that is a number', body((page) => ({ ...page, code: 200 }))],
    [
      'no status, no content type',
      (response, request) => {
        const { data, pagination } = JSON.parse(pageBody(request));
        response.end(JSON.stringify({ data, pagination }));
      },
    ],
    ['a byte order mark', (response, request) => sendJson(response, `\ufeff${pageBody(request)}`)],
  ];
  for (const [name, respond] of accepted) {
    it(name, () =>
      withClient(serveHttp(respond), {}, async (client) => {
        const page = await client.fetchPage(FIRST);
        assert.deepEqual(ids(page), first);
        assert.equal(page.kind === 'page' && page.total, 250);
      }),
    );
  }

  it('an empty page beyond the end', () =>
    withClient(serveHttp(sendPage), {}, async (client) => {
      const page = await client.fetchPage({ offset: 300, limit: 100 });
      assert.equal(page.kind === 'page' && page.total, 250);
      assert.deepEqual(ids(page), []);
    }));

  it('an empty list, told by Content-Range', () => {
    const headers = { 'content-range': '*/0' };
    return withClient(
      serveHttp((r) => sendJson(r, '{"data":[]}', headers)),
      {},
      async (client) => {
        assert.deepEqual(ids(await client.fetchPage(FIRST)), []);
      },
    );
  });
});
