import { createHash } from 'node:crypto';
import { type MessagePort, workerData } from 'node:worker_threads';
import { RecordBatchReader } from 'apache-arrow';
import { decodeBatches } from '../domain/ipc.ts';
import type { Loader } from '../domain/loader.ts';
import { errorMessage } from '../domain/worker.ts';
import { LOADERS } from './loaders.ts';
import { Pieces } from './pieces.ts';
import type { LoaderAnswer, LoaderQuestion, LoaderRequest, LoaderTask } from './worker-messages.ts';

/** One loader of the thread behind `openRemoteLoaders`: answers one request after the other. */
function serve(task: LoaderTask): void {
  const { port } = task;
  const pieces = new Pieces();
  const hash = createHash('sha256');
  let rows = 0;
  let bytes = 0;
  const loader = openLoader(task);
  if (loader === undefined) return;

  function count(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer>[] {
    for (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.byteLength;
    }
    return pieces.pack(chunks);
  }

  async function answer(request: LoaderQuestion, open: Loader): Promise<void> {
    if (request.type === 'write') {
      const encoded: Uint8Array[] = [];
      for (const batch of decodeBatches(request.ipc)) {
        rows += batch.numRows;
        encoded.push(...(await open.write(batch)));
      }
      const chunks = count(encoded);
      post(port, { type: 'written', chunks }, chunks);
    } else {
      const chunks = count(await open.finish());
      const file = { chunks, sha256: hash.digest('hex'), rows, bytes };
      post(port, { type: 'finished', file }, chunks);
      port.close();
    }
  }

  let before = Promise.resolve();
  port.on('message', (request: LoaderRequest) => {
    if (request.type === 'recycle') pieces.takeBack(request.buffers);
    else before = before.then(() => answer(request, loader)).catch((thrown) => fail(port, thrown));
  });
  post(port, { type: 'ready' });
}

function openLoader(task: LoaderTask): Loader | undefined {
  try {
    const { schema } = RecordBatchReader.from(task.schema).open();
    return LOADERS[task.format].open(schema, task.compression);
  } catch (thrown) {
    fail(task.port, thrown);
    return undefined;
  }
}

/** Ends the loader too: a file with a hole is of no use. */
function fail(port: MessagePort, thrown: unknown): void {
  post(port, { type: 'failed', error: errorMessage(thrown, 'load') });
  port.close();
}

function post(
  port: MessagePort,
  answer: LoaderAnswer,
  chunks: readonly Uint8Array<ArrayBuffer>[] = [],
): void {
  port.postMessage(
    answer,
    chunks.map(({ buffer }) => buffer),
  );
}

const tasks: readonly LoaderTask[] = workerData;
for (const task of tasks) serve(task);
