import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { faultOfStatus } from '../../../src/extract/http/answer.ts';
import { FAULT_TRAITS, Fault, type FaultKind } from '../../../src/extract/http/faults.ts';
import {
  BUDGET,
  backoffMs,
  decide,
  type Failure,
  refund,
} from '../../../src/extract/http/retry.ts';
import { EXIT } from '../../../src/platform/errors.ts';

const kinds = fc.constantFrom(...(Object.keys(FAULT_TRAITS) as FaultKind[]));
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function failure(kind: FaultKind, more: Partial<Failure> = {}): Failure {
  const fault = new Fault(kind, 'went wrong');
  const never = Number.NEGATIVE_INFINITY;
  const forever = Number.POSITIVE_INFINITY;
  const usual = { attempts: 1, tokens: BUDGET, random: 0.5, now: 0 };
  const alike = more.attempts ?? 1;
  const patience = { pausedUntil: never, deadlineAt: forever, giveUpAfterMs: forever };
  return { fault, ...usual, alike, ...patience, ...more };
}

describe('faultOfStatus', () => {
  it('knows which statuses may pass', () => {
    const passing = Array.from({ length: 500 }, (_, i) => i + 100).filter(faultOfStatus);
    const server = Array.from({ length: 100 }, (_, i) => 500 + i);
    const permanent = new Set([501, 505]);
    assert.deepEqual(passing, [408, 425, 429, ...server.filter((s) => !permanent.has(s))]);
  });
});

describe('backoffMs', () => {
  const table: [baseMs: number, failures: number, most: number][] = [
    [500, 1, 500],
    [500, 2, 1_000],
    [500, 7, 32_000],
    [500, 8, 60_000],
    [1000, 1, 1_000],
    [1000, 6, 32_000],
    [1000, 7, 60_000],
    [1000, 2000, 60_000],
  ];
  for (const [baseMs, failures, most] of table) {
    it(`is between 0 and ${most} ms after ${failures} failures from ${baseMs} ms`, () => {
      assert.equal(backoffMs(baseMs, failures, 0), 0);
      assert.equal(backoffMs(baseMs, failures, 0.5), most / 2);
    });
  }
});

describe('decide', () => {
  it('starts from 1 s after a 429, from 0.5 s after the rest', () => {
    assert.deepEqual(decide(failure('throttled')), { kind: 'again', at: 500, cost: 5 });
    assert.deepEqual(decide(failure('overloaded')), { kind: 'again', at: 250, cost: 5 });
    assert.deepEqual(decide(failure('timeout')), { kind: 'again', at: 250, cost: 10 });
  });

  const ends: [kind: FaultKind, attempts: number, exitCode: number][] = [
    ['throttled', 8, EXIT.temporary],
    ['overloaded', 8, EXIT.temporary],
    ['failed', 8, EXIT.temporary],
    ['timeout', 8, EXIT.temporary],
    ['connection', 8, EXIT.temporary],
    ['unreachable', 3, EXIT.unavailable],
    ['no-host', 1, EXIT.unavailable],
    ['bad-certificate', 1, EXIT.unavailable],
    ['malformed', 8, EXIT.protocol],
    ['proxy-login', 1, EXIT.credentials],
    ['proxy-refusal', 1, EXIT.unavailable],
    ['garbled', 2, EXIT.protocol],
    ['short', 3, EXIT.protocol],
    ['refused', 1, EXIT.protocol],
    ['forbidden', 1, EXIT.credentials],
    ['unauthorized', 1, EXIT.credentials],
    ['invalid', 1, EXIT.config],
  ];
  for (const [kind, attempts, exitCode] of ends) {
    it(`gives up on ${kind} after ${attempts} attempts with ${exitCode}`, () => {
      for (let made = 1; made < attempts; made += 1) {
        assert.equal(decide(failure(kind, { attempts: made })).kind, 'again');
      }
      const stop = decide(failure(kind, { attempts }));
      assert.deepEqual(stop, { kind: 'stop', why: 'attempts' });
      assert.equal(FAULT_TRAITS[kind].exitCode, exitCode);
    });
  }

  it('gives up sooner what the run can do without, where the request itself may be at fault', () => {
    const most = (kind: FaultKind) => {
      let attempts = 1;
      while (decide(failure(kind, { auxiliary: true, attempts })).kind === 'again') attempts += 1;
      return attempts;
    };
    for (const kind of ['failed', 'timeout', 'connection', 'malformed'] as const)
      assert.equal(most(kind), 3, kind);
    for (const kind of ['throttled', 'overloaded'] as const) assert.equal(most(kind), 8, kind);
    const without = ['unauthorized', 'unreachable', 'no-host', 'bad-certificate'] as const;
    for (const kind of without) assert.equal(FAULT_TRAITS[kind].auxiliary, undefined, kind);
  });

  it('counts attempts that ended alike, and eight in all', () => {
    const kind = (more: Partial<Failure>) => decide(failure('short', more)).kind;
    assert.equal(kind({ attempts: 7, alike: 2 }), 'again');
    assert.equal(kind({ attempts: 7, alike: 3 }), 'stop');
    assert.equal(kind({ attempts: 8, alike: 1 }), 'stop');
  });

  it('stops at once when the budget does not pay for another attempt', () => {
    const why = (kind: FaultKind, tokens: number) => {
      const decision = decide(failure(kind, { tokens }));
      return decision.kind === 'stop' && decision.why;
    };
    assert.equal(why('failed', 4), 'budget');
    assert.equal(why('failed', 5), false);
    assert.equal(why('timeout', 9), 'budget');
    assert.equal(why('timeout', 10), false);
    assert.equal(why('malformed', 4), 'budget');
  });

  it('waits at least until the pause ends, and never past the deadline', () => {
    const times = fc.integer({ min: 0, max: 1_000_000 });
    fc.assert(
      fc.property(
        kinds,
        random,
        times,
        times,
        times,
        (kind, chance, now, pausedUntil, deadlineAt) => {
          const decision = decide(failure(kind, { random: chance, now, pausedUntil, deadlineAt }));
          if (decision.kind === 'again') {
            assert.ok(decision.at >= Math.max(now, pausedUntil));
            assert.ok(decision.at < deadlineAt);
          } else if (decision.why !== 'attempts') {
            const latest = now + FAULT_TRAITS[kind].baseMs;
            assert.ok(Math.max(latest, pausedUntil) >= deadlineAt);
          }
        },
      ),
    );
  });

  it('tells a wish that goes past the deadline from a backoff that does', () => {
    const deadlineAt = 400;
    const why = (more: Partial<Failure>) => {
      const decision = decide(failure('throttled', { deadlineAt, ...more }));
      return decision.kind === 'stop' ? decision.why : decision.kind;
    };
    assert.equal(why({ random: 0.1 }), 'again');
    assert.equal(why({ random: 0.9 }), 'deadline');
    assert.equal(why({ pausedUntil: 400 }), 'pause');
    assert.equal(why({ pausedUntil: 300, giveUpAfterMs: 299, random: 0.1 }), 'pause');
    assert.equal(why({ pausedUntil: 300, giveUpAfterMs: 300, random: 0.1 }), 'again');
    assert.equal(why({ now: 400 }), 'deadline');
  });
});

describe('the budget', () => {
  it('never holds more than it started with', () => {
    fc.assert(
      fc.property(fc.nat(BUDGET), fc.nat(10), (tokens, cost) => {
        const after = refund(tokens, cost);
        assert.ok(after > tokens || after === BUDGET);
        assert.ok(after <= BUDGET);
      }),
    );
  });

  it('ends a run against a dead server after 100 retries, 50 when it is silent', () => {
    const retries = (kind: FaultKind) => {
      let made = 0;
      for (let tokens = BUDGET; ; made += 1) {
        const decision = decide(failure(kind, { tokens }));
        if (decision.kind === 'stop') return made;
        tokens -= decision.cost;
      }
    };
    assert.equal(retries('failed'), 100);
    assert.equal(retries('timeout'), 50);
  });

  it('does not starve a run in which every request fails once', () => {
    let tokens = BUDGET;
    for (let page = 0; page < 10_000; page += 1) {
      const decision = decide(failure('failed', { tokens }));
      assert.equal(decision.kind, 'again');
      if (decision.kind === 'again') tokens = refund(tokens - decision.cost, decision.cost);
    }
    assert.equal(tokens, BUDGET);
  });
});
