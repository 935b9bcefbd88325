import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { ColumnType } from '../../src/jobs/columns.ts';
import { fileName } from '../../src/load/output.ts';
import { batchOf, jobBatch } from '../support/batches.ts';
import { encode, openFile } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

function only(type: ColumnType) {
  return arrowSchema([{ name: 'it', type, required: false, sent: true, description: '' }]);
}

/** The lines for one column of these values. */
async function lines(type: ColumnType, values: readonly unknown[]): Promise<string[]> {
  const schema = only(type);
  const file = await encode('ndjson', schema, [batchOf(schema, values.length, { it: values })]);
  return file.toString('utf8').split('\n').slice(0, -1);
}

async function refusal(type: ColumnType, value: unknown) {
  const schema = only(type);
  const loader = await openFile('ndjson', schema);
  await loader.write(batchOf(schema, 1, { it: [value] }));
  return rejection(loader.finish());
}

describe('NDJSON', () => {
  it('has every column of every row, in order, nulls included', async () => {
    const file = await encode('ndjson', JOB_SCHEMA, [jobBatch(0, 20)]);
    const names = JOB_SCHEMA.fields.map(({ name }) => name);
    const rows = file.toString('utf8').trimEnd().split('\n');
    assert.equal(rows.length, 20);
    for (const row of rows) assert.deepEqual(Object.keys(JSON.parse(row)), names);
  });

  it('names a column as it is called', async () => {
    const name = 'a "quoted"\nname, é';
    const schema = arrowSchema([
      { name, type: 'int64', required: true, sent: true, description: '' },
    ]);
    const file = await encode('ndjson', schema, [batchOf(schema, 1, { [name]: [1n] })]);
    assert.deepEqual(JSON.parse(file.toString('utf8')), { [name]: 1 });
  });

  it('carries integers digit for digit', async () => {
    const values = [0n, 7n, -10n, 12_345n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n];
    assert.deepEqual(
      await lines('int64', values),
      values.map((value) => `{"it":${value}}`),
    );
  });

  it('writes timestamps with six digits, at any time', async () => {
    const values = [0n, -1n, 1_636_558_026_698_066n, 253_402_300_800_000_000n, 86_399_999_999n];
    assert.deepEqual(await lines('timestamp', [...values, -62_198_755_200_000_000n]), [
      '{"it":"1970-01-01T00:00:00.000000Z"}',
      '{"it":"1969-12-31T23:59:59.999999Z"}',
      '{"it":"2021-11-10T15:27:06.698066Z"}',
      '{"it":"+010000-01-01T00:00:00.000000Z"}',
      '{"it":"1970-01-01T23:59:59.999999Z"}',
      '{"it":"-000001-01-01T00:00:00.000000Z"}',
    ]);
  });

  it('keeps JSON columns as strings that hold what was sent', async () => {
    const values = ['{"a":[1e400,1.50]}', '"x"', null, '12345678901234567890'];
    assert.deepEqual(
      await lines('json', values),
      values.map((value) => `{"it":${JSON.stringify(value)}}`),
    );
  });

  it('escapes the characters at which some readers end a line, and no others', async () => {
    const ends = ['\u0085', '\u2028', '\u2029'];
    const others = ['\u0084', '\u2027', '\u202a', '\u1028', '\u3028', 'é', '€', '😀', '\u00c2'];
    for (const before of ['', 'a', 'ab', 'abc', 'x'.repeat(32_766), 'x'.repeat(32_767)]) {
      for (const text of [...ends, ...others]) {
        const [line] = await lines('string', [`${before}${text}${text}z`]);
        const code = text.charCodeAt(0).toString(16).padStart(4, '0');
        const written = ends.includes(text) ? `\\u${code}\\u${code}` : `${text}${text}`;
        assert.equal(line, `{"it":"${before}${written}z"}`);
      }
    }
  });

  it('carries strings and lists longer than any buffer of the writer', async () => {
    const long = '"\\é😀\u0001'.repeat(200_000);
    const [line, list] = [
      ...(await lines('string', [long])),
      ...(await lines('strings', [Array(300_000).fill('"')])),
    ];
    assert.ok(line === `{"it":${JSON.stringify(long)}}`);
    assert.ok(list === JSON.stringify({ it: Array(300_000).fill('"') }));
  });

  it('carries JSON longer than any buffer of the writer', async () => {
    const long = JSON.stringify('x'.repeat(1_000_000));
    const expected = `{"it":${JSON.stringify(long)}}`;
    assert.ok((await lines('json', [long, long])).every((line) => line === expected));
  });

  for (const [what, type, value] of [
    ['infinity', 'float64', Number.POSITIVE_INFINITY],
    ['what is no number', 'float64', Number.NaN],
    ['an instant past all dates', 'timestamp', 2n ** 63n - 1n],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const error = await refusal(type, value);
      assert.equal(error.exitCode, 65);
      assert.equal(error.stage, 'load');
      assert.match(error.message, /\bit\b/);
    });
  }

  it('is one gzip stream without a date when compressed', async () => {
    const jobs = [jobBatch(0, 6000)];
    const file = await encode('ndjson', JOB_SCHEMA, jobs, 'gzip');
    assert.deepEqual([...file.subarray(0, 8)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    assert.ok(file.equals(await encode('ndjson', JOB_SCHEMA, jobs, 'gzip')));
    assert.ok(gunzipSync(file).equals(await encode('ndjson', JOB_SCHEMA, jobs)));
    assert.equal(fileName('jobs', 'ndjson', 'gzip'), 'jobs.ndjson.gz');
    assert.equal(fileName('jobs', 'ndjson', 'snappy'), 'jobs.ndjson');
  });
});
