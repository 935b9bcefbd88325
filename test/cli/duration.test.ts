import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatSeconds, parseDuration } from '../../src/cli/duration.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

describe('parseDuration', () => {
  it('reads a whole number and a unit', () => {
    const unit = fc.constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]));
    fc.assert(
      fc.property(fc.nat(999_999_999), unit, (amount, name) => {
        assert.equal(parseDuration(`${amount}${name}`), amount * UNITS[name]);
      }),
    );
  });

  it('refuses every other text', () => {
    for (const text of ['', '5', 's', '1.5h', '-1s', '1 h', '1h30m', '1H', ' 1h', '1h\n', '1e3s']) {
      assert.equal(parseDuration(text), undefined, JSON.stringify(text));
    }
  });
});

describe('formatSeconds', () => {
  const cases = [
    [0, '0.0 s'],
    [12.34, '12.3 s'],
    [59.94, '59.9 s'],
    [59.96, '1 min 0 s'],
    [3599.4, '59 min 59 s'],
    [3600, '1 h 00 min'],
    [7500, '2 h 05 min'],
  ] as const;
  for (const [seconds, text] of cases) {
    it(`writes ${seconds} as ${text}`, () => assert.equal(formatSeconds(seconds), text));
  }
});
