import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { parse } from 'lossless-json';
import { parseTimestamp } from '../../src/jobs/timestamp.ts';
import { RawJob } from '../../src/json/raw-job.ts';
import { rawJob } from '../support/raw-jobs.ts';
import { duckdb } from '../support/read-snapshot.ts';
import { BASE, listOf, rowOf, transformRows } from './rows.ts';

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
  const { batch } = transformRows([job]);
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
    const { batch, rejects } = transformRows([BASE, bad, BASE].map(rawJob));
    assert.equal(batch.numRows, 2);
    assert.deepEqual(
      rejects.map((reject) => ({ ...reject, record: String(reject.record) })),
      [{ reason, record: JSON.stringify(bad) }],
    );
  }
});

test('a reject keeps numbers digit for digit and half a surrogate pair as its escape', () => {
  const { rejects } = transformRows([RawJob.parse('{ "id":"\\ud83d", "runs":9007199254740993}')]);
  assert.deepEqual(
    rejects.map(({ record }) => String(record)),
    ['{"id":"\\ud83d","runs":9007199254740993}'],
  );
});

test('half of a surrogate pair is kept as its escape in every column, and flagged', () => {
  const half = '\ud83d';
  for (const [change, column, expected] of [
    [{ id: `a${half}` }, 'id', 'a\\ud83d'],
    [{ sequence: `${half}\u{1f600}\n` }, 'sequence', '\\ud83d\u{1f600}\n'],
    [{ errors: ['ok', half, null] }, 'errors', ['ok', '\\ud83d', null]],
    [{ variables: { a: [half] } }, 'variables', '{"a":["\\\\ud83d"]}'],
    [
      { variables: { [half]: { '\udc00': '\\' } } },
      'variables',
      '{"\\\\ud83d":{"\\\\udc00":"\\\\"}}',
    ],
    [{ variables: half }, 'variables', '"\\\\ud83d"'],
    [{ other: { [half]: 1 } }, 'extra', '{"other":{"\\\\ud83d":1}}'],
    [{ [half]: 1 }, 'extra', '{"\\\\ud83d":1}'],
  ] as const) {
    const row = rowOf(change);
    assert.deepEqual(row[column], expected);
    assert.deepEqual(row.anomalies, [`lone_surrogate:${column}`]);
  }
  const raw = rowOf({ runs: half });
  assert.equal(raw.extra, '{"runs":"\\\\ud83d"}');
  assert.deepEqual(raw.anomalies, ['unparsable:runs', 'lone_surrogate:extra']);
});

test('two halves that meet across rows stay halves', () => {
  const [high, low] = [
    { ...BASE, sequence: 'a\ud83d' },
    { ...BASE, sequence: '\ude00b' },
  ];
  const { batch } = transformRows([high, low].map(rawJob));
  assert.deepEqual([...(batch.getChild('sequence') ?? [])], ['a\\ud83d', '\\ude00b']);
  assert.deepEqual([...(batch.getChild('anomalies') ?? [])].map(listOf), [
    ['lone_surrogate:sequence'],
    ['lone_surrogate:sequence'],
  ]);
});

test('whole pairs and escapes that only look like halves are no halves', () => {
  for (const json of [
    '"\\ud83d\\ude00"',
    '"\\\\ud83d"',
    '"\\\\\\\\ud800"',
    '"\\u00e9\\ud7ff\\ue000"',
  ]) {
    const job = RawJob.parse(
      `${JSON.stringify(BASE).slice(0, -1)},"sequence":${json},"variables":[${json}]}`,
    );
    const { batch } = transformRows([job]);
    assert.equal(batch.getChild('sequence')?.get(0), JSON.parse(json));
    assert.equal(batch.getChild('variables')?.get(0), `[${json}]`);
    assert.deepEqual(listOf(batch.getChild('anomalies')?.get(0)), []);
  }
});

test('JSON columns are JSON to DuckDB, whatever the jobs hold', async () => {
  const rows = [
    ['{"Omega":1,"omega":2}', '$.omega', '2'],
    ['{"name":"x\\ud800y"}', '$.name', 'x\\ud800y'],
    ['{"a":1e400,"b":9007199254740993}', '$.b', '9007199254740993'],
    ['{"__proto__":{"a":1},"constructor":[]}', '$.constructor', '[]'],
    ['{"a":"\\u0000\\u2028"}', '$.a', '\0\u2028'],
    ['{"\\udfff":{"\\ud800":[null]}}', '$."\\\\udfff"', '{"\\\\ud800":[null]}'],
  ];
  const cells = rows.map(([json, path]) => {
    const job = RawJob.parse(`${JSON.stringify(BASE).slice(0, -1)},"variables":${json}}`);
    const cell = String(transformRows([job]).batch.getChild('variables')?.get(0));
    const [text, place] = [cell, path].map((part) => `'${part.replaceAll("'", "''")}'`);
    return `(json_valid(${text}), ${text} ->> ${place})`;
  });
  const found = await duckdb(`SELECT * FROM (VALUES ${cells.join()}) AS t(valid, value)`);
  assert.deepEqual(
    found.map(({ valid, value }) => [valid, value]),
    rows.map(([, , value]) => [true, value]),
  );
});

test('times outside the years 1 to 9999 are null, flagged, and kept raw; in created_at they set the row aside', () => {
  for (const text of ['"0000-12-31T23:59:59Z"', '253402300800', '1e400', '"-1e300"']) {
    const row = rowOf({ updated_at: parse(text) });
    assert.deepEqual([row.updated_at, row.anomalies], [null, ['unparsable:updated_at']]);
    assert.equal(row.extra, `{"updated_at":${text}}`);
    const { rejects } = transformRows([rawJob({ ...BASE, created_at: parse(text) })]);
    assert.equal(rejects[0]?.reason, 'created_at: not a timestamp');
  }
  assert.deepEqual(anomaliesOf({ updated_at: '9999-12-31T23:59:59.999999Z' }), [
    'implausible:updated_at',
  ]);
  assert.deepEqual(anomaliesOf({ updated_at: '2100-01-01T00:00:00Z' }), ['implausible:updated_at']);
  assert.deepEqual(anomaliesOf({ updated_at: '2099-12-31T23:59:59.999999Z' }), []);
});

test('an epoch with an exponent is exact', () => {
  for (const value of ['1.7040672005e9', parse('17040672005E-1'), parse('1704067200500000000e-9')])
    assert.equal(rowOf({ updated_at: value }).updated_at, 1_704_067_200_500_000n);
});

test('a value may be nested as deeply as it likes', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  const job = RawJob.parse(`${JSON.stringify(BASE).slice(0, -1)},"variables":${deep}}`);
  const { batch } = transformRows([job]);
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
      const { batch } = transformRows(changes.map((change) => rawJob({ ...BASE, ...change })));
      const [sequence, errors] = [batch.getChild('sequence'), batch.getChild('errors')];
      for (const [at, change] of changes.entries()) {
        assert.equal(sequence?.get(at), change.sequence);
        assert.deepEqual(listOf(errors?.get(at)), change.errors);
      }
    }),
  );
});

test('escapes of two characters survive at any place, the last included', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', 'bc', 'é', '"', '\\', '\n', '\t'),
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
      const { batch } = transformRows(texts.map((sequence) => rawJob({ ...BASE, sequence })));
      assert.deepEqual(
        texts.map((_, row) => batch.getChild('sequence')?.get(row)),
        texts,
      );
    }),
  );
});
