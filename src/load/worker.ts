import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { RecordBatchReader } from 'apache-arrow';
import { decodeBatches } from '../platform/ipc.ts';
import { errorMessage } from '../platform/worker.ts';
import { Loader } from './loader.ts';
import { LOADERS } from './loaders.ts';
import { FileBytes, Pieces } from './pieces.ts';
import type { LoaderAnswer, LoaderQuestion, LoaderRequest, LoaderTask } from './worker-messages.ts';

/** The thread behind `openRemoteLoader`: answers one request after the other. */
function serve(port: MessagePort, { formats, compression, schema }: LoaderTask): void {
  const pieces = new Pieces();
  const files = formats.map((format) => ({ format, bytes: new FileBytes(pieces) }));
  const loader = new Loader(
    RecordBatchReader.from(schema).open().schema,
    compression,
    files.map(({ format, bytes }) => ({
      definition: LOADERS[format],
      out: (chunk) => bytes.add(chunk),
    })),
  );
  let rows = 0;

  async function answer(request: LoaderQuestion): Promise<void> {
    if (request.type === 'write') {
      for (const batch of decodeBatches(request.ipc)) {
        rows += batch.numRows;
        await loader.write(batch);
      }
      const chunks = files.map(({ bytes }) => bytes.take());
      const ipc = request.ipc.buffer;
      post(port, { type: 'written', chunks, ipc }, [ipc, ...memoryOf(chunks)]);
    } else {
      await loader.finish();
      const ends = files.map(({ bytes }) => {
        const chunks = bytes.take();
        return { chunks, sha256: bytes.sha256(), rows, bytes: bytes.bytes };
      });
      post(port, { type: 'finished', files: ends }, memoryOf(ends.map(({ chunks }) => chunks)));
      port.close();
    }
  }

  // What comes behind a failure fails with it: files with a hole are of no use.
  let before = Promise.resolve();
  port.on('message', (request: LoaderRequest) => {
    if (request.type === 'recycle') {
      pieces.takeBack(request.buffers);
    } else {
      before = before.then(() => answer(request));
      before.catch((thrown) => fail(port, thrown));
    }
  });
  post(port, { type: 'ready' });
}

function fail(port: MessagePort, thrown: unknown): void {
  post(port, { type: 'failed', error: errorMessage(thrown, 'load') });
  port.close();
}

function memoryOf(chunks: readonly (readonly Uint8Array<ArrayBuffer>[])[]): ArrayBuffer[] {
  return chunks.flat().map(({ buffer }) => buffer);
}

function post(port: MessagePort, answer: LoaderAnswer, transfer: ArrayBuffer[] = []): void {
  port.postMessage(answer, transfer);
}

if (parentPort !== null) {
  const port = parentPort;
  const task: LoaderTask = workerData;
  try {
    serve(port, task);
  } catch (thrown) {
    fail(port, thrown);
  }
}
