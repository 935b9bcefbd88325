import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprint } from '../../src/run/base.ts';
import { checkOptions, type GivenOptions } from '../../src/run/options.ts';

const RUN = {
  apiUrl: 'https://api.example/core',
  credentials: { kind: 'password', username: 'someone', password: 'x' },
  filters: { status: ['DONE', 'ERROR'], minRuns: 3, errors: false },
} as const satisfies GivenOptions;

function of(change: Partial<GivenOptions>, base?: string, now = 0): string {
  return fingerprint(checkOptions({ ...RUN, ...change, region: 'fr' }, now), base);
}

describe('the fingerprint of a run', () => {
  it('is a folder name', () => {
    assert.match(of({}), /^[0-9a-f]{16}$/);
  });

  const same: [string, Partial<GivenOptions>][] = [
    ['a slash behind the URL', { apiUrl: 'https://api.example/core/' }],
    ['an upper-case host', { apiUrl: 'https://API.example/core' }],
    [
      'filters in another order',
      { filters: { errors: false, minRuns: 3, status: ['DONE', 'ERROR'] } },
    ],
    ['values in another order', { filters: { ...RUN.filters, status: ['ERROR', 'DONE'] } }],
    ['a value said twice', { filters: { ...RUN.filters, status: ['ERROR', 'DONE', 'DONE'] } }],
    ['another password', { credentials: { ...RUN.credentials, password: 'y' } }],
    ['other formats, pages and connections', { formats: ['arrow'], pageSize: 7, concurrency: 1 }],
  ];
  for (const [name, change] of same) {
    it(`stays the same with ${name}`, () => {
      assert.equal(of(change), of({}));
    });
  }

  it('stays the same on another day with a relative date, and not with the date it stands for', () => {
    const days = (startDate: string, now: number) => of({ filters: { startDate } }, undefined, now);
    assert.equal(days('-7d', 0), days('-7d', 1e9));
    assert.notEqual(days('-7d', 0), days('-8d', 0));
    assert.notEqual(days('-7d', 8 * 86_400_000), days('1970-01-02', 0));
  });

  const other: [string, Partial<GivenOptions>][] = [
    ['API', { apiUrl: 'https://api.example/other' }],
    ['account', { credentials: { ...RUN.credentials, username: 'another' } }],
    ['way to sign in', { credentials: { kind: 'token', token: 'x' } }],
    ['filter', { filters: { ...RUN.filters, origin: ['x'] } }],
    ['filter value', { filters: { ...RUN.filters, errors: true } }],
    ['number of values', { filters: { ...RUN.filters, status: ['DONE,ERROR'] } }],
    ['set of columns', { without: ['sequence'] }],
  ];
  for (const [name, change] of other) {
    it(`changes with another ${name}`, () => {
      assert.notEqual(of(change), of({}));
    });
  }

  it('changes with another base', () => {
    assert.notEqual(of({}, '20261123T020000Z-3fa2c1'), of({}));
  });
});
