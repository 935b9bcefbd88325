import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  type Column,
  describeColumns,
  JOB_COLUMNS,
  OPTIONAL_COLUMNS,
  sentFields,
} from '../../src/jobs/columns.ts';
import { JobFields, RawJob } from '../../src/json/raw-job.ts';
import { BASE, rowOf, transformRows } from './rows.ts';

test('a column more is one line more', () => {
  const columns: readonly Column[] = [
    ...JOB_COLUMNS,
    { name: 'priority', type: 'float64', required: false, sent: true, description: '' },
    { name: 'is_urgent', type: 'bool', required: true, sent: true, description: '' },
    {
      name: 'age',
      type: 'string',
      required: false,
      sent: false,
      derive: (row) => `${row.instant('created_at')} ${row.text('status')}`,
      description: '',
    },
  ];
  const fields = new JobFields(sentFields(columns));
  const text = JSON.stringify({ ...BASE, priority: 2.5, is_urgent: true, other: 1 });
  const without = JSON.stringify({ ...BASE, priority: '2', is_urgent: null });
  const jobs = [text, without].map((json) => RawJob.parse(json, fields));
  const { batch, rejects } = transformRows(jobs, columns);
  assert.deepEqual(
    ['priority', 'is_urgent', 'age', 'extra'].map((name) => batch.getChild(name)?.get(0)),
    [2.5, true, '1709287200000001 DONE', '{"other":1}'],
  );
  assert.deepEqual(
    rejects.map(({ reason }) => reason),
    ['is_urgent: missing'],
  );
  assert.deepEqual(describeColumns(columns).at(-1), {
    name: 'age',
    type: 'string',
    required: false,
  });
  assert.equal(
    transformRows([RawJob.parse(text)])
      .batch.getChild('extra')
      ?.get(0),
    '{"priority":2.5,"is_urgent":true,"other":1}',
  );
});

test('what is left out shows nowhere; all else is as it is with it', () => {
  const odd = {
    parent_id: 7,
    runs: 'many',
    updated_at: 'yesterday',
    start_timestamp: '1999-01-01T00:00:00Z',
    end_timestamp: { at: 1 },
    variables: { half: '\udc00' },
    sequence: ['no text'],
    device: 'later',
  };
  const cells = Object.entries(odd).map(([name, value]) => [name, fc.constant(value)] as const);
  const errors = fc.constantFrom(null, 'none', ['one', '\ud800']);
  const changes = fc.record({ ...Object.fromEntries(cells), errors }, { requiredKeys: [] });
  const names = fc.subarray(OPTIONAL_COLUMNS.filter((name) => name !== 'extra'));
  fc.assert(
    fc.property(changes, names, (change, without) => {
      const whole = rowOf(change);
      const isKept = ([name]: readonly [string, unknown]) => !without.includes(name);
      const extra = Object.entries(JSON.parse(String(whole.extra)) ?? {}).filter(isKept);
      const flags = [whole.anomalies]
        .flat()
        .filter((flag) => isKept([String(flag).split(':')[1], 0]));
      assert.deepEqual(rowOf(change, without), {
        ...Object.fromEntries(Object.entries(whole).filter(isKept)),
        anomalies: flags,
        extra: extra.length === 0 ? null : JSON.stringify(Object.fromEntries(extra)),
      });
    }),
  );
  assert.deepEqual(Object.keys(rowOf({ ...odd, errors: [] }, OPTIONAL_COLUMNS)), [
    ...['id', 'batch_id', 'project_id', 'status', 'created_at', 'updated_at', 'anomalies'],
  ]);
});
