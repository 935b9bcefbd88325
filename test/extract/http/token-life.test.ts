import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { lifetimeMs, usableMs } from '../../../src/extract/http/sign-in.ts';

const WALL = Date.UTC(2026, 0, 1);

function jwt(claims: unknown): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.signature`;
}

describe('the life of a token', () => {
  const cases: [name: string, expiresIn: unknown, token: string, ms: number | undefined][] = [
    ['expires_in', 3600, 'opaque', 3_600_000],
    ['expires_in as text', '3600', 'opaque', 3_600_000],
    ['expires_in before exp', 60, jwt({ exp: WALL / 1000 + 3600 }), 60_000],
    ['exp', undefined, jwt({ exp: WALL / 1000 + 3600 }), 3_600_000],
    ['exp, the answer being odd', 'soon', jwt({ exp: WALL / 1000 + 3600 }), 3_600_000],
    ['nothing', undefined, 'opaque', undefined],
    ['exp in the past', undefined, jwt({ exp: 1 }), undefined],
    ['exp as text', undefined, jwt({ exp: 'never' }), undefined],
    ['zero', 0, 'opaque', undefined],
    ['more than a number holds', 1e306, 'opaque', undefined],
    ['no JSON inside', undefined, 'a.b.c', undefined],
    ['null inside', undefined, jwt(null), undefined],
  ];
  for (const [name, expiresIn, token, ms] of cases) {
    it(`is known from ${name}`, () => assert.equal(lifetimeMs(expiresIn, token, WALL), ms));
  }

  it('is never known to be negative or endless, whatever the token', () => {
    fc.assert(
      fc.property(fc.string(), fc.anything(), (token, expiresIn) => {
        const ms = lifetimeMs(expiresIn, `x.${token}.y`, WALL);
        assert.ok(ms === undefined || (ms > 0 && Number.isFinite(ms)));
      }),
    );
  });

  const renewals: [lifetime: number | undefined, usable: number][] = [
    [3_600_000, 3_540_000],
    [120_000, 60_000],
    [60_000, 30_000],
    [10_000, 5_000],
    [undefined, Number.POSITIVE_INFINITY],
  ];
  for (const [lifetime, usable] of renewals) {
    it(`of ${lifetime} ms asks for a new one at ${usable} ms`, () => {
      assert.equal(usableMs(lifetime), usable);
    });
  }
});
