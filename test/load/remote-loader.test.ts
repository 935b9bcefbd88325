import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import { arrowSchema, JOB_SCHEMA } from '../../src/domain/arrow-schema.ts';
import { encodeBatch } from '../../src/domain/ipc.ts';
import type { Compression, Format } from '../../src/domain/pipeline.ts';
import { LOADERS, openRemoteLoaders, type RemoteLoader } from '../../src/load/index.ts';
import { batchOf, cut, jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

async function openRemoteLoader(
  format: Format,
  compression: Compression | undefined,
  schema?: Schema,
): Promise<RemoteLoader> {
  const [loader] = await openRemoteLoaders([format], compression, schema);
  return loader;
}

const SECONDS = arrowSchema([
  { name: 'seconds', type: 'float64', required: true, sent: true, description: '' },
]);

function seconds(values: readonly (number | null)[]): RecordBatch {
  return batchOf(SECONDS, values.length, { seconds: values });
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

describe('a loader in a thread', () => {
  const batches = cut(jobBatch(0, 9000), [2000]);

  const cases: readonly (readonly [Format, Compression | undefined])[] = [
    ['parquet', undefined],
    ['arrow', undefined],
    ['ndjson', 'gzip'],
  ];
  for (const [format, compression] of cases) {
    it(`makes the same file as one in this thread: ${format}`, async () => {
      const local = await encode(format, JOB_SCHEMA, batches, compression);
      const loader = await openRemoteLoader(format, compression);
      const parts: Buffer[] = [];
      for (const [i, batch] of batches.entries()) {
        const ipc = encodeBatch(batch);
        const chunks = await loader.write(i % 2 === 0 ? ipc : shared(ipc));
        parts.push(Buffer.concat(chunks));
        loader.recycle(chunks);
        assert.ok(
          chunks.every(({ byteLength }) => byteLength === 0),
          'given back',
        );
      }
      const { chunks, sha256, rows, bytes } = await loader.finish();
      const file = Buffer.concat([...parts, ...chunks]);
      assert.ok(file.equals(local));
      assert.equal(sha256, createHash('sha256').update(local).digest('hex'));
      assert.deepEqual([rows, bytes], [9000, local.length]);
      await loader.terminate();
    });
  }

  it('shares its thread with loaders of other formats, each going on when another is stopped', async () => {
    const [parquet, arrow] = await openRemoteLoaders(['parquet', 'arrow'], undefined);
    const first = await arrow.write(encodeBatch(jobBatch(0, 2000)));
    await parquet.terminate();
    const second = await arrow.write(encodeBatch(jobBatch(2000, 10)));
    const { chunks, rows } = await arrow.finish();
    await arrow.terminate();
    const local = await encode('arrow', JOB_SCHEMA, [jobBatch(0, 2000), jobBatch(2000, 10)]);
    assert.ok(Buffer.concat([...first, ...second, ...chunks]).equals(local));
    assert.equal(rows, 2010);
  });

  it('takes several calls at once and answers them in order', async () => {
    const loader = await openRemoteLoader('arrow', undefined);
    const order: number[] = [];
    const parts = await Promise.all(
      batches.map(async (batch, i) => {
        const chunks = await loader.write(encodeBatch(batch));
        order.push(i);
        return Buffer.concat(chunks);
      }),
    );
    const { chunks } = await loader.finish();
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
    const local = await encode('arrow', JOB_SCHEMA, batches);
    assert.ok(Buffer.concat([...parts, ...chunks]).equals(local));
  });

  it('fails as one in this thread does, and once for all', async () => {
    const local = LOADERS.ndjson.open(SECONDS, undefined);
    const expected = await rejection(local.write(seconds([null])));
    const loader = await openRemoteLoader('ndjson', undefined, SECONDS);
    const calls = [
      loader.write(encodeBatch(seconds([1]))),
      loader.write(encodeBatch(seconds([null]))),
      loader.write(encodeBatch(seconds([2]))),
      loader.finish(),
    ].map((call) =>
      call.then(
        () => undefined,
        (error) => error,
      ),
    );
    const [first, ...others] = await Promise.all(calls);
    assert.equal(first, undefined);
    for (const error of [...others, await rejection(loader.finish())]) {
      assert.deepEqual(error, expected);
      assert.equal(error.exitCode, expected.exitCode);
      assert.equal(error.stage, 'load');
    }
    loader.recycle([new Uint8Array(8)]);
    await loader.terminate();
  });

  it('fails at the start when the format cannot carry a column', async () => {
    const schema = new Schema([new Field('small', new Int32(), true)]);
    const expected = await rejection(() => LOADERS.parquet.open(schema, undefined));
    assert.deepEqual(await rejection(openRemoteLoader('parquet', undefined, schema)), expected);
  });

  it('fails on bytes that are no record batches', async () => {
    const loader = await openRemoteLoader('arrow', undefined);
    const broken = encodeBatch(jobBatch(0, 10)).slice(0, 3000);
    const error = await rejection(loader.write(broken));
    assert.equal(error.exitCode, 70);
    assert.equal(error.stage, 'load');
  });

  it('can be stopped in the middle of its work', async () => {
    const loader = await openRemoteLoader('parquet', undefined);
    const outcome = rejection(loader.write(encodeBatch(jobBatch(0, 2000))));
    await loader.terminate();
    assert.match((await outcome).message, /stopped/);
    assert.equal((await rejection(loader.finish())).exitCode, 70);
  });
});
