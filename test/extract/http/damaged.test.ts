import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { areTorn, itemsOf, readItems } from '../../../src/extract/http/damaged.ts';
import type { PageAnswer } from '../../../src/extract/page.ts';
import { CLOSE_OBJECT, JsonScanner, NotJson, OPEN_OBJECT } from '../../../src/json/json-scanner.ts';
import { type Respond, serveHttp } from '../../support/http-servers.ts';
import { FIRST, ids, LAST, pageBody, rowsAt, sendJson, sendPage, withClient } from './jobs-api.ts';

/** A right page in which `from` was replaced, once, by bytes. */
function spoilt(from: string, to: string | readonly number[]): Respond {
  return (response, request) => {
    const body = Buffer.from(pageBody(request));
    const at = body.indexOf(from);
    const bytes = typeof to === 'string' ? Buffer.from(to) : Buffer.from(to);
    response.end(Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + from.length)]));
  };
}

async function answered(
  respond: Respond,
  attempts: number,
  check: (answer: PageAnswer) => void,
  query = FIRST,
): Promise<void> {
  await withClient(serveHttp(respond), {}, async (client, { seen }) => {
    check(await client.fetchPage(query));
    assert.equal(seen.length, attempts);
    assert.deepEqual(client.events.filter(({ type }) => type === 'log').length, attempts - 1);
  });
}

describe('a job that is no JSON', () => {
  const JOB = '{"id":"job-7"}';
  const kinds: [name: string, text: string | readonly number[], reason: RegExp][] = [
    ['NaN', '{"id":"job-7","v":NaN}', /^not JSON at byte 18 of the record: NaN$/],
    ['-Infinity', '{"v":[-Infinity]}', /^not JSON at byte \d+ of the record: Infinity$/],
    ['a control character', '{"v":"a\u0001b"}', /at byte 7 of the record: control character 1$/],
    ['an escape of nothing', '{"v":"\\q"}', /^not JSON at byte 6 of the record$/],
    ['half an escape', '{"v":"\\u12"}', /^not JSON at byte \d+ of the record$/],
    ['a byte that is no UTF-8', [...Buffer.from('{"v":"'), 0xff, 0x22, 0x7d], /^not UTF-8$/],
    ['brackets in a string', '{"v":"}],[{\\"","w":NaN}', /: NaN$/],
    ['a missing comma', '{"a":1 "b":2}', /^not JSON at byte 7/],
  ];
  for (const [name, text, reason] of kinds) {
    it(`is set aside and takes no neighbour with it, after two tries: ${name}`, () =>
      answered(spoilt(JOB, text), 2, (page) => {
        assert.ok(page.kind === 'page');
        assert.deepEqual([page.total, page.short], [250, false]);
        const others = rowsAt(0, 100).filter(({ id }) => id !== 'job-7');
        assert.deepEqual(
          ids(page),
          others.map(({ id }) => id),
        );
        const [damaged, ...more] = page.damaged;
        assert.deepEqual([damaged?.at, more.length], [7, 0]);
        assert.match(damaged?.reason ?? '', reason);
        const bytes = typeof text === 'string' ? Buffer.from(text) : Buffer.from(text);
        assert.deepEqual(Buffer.from(damaged?.bytes ?? []), bytes);
      }));
  }

  it('is not damaged when the second answer is whole', async () => {
    let first = true;
    const server = serveHttp((response, request) => {
      const respond = first ? spoilt(JOB, '{"v":NaN}') : sendPage;
      first = false;
      return respond(response, request);
    });
    await withClient(server, {}, async (client) => {
      const page = await client.fetchPage(FIRST);
      assert.ok(page.kind === 'page');
      assert.deepEqual([page.rows.length, page.damaged.length], [100, 0]);
    });
  });

  it('alone on its page is set aside too, by gzip and without a length as well', async () => {
    const query = { offset: 7, limit: 1 };
    const body = (url: string) => pageBody({ url }).replace('"job-7"', 'NaN');
    const ways: Respond[] = [
      (r, { url }) => sendJson(r, body(url)),
      (r, { url }) =>
        void r.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body(url))),
      (r, { url }) => void r.socket?.end(`HTTP/1.1 200 OK\r\n\r\n${body(url)}`),
    ];
    for (const way of ways)
      await answered(
        way,
        2,
        (page) => assert.ok(page.kind === 'page' && page.damaged[0]?.at === 0),
        query,
      );
  });

  const unclear: [name: string, respond: Respond][] = [
    ['a stray quote', spoilt(JOB, '{"v":"a"b"}')],
    ['an escaped end', spoilt(JOB, '{"v":"C:\\"}')],
    ['a job that looks like two', spoilt(JOB, '{"v":"a"},{"w":b"}')],
    ['brackets that do not match', spoilt(JOB, '{"v":[1}')],
    ['something between the jobs', spoilt(JOB, 'NaN')],
    ['a broken envelope', spoilt('"total":250', '"total":NaN')],
    ['bytes in the envelope that are no UTF-8', spoilt('"success"', [0x22, 0xff, 0x22])],
  ];
  for (const [name, respond] of unclear) {
    it(`leaves its page unreadable where it cannot be told apart, after two tries: ${name}`, () =>
      answered(respond, 2, (page) => {
        assert.ok(page.kind === 'unreadable', page.kind);
        assert.match(page.reason, /^the answer is not (JSON|UTF-8)$/);
        assert.ok(Buffer.from(page.bytes).includes('"job-8"'));
      }));
  }

  it('that looks like two is unreadable on a page that is not full, too', () =>
    answered(
      spoilt('{"id":"job-207"}', '{"v":""},{""}'),
      2,
      (page) => assert.equal(page.kind, 'unreadable'),
      { offset: 200, limit: 100 },
    ));

  it('that looks like two is unreadable alone as well', () =>
    answered(
      spoilt('{"id":"job-7"}', '{"a":1},{"b":NaN}'),
      2,
      (page) => assert.equal(page.kind, 'unreadable'),
      { offset: 7, limit: 1 },
    ));
});

/** A page taken apart: the items of its `data`, everything around them being whole JSON; undefined where it is not. */
function split(bytes: Buffer): Buffer[] | undefined {
  const scanner = new JsonScanner(bytes);
  let items: Buffer[] | undefined;
  try {
    for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
      scanner.key();
      const key = bytes.toString('utf8', scanner.keyStart, scanner.keyEnd);
      if (key === '"data"') items = [...itemsOf(scanner, bytes)];
      else scanner.value();
    }
    scanner.end();
    return items;
  } catch (error) {
    assert.ok(error instanceof NotJson);
    return undefined;
  }
}

describe('itemsOf', () => {
  const record = fc.dictionary(fc.string(), fc.jsonValue());

  it('finds the items of any page, compact or spaced', () => {
    fc.assert(
      fc.property(fc.array(record), fc.jsonValue(), fc.nat(2), (data, other, indent) => {
        const text = JSON.stringify({ other, data, pagination: { total: 1 } }, null, indent);
        const items = split(Buffer.from(text)) ?? assert.fail();
        assert.deepEqual(
          items.map((item) => JSON.parse(item.toString())),
          JSON.parse(JSON.stringify(data)),
        );
        assert.equal(readItems(items).rows.length, data.length);
      }),
    );
  });

  it('takes nothing but objects for jobs, with nothing but a comma between them', () => {
    for (const data of ['NaN', '[{}]', '"{}"', '{}{}', '{} NaN,{}', '{},', '{"a":[}', '{'])
      assert.equal(split(Buffer.from(`{"data":[${data}]}`)), undefined, data);
    assert.equal(split(Buffer.from('{"data":[{"a":NaN} , {}],"total":NaN}')), undefined);
    assert.equal(split(Buffer.from('{"data":[ {"a":NaN} , {} ],"total":1}'))?.length, 2);
  });

  it('finds neighbours that were cut in the wrong places, and trusts those that only hold no JSON', () => {
    const torn = (...texts: string[]) =>
      areTorn(readItems(texts.map((text) => Buffer.from(text))).damaged);
    assert.equal(torn('{"a":"x" {"b":"}', '{"c":1}'), false);
    assert.equal(torn('{"a":"x" {"b":"}', '{ ":"y"}'), true);
    assert.equal(torn('{"a":NaN}', '{"b":[-Infinity,"\\q"]}', '{"c":01}'), false);
  });

  it('makes no job of two and no two of one without the count telling, whatever one byte becomes', () => {
    const place = fc.nat(10_000);
    let torn = 0;
    fc.assert(
      fc.property(fc.array(record, { minLength: 1 }), place, fc.nat(255), (data, at, byte) => {
        const bytes = Buffer.from(JSON.stringify({ data }));
        const [start, end] = ['{"data":['.length, bytes.length - 2];
        bytes[start + (at % (end - start))] = byte;
        const items = split(bytes);
        if (items?.length !== data.length) return;
        if (areTorn(readItems(items).damaged)) {
          torn++;
          return;
        }
        const whole = items.filter((item, i) => item.toString() === JSON.stringify(data[i]));
        assert.ok(whole.length >= data.length - 1);
      }),
      { numRuns: 2000 },
    );
    // One byte seldom does that: it is no way out for what can be told apart.
    assert.ok(torn < 20, `${torn} of 2000 pages`);
  });
});

describe('a page that is short of its own total, or longer', () => {
  it('is taken when it is longer: a total may be capped or old', () =>
    answered(
      spoilt('"total":250', '"total":249'),
      1,
      (page) => {
        assert.ok(page.kind === 'page');
        assert.deepEqual([page.rows.length, page.short], [50, false]);
      },
      LAST,
    ));

  const short: [name: string, respond: Respond, query: typeof FIRST, count: number][] = [
    ['one is missing', spoilt('{"id":"job-0"},', ''), FIRST, 99],
    ['all are missing', (r) => sendJson(r, '{"data":[],"pagination":{"total":250}}'), FIRST, 0],
  ];
  for (const [name, respond, query, count] of short) {
    it(`is asked for twice more, then handed on as what it is: ${name}`, () =>
      answered(
        respond,
        3,
        (page) => {
          assert.ok(page.kind === 'page');
          assert.deepEqual([page.rows.length, page.short], [count, true]);
        },
        query,
      ));
  }

  it('costs nothing of the budget: a server that always hides a job is read to its end', () =>
    withClient(serveHttp(spoilt('"total":250', '"total":251')), {}, async (client) => {
      const pages = await Promise.all(Array.from({ length: 300 }, () => client.fetchPage(LAST)));
      assert.ok(pages.every((page) => page.kind === 'page' && page.short));
    }));
});
