import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from './query.ts';

const UUID = '0b1e5a5c-7c0f-4c5e-9d2a-0123456789ab';

function read(search: string) {
  return parseQuery(new URLSearchParams(search));
}

test('defaults are those of the reference: the newest 100', () => {
  const { query, detail } = { detail: undefined, query: undefined, ...read('') };
  assert.equal(detail, undefined);
  assert.deepEqual(
    { ...query, filters: undefined },
    { offset: 0, limit: 100, order: 'created_at', direction: 'DESC', filters: undefined },
  );
});

test('every parameter is read', () => {
  const parsed = read(
    `id=${UUID}&id__starts_with=0b&batch_id=${UUID}&batch_id=${UUID}&project_id=${UUID}&user_id=${UUID}` +
      '&status=DONE&status=TIMED_OUT&min_runs=-1&max_runs=500&errors=FALSE&origin=AZURE' +
      '&start_date=2024-01-01T00:00:00Z&end_date=2024-01-02T00:00:00%2B02:00' +
      '&order_by=creation_order&order_by_direction=ASC&limit=7&offset=21',
  );
  assert.deepEqual(parsed, {
    query: {
      offset: 21,
      limit: 7,
      order: 'creation_order',
      direction: 'ASC',
      filters: {
        id: [UUID],
        idStartsWith: '0b',
        batchId: [UUID, UUID],
        projectId: [UUID],
        userId: [UUID],
        status: ['DONE', 'TIMED_OUT'],
        minRuns: -1,
        maxRuns: 500,
        errors: false,
        origin: ['AZURE'],
        startDate: '2024-01-01T00:00:00Z',
        endDate: '2024-01-02T00:00:00+02:00',
      },
    },
  });
});

const REFUSED: readonly [string, readonly (string | number)[], string][] = [
  ['limit=0', ['query', 'limit'], 'value_error.number.not_gt'],
  ['limit=101', ['query', 'limit'], 'value_error.number.not_lt'],
  ['limit=ten', ['query', 'limit'], 'type_error.integer'],
  ['limit=', ['query', 'limit'], 'type_error.integer'],
  ['limit=1.5', ['query', 'limit'], 'type_error.integer'],
  ['offset=-1', ['query', 'offset'], 'value_error.number.not_ge'],
  ['offset=1e3', ['query', 'offset'], 'type_error.integer'],
  ['min_runs=few', ['query', 'min_runs'], 'type_error.integer'],
  ['max_runs=0x10', ['query', 'max_runs'], 'type_error.integer'],
  ['errors=maybe', ['query', 'errors'], 'type_error.bool'],
  ['status=DONE&status=Done', ['query', 'status', 1], 'type_error.enum'],
  ['origin=client', ['query', 'origin', 0], 'type_error.enum'],
  ['order_by=colour', ['query', 'order_by'], 'type_error.enum'],
  ['order_by_direction=asc', ['query', 'order_by_direction'], 'type_error.enum'],
  ['id=12', ['query', 'id', 0], 'type_error.uuid'],
  ['batch_id=x', ['query', 'batch_id', 0], 'type_error.uuid'],
  ['project_id=', ['query', 'project_id', 0], 'type_error.uuid'],
  ['id__starts_with=', ['query', 'id__starts_with'], 'value_error.any_str.min_length'],
  ['start_date=yesterday', ['query', 'start_date'], 'value_error.datetime'],
  ['end_date=2024-02-30T00:00:00Z', ['query', 'end_date'], 'value_error.datetime'],
];

for (const [search, loc, type] of REFUSED) {
  test(`${search} is refused`, () => {
    const { detail } = { detail: undefined, ...read(search) };
    assert.deepEqual(
      detail?.map((one) => [one.loc, one.type]),
      [[loc, type]],
    );
    assert.ok(detail?.[0]?.msg);
  });
}

test('a user id is any text', () => {
  const parsed = read('user_id=EQZj1ZQE&user_id=me+too');
  assert.ok('query' in parsed);
  assert.deepEqual(parsed.query.filters.userId, ['EQZj1ZQE', 'me too']);
});

test('columns to order by can be refused', () => {
  const params = new URLSearchParams('order_by=id');
  assert.ok('query' in parseQuery(params));
  const { detail } = { detail: undefined, ...parseQuery(params, ['id']) };
  assert.deepEqual(detail?.[0]?.loc, ['query', 'order_by']);
  assert.doesNotMatch(String(detail?.[0]?.msg), /'id'/);
});

test('all problems are told at once', () => {
  const { detail } = { detail: undefined, ...read('limit=0&offset=x&status=A&status=B') };
  assert.equal(detail?.length, 4);
});

test('unknown names are ignored, of a repeated single value the last counts', () => {
  const parsed = read('status[]=NONSENSE&limit=5&limit=6&whatever=1');
  assert.ok('query' in parsed);
  assert.equal(parsed.query.limit, 6);
  assert.deepEqual(parsed.query.filters.status, []);
});
