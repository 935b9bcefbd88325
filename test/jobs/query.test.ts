import assert from 'node:assert/strict';
import test from 'node:test';
import {
  canonicalFilters,
  FILTERS,
  type FiltersOf,
  type FilterTable,
  filterParameters,
  flagOf,
  mutableFilters,
} from '../../src/jobs/query.ts';

test('filters are query parameters, lists as repeated ones', () => {
  const filters = { status: ['DONE', 'ERROR'], idStartsWith: 'ab', errors: false, minRuns: 0 };
  assert.deepEqual(filterParameters(filters), [
    ['id__starts_with', 'ab'],
    ['status', 'DONE'],
    ['status', 'ERROR'],
    ['min_runs', '0'],
    ['errors', 'false'],
  ]);
  assert.deepEqual(filterParameters({ status: [] }), []);
  assert.deepEqual(filterParameters({}), []);
});

test('the parameters are those of the API', () => {
  assert.deepEqual(
    Object.values(FILTERS).map(({ parameter }) => parameter),
    [
      ...['id', 'id__starts_with', 'batch_id', 'project_id', 'user_id', 'status'],
      ...['min_runs', 'max_runs', 'errors', 'origin', 'start_date', 'end_date'],
    ],
  );
});

test('a job can enter or leave what changes while it lives', () => {
  assert.deepEqual(
    Object.keys(FILTERS).filter((name) => mutableFilters({ [name]: 'x' }).length > 0),
    ['status', 'minRuns', 'maxRuns', 'errors', 'startDate', 'endDate'],
  );
});

test('filters that match the same jobs have one canonical form', () => {
  const one = canonicalFilters({ status: ['B', 'A', 'B'], id: ['x'], minRuns: 1 });
  assert.deepEqual(one, canonicalFilters({ minRuns: 1, id: ['x'], status: ['A', 'B'] }));
  assert.notDeepEqual(one, canonicalFilters({ minRuns: 1, id: ['x'], status: ['A'] }));
});

test('a filter more is one line more', () => {
  const table = {
    ...FILTERS,
    deviceType: { parameter: 'device_type', type: 'strings', mutable: true, help: 'Devices' },
  } as const satisfies FilterTable;
  const filters: FiltersOf<typeof table> = { deviceType: ['FRESNEL', 'EMU'], errors: true };
  assert.deepEqual(filterParameters(filters, table), [
    ['errors', 'true'],
    ['device_type', 'FRESNEL'],
    ['device_type', 'EMU'],
  ]);
  assert.equal(flagOf('deviceType'), 'device-type');
  assert.deepEqual(mutableFilters(filters, table), ['errors', 'deviceType']);
  assert.deepEqual(canonicalFilters(filters)[0], ['deviceType', ['EMU', 'FRESNEL']]);
  assert.throws(() => filterParameters(filters), /filters\.deviceType: no such filter/);
});
