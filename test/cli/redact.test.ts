import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from '../../src/cli/screen.ts';

describe('the redactor', () => {
  it('blanks out every known secret, as it is, in a URL, in a form and in JSON', () => {
    const secret = fc.string({ minLength: 4, maxLength: 40, unit: 'binary' });
    fc.assert(
      fc.property(secret, fc.string(), (value, around) => {
        const redactor = createRedactor();
        redactor.hide(value);
        const form = new URLSearchParams({ password: value }).toString();
        for (const shown of [value, encodeURIComponent(value), form, JSON.stringify({ value })]) {
          const cleaned = redactor.clean(`${around}|${shown}|${around}`);
          assert.ok(cleaned.includes('[hidden]'), shown);
        }
        assert.equal(redactor.clean(`<${value}>`), '<[hidden]>');
      }),
    );
  });

  it('blanks out the longer of two secrets that begin alike', () => {
    const redactor = createRedactor();
    redactor.hide('abcd');
    redactor.hide('abcdefgh');
    assert.equal(redactor.clean('abcdefgh abcd'), '[hidden] [hidden]');
  });

  it('blanks out what looks like a bearer token or a JSON Web Token', () => {
    const { clean } = createRedactor();
    assert.equal(clean('authorization: Bearer a.b-c='), 'authorization: [hidden]');
    assert.equal(clean('got eyJhbGciOiJI.eyJzdWIi.sig_-x here'), 'got [hidden] here');
  });

  it('leaves words and names of variables behind "bearer" alone', () => {
    const { clean } = createRedactor();
    for (const line of [
      'set the bearer token PASQAL_TOKEN.',
      'a bearer PASQAL_TOKEN: expected',
      'without "Bearer" or quotes',
    ]) {
      assert.equal(clean(line), line);
    }
    assert.equal(clean('Bearer abc123'), '[hidden]');
  });

  it('leaves everything else alone', () => {
    const redactor = createRedactor();
    redactor.hide('');
    redactor.hide('abc');
    const line = 'abc: GET /api/v2/jobs?offset=99 answered 503';
    assert.equal(redactor.clean(line), line);
  });
});
