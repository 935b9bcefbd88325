import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  afterAccepted,
  afterRefusal,
  type Pace,
  rateAt,
  startPace,
} from '../../../src/extract/http/pace.ts';

/** A pace after `count` requests were taken in its first second. */
function taken(count: number): Pace {
  return Array.from({ length: count }).reduce<Pace>(
    (pace) => afterAccepted(pace, 500),
    startPace(0),
  );
}

function refusals(pace: Pace, count: number, now: number): Pace {
  return Array.from({ length: count }).reduce<Pace>(
    (p) => afterRefusal(p, now - 1, now, now),
    pace,
  );
}

describe('the pace', () => {
  it('spaces nothing until too many are refused', () => {
    const bad = refusals(taken(100), 10, 900);
    assert.equal(rateAt(bad, 900), Number.POSITIVE_INFINITY);
    assert.ok(rateAt(refusals(bad, 3, 900), 900) < 100);
  });

  it('drops to 0.7 of what was taken, is back there soon, then probes ever faster', () => {
    const slow = refusals(taken(25), 3, 999);
    const rates = [0, 500, 1000, 1233, 1500, 2000, 3000, 5000].map((ms) => rateAt(slow, 999 + ms));
    assert.ok(Math.abs((rates[0] ?? 0) - 0.7 * 25) < 0.01);
    assert.ok(rates.every((rate, i) => i === 0 || rate >= (rates[i - 1] ?? 0)));
    assert.ok(Math.abs((rates[3] ?? 0) - 25) < 0.01);
    assert.ok((rates[5] ?? 0) < 28);
    assert.ok((rates[7] ?? 0) > 200);
    assert.equal(rateAt(slow, 999 + 8_000), Number.POSITIVE_INFINITY);
  });

  it('drops once for all requests that were under way', () => {
    const slow = refusals(taken(25), 3, 999);
    assert.equal(rateAt(refusals(slow, 20, 999), 999), rateAt(slow, 999));
    assert.ok(rateAt(refusals(slow, 20, 1500), 1500) < rateAt(slow, 1500));
  });

  it('grows from the end of a pause the server asked for', () => {
    const paused = afterRefusal(refusals(taken(25), 2, 999), 998, 999, 31_000);
    assert.equal(rateAt(paused, 1_500), rateAt(paused, 31_000));
    assert.ok(rateAt(paused, 32_000) > rateAt(paused, 31_000));
  });

  it('never stops altogether, and never spaces by less than a millisecond', () => {
    const step = fc.record({ ms: fc.nat(3000), refused: fc.boolean(), trip: fc.nat(500) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        let now = 0;
        let pace = startPace(now);
        for (const { ms, refused, trip } of steps) {
          now += ms;
          pace = refused ? afterRefusal(pace, now - trip, now, now) : afterAccepted(pace, now);
          const rate = rateAt(pace, now);
          assert.ok((rate >= 1 && rate <= 1000) || rate === Number.POSITIVE_INFINITY, `${rate}`);
        }
      }),
    );
  });
});
