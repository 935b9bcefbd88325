import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fingerprint, type RunIdentity } from '../../src/store/fingerprint.ts';

const RUN: RunIdentity = {
  apiUrl: 'https://api.example/core',
  account: 'someone',
  filters: { status: ['DONE', 'ERROR'], minRuns: 3, errors: false },
  base: null,
  order: 'created_at ASC',
  columns: [
    { name: 'id', type: 'string' },
    { name: 'runs', type: 'int64' },
  ],
  partFormat: 1,
};

describe('the fingerprint of a run', () => {
  it('is a folder name', () => {
    assert.match(fingerprint(RUN), /^[0-9a-f]{16}$/);
  });

  const same: [string, Partial<RunIdentity>][] = [
    ['a slash behind the URL', { apiUrl: 'https://api.example/core/' }],
    ['an upper-case host', { apiUrl: 'https://API.example/core' }],
    [
      'filters in another order',
      { filters: { errors: false, minRuns: 3, status: ['DONE', 'ERROR'] } },
    ],
    ['values in another order', { filters: { ...RUN.filters, status: ['ERROR', 'DONE'] } }],
    ['a value said twice', { filters: { ...RUN.filters, status: ['ERROR', 'DONE', 'DONE'] } }],
  ];
  for (const [name, change] of same) {
    it(`stays the same with ${name}`, () => {
      assert.equal(fingerprint({ ...RUN, ...change }), fingerprint(RUN));
    });
  }

  const other: [string, Partial<RunIdentity>][] = [
    ['API', { apiUrl: 'https://api.example/other' }],
    ['account', { account: null }],
    ['base', { base: '20261123T020000Z-3fa2c1' }],
    ['filter', { filters: { ...RUN.filters, origin: ['x'] } }],
    ['filter value', { filters: { ...RUN.filters, errors: true } }],
    ['type of filter value', { filters: { ...RUN.filters, status: ['DONE,ERROR'] } }],
    ['order', { order: 'created_at DESC' }],
    ['column order', { columns: [...RUN.columns].reverse() }],
    ['column type', { columns: [{ name: 'id', type: 'json' }, ...RUN.columns.slice(1)] }],
    ['part format', { partFormat: 2 }],
  ];
  for (const [name, change] of other) {
    it(`changes with another ${name}`, () => {
      assert.notEqual(fingerprint({ ...RUN, ...change }), fingerprint(RUN));
    });
  }
});
