import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Binary,
  type DataType,
  DateMillisecond,
  Dictionary,
  Field,
  Float32,
  Int32,
  List,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  Uint64,
  Utf8,
} from 'apache-arrow';
import { arrowSchema, columnTypeOf, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { JOB_COLUMNS } from '../../src/jobs/columns.ts';
import { FORMATS } from '../../src/jobs/pipeline.ts';
import { openFile } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

const FOREIGN: readonly (readonly [name: string, type: DataType])[] = [
  ['a 32-bit integer', new Int32()],
  ['an unsigned integer', new Uint64()],
  ['a single-precision float', new Float32()],
  ['a date', new DateMillisecond()],
  ['a timestamp in milliseconds', new TimestampMillisecond('UTC')],
  ['a naive timestamp', new TimestampMicrosecond()],
  ['a timestamp elsewhere', new TimestampMicrosecond('Europe/Paris')],
  ['bytes', new Binary()],
  ['a dictionary', new Dictionary(new Utf8(), new Int32())],
  ['a list of numbers', new List(new Field('element', new Int32(), true))],
  ['a struct', new Struct([new Field('a', new Utf8(), true)])],
];

describe('the columns of a schema', () => {
  it('are those it was made of', () => {
    assert.deepEqual(
      JOB_SCHEMA.fields.map((field) => columnTypeOf(field)),
      JOB_COLUMNS.map(({ type }) => type),
    );
  });

  for (const [name, type] of FOREIGN) {
    it(`are refused by every loader: ${name}`, async () => {
      const schema = new Schema([...JOB_SCHEMA.fields, new Field('odd_one', type, true)]);
      for (const format of FORMATS) {
        const error = await rejection(() => openFile(format, schema));
        assert.equal(error.exitCode, 65);
        assert.equal(error.stage, 'load');
        assert.match(error.message, /odd_one/);
        assert.ok(error.message.includes(String(type)), error.message);
      }
    });
  }

  it('are refused when there are none', async () => {
    const error = await rejection(() => openFile('parquet', arrowSchema([])));
    assert.equal(error.exitCode, 65);
  });
});
