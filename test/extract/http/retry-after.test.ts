import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseRetryAfter } from '../../../src/extract/http/answer.ts';
import { EXIT } from '../../../src/platform/errors.ts';
import { fakeClock } from '../../support/fake-clock.ts';
import { serveHttp } from '../../support/http-servers.ts';
import { until } from '../../support/manual-timers.ts';
import { exits, FIRST, ids, rowsAt, sendJson, sendPage, withClient } from './jobs-api.ts';

const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';
const WALL = Date.UTC(2026, 0, 1, 0, 0, 20);

describe('parseRetryAfter', () => {
  const cases: [value: string | undefined, date: string | undefined, ms: number | undefined][] = [
    ['0', DATE, 0],
    ['120', undefined, 120_000],
    [' 2 ', DATE, 2_000],
    ['1.5', DATE, 1_500],
    ['Thu, 01 Jan 2026 00:00:30 GMT', DATE, 30_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', undefined, 10_000],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 'yesterday', 10_000],
    ['Thursday, 01-Jan-26 00:00:30 GMT', DATE, 30_000],
    ['Thu Jan  1 00:00:30 2026', DATE, 30_000],
    ['Wed, 31 Dec 2025 23:59:59 GMT', DATE, 0],
    [undefined, DATE, undefined],
    ['', DATE, undefined],
    ['soon', DATE, undefined],
    ['-5', DATE, undefined],
    ['1e3', DATE, undefined],
    ['0x10', DATE, undefined],
    ['12 seconds', DATE, undefined],
    ['Retry 2027 00:00:00 GMT', DATE, undefined],
    ['Wait 99 00:00:00 GMT', DATE, undefined],
    ['Soon, 1 03:00:10 GMT', DATE, undefined],
    ['2026-01-01T00:00:30Z', DATE, undefined],
    ['Thu, 99 Jan 2026 00:00:30 GMT', DATE, undefined],
  ];
  for (const [value, date, ms] of cases) {
    it(`reads ${JSON.stringify(value)} against ${JSON.stringify(date)} as ${ms}`, () => {
      assert.equal(parseRetryAfter(value, date, WALL), ms);
    });
  }

  it('measures a date against the Date header, whatever the clock here says', () => {
    const seconds = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(seconds, seconds, fc.integer(), (sentAt, wait, wall) => {
        const date = new Date(sentAt * 1000).toUTCString();
        const until = new Date((sentAt + wait) * 1000).toUTCString();
        assert.equal(parseRetryAfter(until, date, wall), wait * 1000);
      }),
    );
  });

  it('gives a wait that can be waited for, or nothing, for any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, date) => {
        const ms = parseRetryAfter(value, date, WALL);
        assert.ok(ms === undefined || (ms >= 0 && Number.isFinite(ms)));
      }),
    );
    const ms = parseRetryAfter('9'.repeat(400), DATE, WALL) ?? Number.NaN;
    assert.ok(!Number.isNaN(new Date(WALL + ms).getTime()));
  });
});

describe('a server that asks to stay away', () => {
  it('is left alone by all workers at once, for as long as it asked', async () => {
    const clock = fakeClock({ mode: 'still' });
    const arrivals: number[] = [];
    const server = serveHttp((response, request) => {
      arrivals.push(clock.monotonic());
      if (arrivals.length > 1) return sendPage(response, request);
      return sendJson(response, '', { 'retry-after': '30' }, 429);
    });
    await withClient(server, { clock, concurrency: 4, random: () => 0 }, async (client) => {
      const asked = clock.monotonic();
      const first = client.fetchPage(FIRST);
      await until(() => clock.sleeping === 1);
      const others = Array.from({ length: 20 }, () => client.fetchPage(FIRST));
      await until(() => clock.sleeping > 1);
      clock.advance(29_999);
      await until(() => clock.sleeping > 1);
      assert.equal(arrivals.length, 1);
      clock.advance(1);
      while (arrivals.length < 22) {
        await until(() => arrivals.length === 22 || clock.sleeping > 0);
        clock.advance(10);
      }
      const pages = await Promise.all([first, ...others]);
      assert.deepEqual(
        ids(pages[20] ?? pages[0] ?? assert.fail()),
        rowsAt(0, 100).map((r) => r.id),
      );
      assert.ok(arrivals.slice(1).every((at) => at >= asked + 30_000));
    });
  });

  it('keeps away workers that were about to ask when the wish came', async () => {
    const clock = fakeClock();
    const arrivals: number[] = [];
    const server = serveHttp((response, request) => {
      arrivals.push(clock.monotonic());
      if (arrivals.length !== 3) return sendPage(response, request);
      return sendJson(response, '', { 'retry-after': '7' }, 503);
    });
    await withClient(server, { clock, concurrency: 1 }, async (client) => {
      await Promise.all(Array.from({ length: 10 }, () => client.fetchPage(FIRST)));
      const [refused = 0, next = 0] = arrivals.slice(2);
      assert.ok(next - refused >= 7_000, `${next - refused}`);
      assert.equal(arrivals.length, 11);
    });
  });

  it('ends the run at once when that is past the deadline, saying when', async () => {
    const clock = fakeClock({ wall: Date.UTC(2026, 10, 23, 1, 0, 0) });
    const server = serveHttp((response) => sendJson(response, '', { 'retry-after': '3600' }, 429));
    const deadlineAt = clock.monotonic() + 600_000;
    await withClient(server, { clock, deadlineAt }, async (client, { seen }) => {
      const says = /stay away until 2026-11-23T02:00:00\.000Z, which is past the deadline/;
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
      assert.equal(seen.length, 1);
      assert.deepEqual(clock.slept, []);
    });
  });

  it('ends the run at once when unfinished work may not wait that long', async () => {
    const clock = fakeClock({ wall: Date.UTC(2026, 10, 23, 1, 0, 0) });
    const server = serveHttp((response) => sendJson(response, '', { 'retry-after': '3600' }, 429));
    await withClient(server, { clock, giveUpAfterMs: 3_599_999 }, async (client, { seen }) => {
      const says =
        /stay away until 2026-11-23T02:00:00\.000Z, longer than unfinished work may wait/;
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
      await assert.rejects(client.fetchPage(FIRST), { retryAfterMs: 3_600_000 });
      assert.equal(seen.length, 1);
      assert.deepEqual(clock.slept, []);
    });
  });

  it('is waited for, and that is told once, when it asks for more than a minute', async () => {
    const clock = fakeClock({ mode: 'still', wall: Date.UTC(2026, 10, 23, 1, 0, 0) });
    let asked = 0;
    const server = serveHttp((response, request) => {
      asked += 1;
      if (asked > 4) return sendPage(response, request);
      return sendJson(response, '', { 'retry-after': '61' }, 503);
    });
    await withClient(server, { clock, giveUpAfterMs: 61_000 }, async (client) => {
      const pages = Promise.all(Array.from({ length: 4 }, () => client.fetchPage(FIRST)));
      await until(() => clock.sleeping === 4);
      clock.advance(61_000);
      await pages;
      const told = client.events.flatMap((event) =>
        event.type === 'log' && event.level === 'warn' ? [event.message] : [],
      );
      assert.deepEqual(told, [
        'the server answered 503 and asks to stay away: waiting until 2026-11-23T01:01:01.000Z',
        'the server answered 503: slowing down',
      ]);
    });
  });

  it('is not asked at all once the deadline has passed', async () => {
    const clock = fakeClock();
    await withClient(serveHttp(sendPage), { clock, deadlineAt: 1000 }, async (client, { seen }) => {
      const says = /the deadline has passed. Run the same command again/;
      await assert.rejects(client.fetchPage(FIRST), exits(EXIT.temporary, says));
      assert.equal(seen.length, 0);
    });
  });
});
