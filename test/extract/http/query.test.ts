import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pagePaths, requestLineBytes } from '../../../src/extract/http/query.ts';
import type { Filters } from '../../../src/jobs/pipeline.ts';
import { serveHttp } from '../../support/http-servers.ts';
import { FIRST, PATH, sendPage, withClient } from './jobs-api.ts';

const EVERYTHING: Required<Filters> = {
  id: ['a'],
  idStartsWith: '3f',
  batchId: ['b1', 'b2'],
  projectId: ['p'],
  userId: ['u'],
  status: ['DONE', 'ERROR'],
  minRuns: 0,
  maxRuns: 100,
  errors: false,
  origin: ['CLIENT'],
  startDate: '2026-01-01T00:00:00+02:00',
  endDate: '2026-02-01T00:00:00Z',
};

function parsed(path: string): [string, string][] {
  return [...new URL(path, 'http://api').searchParams];
}

describe('the query of a page', () => {
  it('has order, limit and offset first', () => {
    assert.equal(
      pagePaths('/x', {})({ offset: 200, limit: 50 }),
      '/x?order_by=created_at&order_by_direction=ASC&limit=50&offset=200',
    );
  });

  it('has every filter under the name the API gives it, lists as repeated keys', () => {
    assert.deepEqual(parsed(pagePaths('/x', EVERYTHING)(FIRST)).slice(4), [
      ['id', 'a'],
      ['id__starts_with', '3f'],
      ['batch_id', 'b1'],
      ['batch_id', 'b2'],
      ['project_id', 'p'],
      ['user_id', 'u'],
      ['status', 'DONE'],
      ['status', 'ERROR'],
      ['min_runs', '0'],
      ['max_runs', '100'],
      ['errors', 'false'],
      ['origin', 'CLIENT'],
      ['start_date', '2026-01-01T00:00:00+02:00'],
      ['end_date', '2026-02-01T00:00:00Z'],
    ]);
  });

  it('has the prefix of the page in place of the filter', () => {
    const pathOf = pagePaths('/x', EVERYTHING);
    const prefixes = (path: string) => parsed(path).filter(([name]) => name === 'id__starts_with');
    const page = { ...FIRST, idStartsWith: '3fa' };
    assert.deepEqual(prefixes(pathOf(page)), [['id__starts_with', '3fa']]);
    assert.deepEqual(prefixes(pathOf(FIRST)), [['id__starts_with', '3f']]);
    assert.deepEqual(prefixes(pagePaths('/x', {})(page)), [['id__starts_with', '3fa']]);
  });

  it('has the order and the ids of the page, in place of the filter', () => {
    const page = { ...FIRST, orderBy: 'id', direction: 'DESC', ids: ['x', 'y'] } as const;
    assert.deepEqual(parsed(pagePaths('/x', { id: ['a'], status: ['DONE'] })(page)), [
      ['order_by', 'id'],
      ['order_by_direction', 'DESC'],
      ['limit', '100'],
      ['offset', '0'],
      ['id', 'x'],
      ['id', 'y'],
      ['status', 'DONE'],
    ]);
  });

  it('tells the length of its request line', () => {
    const url = 'http://api/core-fast/';
    const path = `${PATH}?order_by=created_at&order_by_direction=ASC&limit=100&offset=0&id=%C3%A9`;
    const bytes = requestLineBytes(url, {}, { ...FIRST, ids: ['é'] });
    assert.equal(bytes, `GET ${path} HTTP/1.1\r\n`.length);
  });

  it('carries any text through to the server', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (values) => {
        const path = pagePaths('/x', { batchId: values })(FIRST);
        assert.match(path, /^[\x21-\x7e]+$/);
        assert.deepEqual(
          parsed(path).slice(4),
          values.map((value) => ['batch_id', value.toWellFormed()]),
        );
      }),
    );
  });

  it('is what the server gets', () =>
    withClient(serveHttp(sendPage), { filters: { status: ['DONE'] } }, async (client, { seen }) => {
      await client.fetchPage({ offset: 100, limit: 100, idStartsWith: 'a' });
      const [request] = seen;
      const query = 'order_by=created_at&order_by_direction=ASC&limit=100&offset=100';
      assert.equal(request?.url, `${PATH}?${query}&id__starts_with=a&status=DONE`);
      assert.equal(request?.method, 'GET');
      assert.equal(request?.headers['user-agent'], 'test/1');
      assert.equal(request?.headers.authorization, undefined);
    }));
});
