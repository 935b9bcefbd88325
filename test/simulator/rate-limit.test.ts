import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, jobsUrl, withSimulator } from './client.ts';
import { TokenBucket } from './http.ts';
import { RETRY_AFTER_FORMS } from './index.ts';

test('a bucket lets a burst through, then the steady rate', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 3 }, 0);
  assert.deepEqual(
    [0, 0, 0, 0].map((now) => bucket.take(now)),
    [0, 0, 0, 1],
  );
  assert.equal(bucket.take(499), 1);
  assert.equal(bucket.take(500), 0);
  assert.deepEqual(
    [100_000, 100_000, 100_000, 100_000].map((now) => bucket.take(now)),
    [0, 0, 0, 1],
  );
});

test('a slow bucket says in whole seconds when the next request will pass', () => {
  const bucket = new TokenBucket({ perSecond: 0.1 }, 0);
  assert.deepEqual(
    [bucket.take(0), bucket.take(0), bucket.take(9001), bucket.take(10_000)],
    [0, 10, 1, 0],
  );
});

const NOW = Date.UTC(2026, 0, 1);
const EXPECTED = {
  seconds: '10',
  date: 'Thu, 01 Jan 2026 00:00:10 GMT',
  garbage: 'soon, please',
  none: undefined,
} as const;

for (const retryAfter of RETRY_AFTER_FORMS) {
  test(`over the limit the answer is 429, Retry-After as ${retryAfter}`, async () => {
    const options = {
      jobs: 1,
      rateLimit: { perSecond: 0.1, retryAfter },
      now: () => NOW,
      monotonic: () => 0,
    };
    await withSimulator(options, async (simulator) => {
      assert.equal((await ask(jobsUrl(simulator))).status, 200);
      const seen = await ask(jobsUrl(simulator));
      assert.equal(seen.status, 429);
      assert.equal(seen.headers['retry-after'], EXPECTED[retryAfter]);
      if (retryAfter === 'date') assert.equal(seen.headers.date, new Date(NOW).toUTCString());
      assert.deepEqual([simulator.stats.refusals, simulator.stats.pages], [1, 1]);
    });
  });
}
