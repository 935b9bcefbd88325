import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Field, Int32, type RecordBatch, Schema } from 'apache-arrow';
import { arrowSchema, JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import type { Compression, Format } from '../../src/jobs/pipeline.ts';
import { openRemoteLoader, type RemoteLoader } from '../../src/load/index.ts';
import { BatchEncoder } from '../../src/platform/ipc.ts';
import { batchOf, cut, jobBatch } from '../support/batches.ts';
import { encode, openFile } from '../support/encode.ts';
import { rejection } from '../support/rejection.ts';

const SECONDS = arrowSchema([
  { name: 'seconds', type: 'float64', required: true, sent: true, description: '' },
]);

function seconds(values: readonly (number | null)[]): RecordBatch {
  return batchOf(SECONDS, values.length, { seconds: values });
}

function encodeBatch(batch: RecordBatch): Uint8Array {
  return new BatchEncoder(batch.schema).encode(batch);
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** The files a loader makes of the batches, with what it says of each. Chunks are given back as they come. */
async function files(loader: RemoteLoader, batches: readonly RecordBatch[]) {
  const parts: Buffer[][] = [];
  for (const [i, batch] of batches.entries()) {
    const ipc = encodeBatch(batch);
    const sent = i % 2 === 0 ? ipc : shared(ipc);
    const grown = await loader.write(sent);
    assert.equal(sent.length, ipc.length, "the batch is still the caller's");
    parts.push(grown.map((chunks) => Buffer.concat(chunks)));
    for (const chunks of grown) {
      loader.recycle(chunks);
      assert.ok(
        chunks.every(({ byteLength }) => byteLength === 0),
        'given back',
      );
    }
  }
  const ends = await loader.finish();
  return ends.map(({ chunks, ...end }, at) => ({
    ...end,
    file: Buffer.concat([...parts.map((grown) => grown[at]), ...chunks]),
  }));
}

describe('a loader in a thread', () => {
  const batches = cut(jobBatch(0, 23_000), [2000]);

  const cases: readonly (readonly [readonly Format[], Compression | undefined])[] = [
    [['parquet'], undefined],
    [['arrow'], undefined],
    [['ndjson'], 'gzip'],
    [['ndjson', 'parquet', 'arrow'], 'none'],
  ];
  for (const [formats, compression] of cases) {
    it(`makes the same files as one in this thread: ${formats}`, async () => {
      const loader = openRemoteLoader(formats, compression);
      const made = await files(loader, batches);
      for (const [at, format] of formats.entries()) {
        const local = await encode(format, JOB_SCHEMA, batches, compression);
        const { file, sha256, rows, bytes } = made[at];
        assert.ok(file.equals(local), format);
        assert.equal(sha256, createHash('sha256').update(local).digest('hex'));
        assert.deepEqual([rows, bytes], [23_000, local.length]);
      }
      await loader.terminate();
    });
  }

  it('takes several calls at once and answers them in order', async () => {
    const loader = openRemoteLoader(['arrow', 'ndjson'], 'none');
    const order: number[] = [];
    const parts = await Promise.all(
      batches.map(async (batch, i) => {
        const [arrow, ndjson] = await loader.write(encodeBatch(batch));
        order.push(i);
        return { arrow: Buffer.concat(arrow), ndjson: Buffer.concat(ndjson) };
      }),
    );
    const [arrow, ndjson] = await loader.finish();
    assert.deepEqual(order, [...batches.keys()]);
    for (const [format, { chunks }] of [
      ['arrow', arrow],
      ['ndjson', ndjson],
    ] as const) {
      const local = await encode(format, JOB_SCHEMA, batches);
      assert.ok(Buffer.concat([...parts.map((part) => part[format]), ...chunks]).equals(local));
    }
  });

  it('fails for all formats when one fails', async () => {
    const schema = arrowSchema([
      { name: 'it', type: 'json', required: true, sent: true, description: '' },
    ]);
    const loader = openRemoteLoader(['parquet', 'ndjson', 'arrow'], 'none', schema);
    const batch = (text: string) => encodeBatch(batchOf(schema, 1, { it: [text] }));
    const first = await loader.write(batch('1'));
    assert.deepEqual(first, [[], [], []]);
    await loader.write(batch('[1,\n2]'));
    const error = await rejection(loader.finish());
    assert.match(error.message, /column it holds JSON of several lines/);
    assert.equal(error.exitCode, 65);
    assert.deepEqual(await rejection(loader.write(batch('2'))), error);
    await loader.terminate();
  });

  it('fails as one in this thread does, and once for all', async () => {
    const local = openFile('ndjson', SECONDS);
    const expected = await rejection(local.write(seconds([null])));
    const loader = openRemoteLoader(['ndjson', 'arrow'], undefined, SECONDS);
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

  it('fails when the format cannot carry a column', async () => {
    const schema = new Schema([new Field('small', new Int32(), true)]);
    const expected = await rejection(() => openFile('parquet', schema));
    const loader = openRemoteLoader(['parquet'], undefined, schema);
    assert.deepEqual(await rejection(loader.write(new Uint8Array())), expected);
    assert.deepEqual(await rejection(loader.finish()), expected);
    await loader.terminate();
  });

  it('fails on bytes that are no record batches', async () => {
    const loader = openRemoteLoader(['arrow'], undefined);
    const broken = encodeBatch(jobBatch(0, 10)).slice(0, 3000);
    const error = await rejection(loader.write(broken));
    assert.equal(error.exitCode, 70);
    assert.equal(error.stage, 'load');
  });

  it('can be stopped in the middle of its work', async () => {
    const loader = openRemoteLoader(['parquet', 'arrow'], undefined);
    const outcome = rejection(loader.write(encodeBatch(jobBatch(0, 2000))));
    await loader.terminate();
    assert.match((await outcome).message, /stopped/);
    assert.equal((await rejection(loader.finish())).exitCode, 70);
  });

  it('can be stopped after its end, and more than once', async () => {
    const loader = openRemoteLoader(['arrow'], undefined);
    const [{ rows }] = await loader.finish();
    assert.equal(rows, 0);
    await loader.terminate();
    await loader.terminate();
  });
});
