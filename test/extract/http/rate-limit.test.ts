import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import pLimit from 'p-limit';
import { Admission } from '../../../src/extract/http/concurrency.ts';
import { Fault } from '../../../src/extract/http/faults.ts';
import { retry, startRetryState, stayAway } from '../../../src/extract/http/retry.ts';
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts';
import { serveHttp } from '../../support/http-servers.ts';
import { FIRST, sendJson, sendPage, withClient } from './jobs-api.ts';

/** A server's rate limit: a token bucket, in simulated time; without a limit from `liftedAt` on. */
function tokenBucket(clock: FakeClock, perSecond: number, capacity: number, liftedAt = Infinity) {
  let tokens = capacity;
  let last = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    if (now >= liftedAt) return true;
    tokens = Math.min(capacity, tokens + ((now - last) / 1000) * perSecond);
    last = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

/** Even, but not regular: what a test needs of chance. */
function sequence(): () => number {
  let x = 0;
  return () => {
    x = (x + 0.618034) % 1;
    return x;
  };
}

interface Simulation {
  readonly pages: number;
  readonly latencyMs: number;
  readonly take: (clock: FakeClock) => () => boolean;
  readonly retryAfterMs?: number;
}

/** Runs the real admission and retry code in simulated time. */
async function simulate({ pages, latencyMs, take, retryAfterMs = 0 }: Simulation) {
  const clock = fakeClock();
  const takes = take(clock);
  const patience = { deadlineAt: Infinity, giveUpAfterMs: Infinity };
  const state = startRetryState(patience, { clock, random: sequence(), emit: () => {} });
  const admission = new Admission(16, state);
  const finished: number[] = [];
  let most = 0;
  const attempt = (signal: AbortSignal) =>
    admission.run({ request: 'GET /', signal }, async () => {
      most = Math.max(most, admission.inFlight);
      await clock.sleep(latencyMs / 2);
      const taken = takes();
      await clock.sleep(latencyMs / 2);
      if (taken) return finished.push(clock.monotonic());
      stayAway(state, retryAfterMs, 'answered 429');
      throw new Fault('throttled', 'answered 429');
    });
  const page = () => {
    const { signal } = new AbortController();
    return retry({ request: 'GET /', signal }, state, () => attempt(signal));
  };
  const places = pLimit(16);
  await Promise.all(Array.from({ length: pages }, () => places(page)));
  return { seconds: (clock.monotonic() - 1000) / 1000, refused: state.retries, finished, most };
}

describe('a server that takes 25 requests a second', () => {
  for (const latencyMs of [2, 50, 200]) {
    for (const retryAfterMs of [undefined, 1000]) {
      const asking = retryAfterMs === undefined ? 'says nothing' : 'asks for a second';
      it(`is drained at its own speed: ${latencyMs} ms away, ${asking}`, async () => {
        const take = (clock: FakeClock) => tokenBucket(clock, 25, 25);
        const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
        const { seconds, finished } = await simulate({ pages: 500, latencyMs, take, ...wait });
        assert.equal(finished.length, 500);
        assert.ok(seconds < 1.5 * (500 / 25), `${seconds} s`);
      });
    }
  }

  it('is back at full speed within ten seconds of the limit being lifted', async () => {
    const liftedAt = 11_000;
    const take = (clock: FakeClock) => tokenBucket(clock, 25, 25, liftedAt);
    const { finished } = await simulate({ pages: 4000, latencyMs: 50, take });
    const inSecond = (start: number) =>
      finished.filter((at) => at >= start && at < start + 1000).length;
    assert.ok(inSecond(liftedAt - 2000) < 40);
    const full = 16 * (1000 / 50);
    assert.ok(inSecond(liftedAt + 10_000) > 0.95 * full, `${inSecond(liftedAt + 10_000)}`);
  });

  it('is drained by real requests too, and told of once', async () => {
    const clock = fakeClock();
    const takes = tokenBucket(clock, 25, 25);
    const server = serveHttp((response, request) => {
      if (takes()) return sendPage(response, request);
      return sendJson(response, '', { 'retry-after': '1' }, 429);
    });
    await withClient(server, { clock, random: sequence() }, async (client) => {
      await Promise.all(Array.from({ length: 200 }, () => client.fetchPage(FIRST)));
      assert.ok(client.stats.retries > 0);
      const warnings = client.events.filter(
        (event) => event.type === 'log' && event.level === 'warn',
      );
      assert.equal(warnings.length, 1);
    });
  });
});

describe('a server without a limit', () => {
  it('is drained nearly as fast as by sixteen workers from the start', async () => {
    const run = { pages: 1011, latencyMs: 50, take: () => () => true };
    const { seconds, most, refused } = await simulate(run);
    assert.ok(seconds <= 1.1 * Math.ceil(1011 / 16) * 0.05, `${seconds} s`);
    assert.equal(most, 16);
    assert.equal(refused, 0);
  });
});
