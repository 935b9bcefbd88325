import assert from 'node:assert/strict';
import test from 'node:test';
import { idOf } from '../../src/extract/ledger.ts';
import { FORM, JsonScanner } from '../../src/json/json-scanner.ts';
import { compareKeys, keyOf, RawJob } from '../../src/json/raw-job.ts';

function listOf(text: string): RawJob[] | undefined {
  const bytes = Buffer.from(`${text}   `);
  return RawJob.scanList(new JsonScanner(bytes), bytes);
}

test('fields are found in any order, whatever the other jobs of the list look like', () => {
  const jobs = listOf(
    '[{"id":"a","runs":1},{"runs":2,"id":"b"},{},{ "new" : [1, 2] , "id" :"c" },{"i\\u0064":"d","runs":null}]',
  );
  assert.deepEqual(
    jobs?.map((job) => [job.string('id'), job.json('runs'), job.hasOthers]),
    [
      ['a', '1', false],
      ['b', '2', false],
      [undefined, undefined, false],
      ['c', undefined, true],
      ['d', 'null', false],
    ],
  );
});

test('a list longer than a page keeps every row', () => {
  const ids = Array.from({ length: 1000 }, (_, at) => `job ${at}`);
  const jobs = listOf(JSON.stringify(ids.map((id) => ({ id }))));
  assert.deepEqual(
    jobs?.map((job) => job.string('id')),
    ids,
  );
});

test('of a key that comes again the last value counts, however it is spelled', () => {
  const job = RawJob.parse('{"id":"a","x":1,"\\u0069d":"b","y":2,"x":[ 3 ]}');
  assert.equal(job.string('id'), 'b');
  assert.deepEqual(
    [...job.members()],
    [
      ['id', '"b"'],
      ['x', '[3]'],
      ['y', '2'],
    ],
  );
});

test('names that only resemble a field are others', () => {
  for (const name of ['Id', 'idd', 'i', '', 'batch_ie', 'created_at ', '__proto__']) {
    const job = RawJob.parse(JSON.stringify({ [name]: 1, status: 'DONE' }));
    assert.ok(job.hasOthers, name);
    assert.equal(job.string('status'), 'DONE');
  }
});

test('text and digits are told apart', () => {
  const job = RawJob.parse(
    '{"id":"7","runs":9007199254740993,"progress":-1.50,"errors":[],"status":null}',
  );
  assert.deepEqual([job.string('id'), job.digits('id')], ['7', undefined]);
  assert.deepEqual([job.string('runs'), job.digits('runs')], [undefined, '9007199254740993']);
  assert.equal(job.digits('progress'), '-1.50');
  for (const name of ['errors', 'status', 'sequence'] as const)
    assert.deepEqual([job.string(name), job.digits(name)], [undefined, undefined]);
});

test('a value knows whether its bytes are its text', () => {
  const job = RawJob.parse('{"id":"a","status":"\\"","sequence":"\\u00e9","variables":{"a": 1}}');
  const forms = (['id', 'status', 'sequence', 'variables'] as const).map((name) =>
    job.formOf(job.fields.indexOf(name)),
  );
  assert.deepEqual(forms, [FORM.plain, FORM.escaped, FORM.unicode, FORM.spaced]);
  assert.deepEqual([job.string('status'), job.string('sequence')], ['"', 'é']);
  assert.equal(job.json('variables'), '{"a":1}');
});

test('a copy says the same in bytes of its own', () => {
  const [, job] = listOf('[{"id":"a"},{ "id": "b", "extra": [1, 2] }]') ?? [];
  const copy = job.copy();
  assert.equal(String(copy), '{"id":"b","extra":[1,2]}');
  assert.notEqual(copy.bytes.buffer, job.bytes.buffer);
});

test('what is no object is no job', () => {
  assert.equal(listOf('[{"id":"a"},7]'), undefined);
  for (const text of ['[]', '7', '', '{"id":1', '{"id":1}{}'])
    assert.throws(() => RawJob.parse(text), SyntaxError, text);
});

test('jobs are sorted by their instants, then by the UTF-8 of their ids', () => {
  const sorted = [
    '{"created_at":"0001-01-01T00:00:00Z","id":"z"}',
    '{"created_at":"2024-01-01T00:00:00+00:00","id":"a"}',
    '{"created_at":1704067200,"id":"a\\""}',
    '{"created_at":"2024-01-01t00:00:00","id":"b"}',
    '{"created_at":"1.7040672e9","id":"\\uff5e"}',
    '{"created_at":"2024-01-01T00:00:00Z","id":"\u{1f600}"}',
    '{"created_at":"2024-01-01T00:00:00.000001","id":"a"}',
    '{"created_at":"9999-12-31T23:59:59Z"}',
    '{"created_at":"soon","id":"a"}',
    '{"id":"b"}',
  ];
  const jobs = sorted.map((text) => RawJob.parse(text)).reverse();
  const back = jobs.toSorted((a, b) => compareKeys(keyOf(a), keyOf(b)));
  assert.deepEqual(back.map(String), sorted.map((text) => RawJob.parse(text)).map(String));
  assert.deepEqual(Buffer.from(keyOf(RawJob.parse('{"id":"\\ud800"}')).id).toString(), '\\ud800');
});

test('a job is told from others by what the column of ids holds', () => {
  for (const [json, id] of [
    ['"a"', 'a'],
    ['"\\u0061\\n"', 'a\n'],
    ['"\\ufeffa"', '\ufeffa'],
    ['"\ufeffa"', '\ufeffa'],
    ['"\\ud800a"', '\\ud800a'],
    ['"\\ud83d\\ude00\\udc00"', '\u{1f600}\\udc00'],
    ['""', undefined],
    ['7', undefined],
  ] as const) {
    const job = RawJob.parse(`{"id":${json}}`);
    assert.equal(job.id, id);
    if (id === undefined) assert.match(idOf(job), /^no id [0-9a-f]{64}$/);
    else assert.deepEqual([idOf(job), Buffer.from(keyOf(job).id).toString('utf8')], [id, id]);
    assert.equal(job.byteLength, Buffer.byteLength(`{"id":${json}}`));
  }
});

test('a broken list tells where it is broken', () => {
  for (const [text, at] of [
    ['[{"id":"a"},{"id":b}]', 18],
    ['[{"id":"a"},{"id"', 20],
    ['[{"id":"a\u0001"}]', 9],
  ] as const) {
    assert.throws(() => listOf(text), { name: 'NotJson', at });
  }
});
