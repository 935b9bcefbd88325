import assert from 'node:assert/strict';
import test from 'node:test';
import { JOB_COLUMNS } from '../../src/jobs/columns.ts';
import { FIELD, JOB_FIELDS } from '../../src/jobs/job.ts';
import { FORM, JsonScanner } from '../../src/json/json-scanner.ts';
import { RawJob } from '../../src/json/raw-job.ts';

function listOf(text: string): RawJob[] | undefined {
  const bytes = Buffer.from(`${text}   `);
  return RawJob.scanList(new JsonScanner(bytes), bytes);
}

test('the fields of a job are the sent columns', () => {
  const sent = JOB_COLUMNS.filter((column) => column.sent).map(({ name }) => name);
  assert.deepEqual(sent.toSorted(), JOB_FIELDS.toSorted());
});

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
    job.formOf(FIELD[name]),
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
