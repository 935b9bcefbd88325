import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parse } from 'lossless-json';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { RawJob } from '../../src/json/raw-job.ts';
import { readRejectLine, rejectLine } from '../../src/transform/reject-line.ts';
import { transformRows } from '../../src/transform/transform-rows.ts';
import { rawJob } from '../support/raw-jobs.ts';

const TOMORROW = 1_795_000_000_000_000n;
const BASE = {
  id: '00000000-0000-4000-8000-000000000001',
  batch_id: 'b',
  project_id: 'p',
  status: 'DONE',
  runs: 100,
  created_at: '2024-03-01T10:00:00.000001',
  updated_at: '2024-03-01T11:00:00Z',
  start_timestamp: '2024-03-01T10:00:30.500001+00:00',
  end_timestamp: '2024-03-01T12:01:00+02:00',
  errors: null,
  variables: { omega: [1, 2.5], phase: null },
  progress: 100,
  creation_order: 3,
};

function rowOf(change: Record<string, unknown>): Record<string, unknown> {
  const { batch, rejects } = transformRows([rawJob({ ...BASE, ...change })], TOMORROW);
  assert.deepEqual(rejects, []);
  assert.equal(batch.numRows, 1);
  return Object.fromEntries(
    batch.schema.fields.map(({ name }, at) => {
      const column = batch.getChildAt(at);
      const isTime = name.endsWith('_at') || name.endsWith('_timestamp');
      const value: unknown =
        isTime && column?.isValid(0) ? column.data[0].values[0] : column?.get(0);
      return [name, name === 'errors' || name === 'anomalies' ? listOf(value) : value];
    }),
  );
}

function listOf(value: unknown): unknown {
  return value === null ? null : [...(Object(value) as Iterable<unknown>)];
}

function anomaliesOf(change: Record<string, unknown>): unknown {
  return rowOf(change).anomalies;
}

test('a plain job becomes a plain row', () => {
  assert.deepEqual(rowOf({}), {
    id: BASE.id,
    batch_id: 'b',
    project_id: 'p',
    status: 'DONE',
    parent_id: null,
    slurm_job_id: null,
    runs: 100n,
    progress: 100n,
    creation_order: 3n,
    created_at: parseTimestamp('2024-03-01T10:00:00.000001'),
    updated_at: parseTimestamp('2024-03-01T11:00:00'),
    start_timestamp: parseTimestamp('2024-03-01T10:00:30.500001'),
    end_timestamp: parseTimestamp('2024-03-01T10:01:00'),
    queue_seconds: 30.5,
    run_seconds: 29.499999,
    total_seconds: 59.999999,
    is_final: true,
    errors: null,
    error_count: 0n,
    variables: '{"omega":[1,2.5],"phase":null}',
    sequence: null,
    extra: null,
    anomalies: [],
  });
});

test('null and absent stay null, [] stays []', () => {
  const row = rowOf({ errors: [], variables: undefined, runs: null, start_timestamp: null });
  assert.deepEqual([row.errors, row.error_count, row.variables, row.runs], [[], 0n, null, null]);
  assert.deepEqual(
    [row.queue_seconds, row.run_seconds, row.total_seconds],
    [null, null, 59.999999],
  );
});

test('integers of 64 bits are exact, whatever their spelling', () => {
  for (const [text, expected] of [
    ['9007199254740993', 9007199254740993n],
    ['9223372036854775807', 9223372036854775807n],
    ['-9223372036854775808', -9223372036854775808n],
    ['2e3', 2000n],
    ['500.0', 500n],
    ['9007199254740993.00', 9007199254740993n],
    ['90071992547409930E-1', 9007199254740993n],
  ] as const) {
    assert.equal(rowOf({ runs: parse(text) }).runs, expected);
  }
});

test('a value of another type is set to null, flagged, and kept raw in extra', () => {
  for (const [field, text] of [
    ['runs', '"7"'],
    ['runs', '1.5'],
    ['runs', '9007199254740993.5'],
    ['runs', '1e400'],
    ['runs', '9223372036854775808'],
    ['progress', '{"percent":3}'],
    ['parent_id', '5'],
    ['sequence', '{"a":9007199254740993}'],
    ['errors', '"boom"'],
    ['errors', '["a",5]'],
    ['updated_at', '"2023-02-30T00:00:00Z"'],
    ['end_timestamp', 'true'],
  ]) {
    const row = rowOf({ [field]: parse(text) });
    assert.equal(row[field], null, `${field} ${text}`);
    assert.deepEqual(row.anomalies, [`unparsable:${field}`]);
    assert.equal(row.extra, `{"${field}":${text}}`);
  }
});

test('unknown fields are kept digit for digit, prototype names included', () => {
  const unknown = '{"__proto__":{"a":1},"constructor":[9007199254740993],"queue_seconds":"mine"}';
  const job = RawJob.parse(`${JSON.stringify(BASE).slice(0, -1)},${unknown.slice(1)}`);
  const { batch } = transformRows([job], TOMORROW);
  assert.equal(batch.getChild('extra')?.get(0), unknown);
});

test('anomalies name what a careful reader should know', () => {
  assert.deepEqual(anomaliesOf({ status: 'TELEPORTED' }), ['unknown_status']);
  assert.deepEqual(anomaliesOf({ start_timestamp: '2024-03-01T09:00:00' }), [
    'start_before_created',
  ]);
  assert.deepEqual(anomaliesOf({ end_timestamp: '2024-03-01T10:00:10' }), ['end_before_start']);
  assert.deepEqual(anomaliesOf({ end_timestamp: '21636558026.698066' }), [
    'implausible:end_timestamp',
  ]);
  assert.deepEqual(anomaliesOf({ updated_at: '2014-12-31T23:59:59.999999Z' }), [
    'implausible:updated_at',
  ]);
  assert.deepEqual(anomaliesOf({ updated_at: '2015-01-01T00:00:00Z' }), []);
});

test('a negative duration is kept', () => {
  assert.equal(rowOf({ end_timestamp: '2024-03-01T10:00:10.500001Z' }).run_seconds, -20);
});

test('a row without a usable required column is set aside with the whole record', () => {
  for (const [field, value, reason] of [
    ['id', undefined, 'id: missing'],
    ['id', '', 'id: missing'],
    ['batch_id', 7, 'batch_id: not a string'],
    ['project_id', null, 'project_id: missing'],
    ['status', {}, 'status: not a string'],
    ['created_at', '2023-02-30T00:00:00Z', 'created_at: not a timestamp'],
  ] as const) {
    const bad = { ...BASE, [field]: value };
    const { batch, rejects } = transformRows([BASE, bad, BASE].map(rawJob), TOMORROW);
    assert.equal(batch.numRows, 2);
    assert.deepEqual(
      rejects.map((reject) => ({ ...reject, record: String(reject.record) })),
      [{ reason, record: JSON.stringify(bad) }],
    );
  }
});

test('a reject keeps numbers digit for digit and half a surrogate pair as its escape', () => {
  const record = RawJob.parse('{ "id":"\\ud83d", "runs":9007199254740993}');
  const line = rejectLine({ reason: 'a ","record": reason', record });
  assert.equal(
    line,
    '{"reason":"a \\",\\"record\\": reason","record":{"id":"\\ud83d","runs":9007199254740993}}\n',
  );
  const read = readRejectLine(line.trimEnd());
  assert.equal(read.reason, 'a ","record": reason');
  assert.equal(String(read.record), String(record));
});

test('half a surrogate pair sets the row aside, even where two halves meet across rows', () => {
  const high = { ...BASE, sequence: 'a\ud83d' };
  const low = { ...BASE, sequence: '\ude00b', errors: ['fine'] };
  const inErrors = { ...BASE, errors: ['ok', '\ud83d'] };
  const whole = { ...BASE, sequence: '\u{1f600}' };
  const { batch, rejects } = transformRows(
    [whole, high, low, inErrors, whole].map(rawJob),
    TOMORROW,
  );
  assert.equal(batch.numRows, 2);
  assert.deepEqual(
    rejects.map(({ record }) => String(record)),
    [high, low, inErrors].map((record) => JSON.stringify(record)),
  );
  assert.equal(batch.getChild('sequence')?.get(1), '\u{1f600}');
});

test('half a surrogate pair inside variables is kept as its escape', () => {
  assert.equal(rowOf({ variables: { a: '\ud83d' } }).variables, '{"a":"\\ud83d"}');
});

test('a value may be nested as deeply as it likes', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const job = RawJob.parse(`${JSON.stringify(BASE).slice(0, -1)},"variables":${deep}}`);
  const { batch } = transformRows([job], TOMORROW);
  assert.equal(batch.getChild('variables')?.get(0), deep);
});

test('any JSON value in variables survives', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      assert.equal(rowOf({ variables: parse(text) }).variables, value === null ? null : text);
    }),
  );
});

test('any strings and lists survive in any mixture of rows', () => {
  const text = fc.option(fc.string({ unit: 'binary' }), { nil: null });
  const rows = fc.array(
    fc.record({ sequence: text, errors: fc.option(fc.array(text), { nil: null }) }),
  );
  fc.assert(
    fc.property(rows, (changes) => {
      const { batch } = transformRows(
        changes.map((change) => rawJob({ ...BASE, ...change })),
        TOMORROW,
      );
      const [sequence, errors] = [batch.getChild('sequence'), batch.getChild('errors')];
      for (const [at, change] of changes.entries()) {
        assert.equal(sequence?.get(at), change.sequence);
        assert.deepEqual(listOf(errors?.get(at)), change.errors);
      }
    }),
  );
});
