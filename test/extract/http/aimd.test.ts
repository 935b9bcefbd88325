import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Aimd,
  afterCongestion,
  afterSuccess,
  startAimd,
} from '../../../src/extract/http/concurrency.ts';

function successes(state: Aimd, count: number): Aimd {
  return Array.from({ length: count }).reduce<Aimd>((now) => afterSuccess(now, true), state);
}

describe('the concurrency limit', () => {
  it('starts at 4, or at the maximum if that is less', () => {
    assert.equal(startAimd(16).limit, 4);
    assert.equal(startAimd(3).limit, 3);
    assert.equal(startAimd(1).limit, 1);
  });

  it('doubles every window of successes until the first decrease', () => {
    const second = successes(startAimd(16), 4);
    assert.equal(second.limit, 8);
    const third = successes(second, 8);
    assert.equal(third.limit, 16);
    assert.equal(successes(third, 100).limit, 16);
  });

  it('grows by one a window after a decrease', () => {
    const slow = afterCongestion(successes(startAimd(16), 12), 0.7, 0, 1);
    assert.equal(slow.limit, 11);
    assert.equal(successes(slow, 10).limit, 11);
    assert.equal(successes(slow, 11).limit, 12);
    assert.equal(successes(slow, 11 + 11).limit, 12);
    assert.equal(successes(slow, 11 + 12).limit, 13);
  });

  it('does not grow while something else is what binds', () => {
    const idle = Array.from({ length: 100 }).reduce<Aimd>(
      (state) => afterSuccess(state, false),
      startAimd(16),
    );
    assert.deepEqual(idle, startAimd(16));
  });

  it('shrinks by its factor, down to one', () => {
    const limits = (factor: number) => {
      let state: Aimd = successes(startAimd(16), 12);
      return Array.from({ length: 8 }, (_, i) => {
        state = afterCongestion(state, factor, 2 * i, 2 * i + 1);
        return state.limit;
      });
    };
    assert.deepEqual(limits(0.7), [11, 7, 4, 2, 1, 1, 1, 1]);
    assert.deepEqual(limits(0.9), [14, 12, 10, 9, 8, 7, 6, 5]);
  });

  it('shrinks once a round trip, however many requests of it are refused', () => {
    const sent = 10;
    const once = afterCongestion(successes(startAimd(16), 12), 0.7, sent, 60);
    const rest = [60, 61, 65, 90].reduce(
      (state, now) => afterCongestion(state, 0.7, sent, now),
      once,
    );
    assert.deepEqual(rest, once);
    assert.equal(afterCongestion(rest, 0.7, 61, 110).limit, 7);
  });

  it('stays a whole number between one and the maximum', () => {
    const step = fc.record({
      success: fc.boolean(),
      binding: fc.boolean(),
      factor: fc.constantFrom(0.7, 0.9),
      trip: fc.nat(100),
    });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.array(step), (max, steps) => {
        let state = startAimd(max);
        for (const [now, { success, binding, factor, trip }] of steps.entries()) {
          const before = state.limit;
          state = success
            ? afterSuccess(state, binding)
            : afterCongestion(state, factor, now - trip, now);
          assert.ok(Number.isInteger(state.limit) && state.limit >= 1 && state.limit <= max);
          assert.ok(success ? state.limit >= before : state.limit <= before);
        }
      }),
    );
  });
});
