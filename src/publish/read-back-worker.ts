import { on } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../platform/worker.ts';
import { loadReader, type ReadBack, readBack } from './read-back.ts';
import type { FileGrowth, ReadBackAnswer, ReadBackTask } from './read-back-remote.ts';

/** The thread behind `readBackRemotely` and `followFiles`: reads its files, answers once. */
async function answer(
  port: MessagePort,
  { files, followed }: ReadBackTask,
): Promise<ReadBackAnswer> {
  try {
    return { type: 'read', found: await (followed ? follow(port, files) : readAll(files)) };
  } catch (thrown) {
    return { type: 'failed', error: errorMessage(thrown, 'publish') };
  }
}

/** One after the other: together they would hold the memory of all. */
async function readAll(
  files: ReadBackTask['files'],
  early: readonly (Promise<ReadBack> | undefined)[] = [],
): Promise<ReadBack[]> {
  const found: ReadBack[] = [];
  for (const [at, { path, format, columns }] of files.entries())
    found.push(await (early[at] ?? readBack(path, format, columns)));
  return found;
}

/** Arrow and plain NDJSON can be read while they are written; only its end tells what is in a Parquet file. */
async function follow(port: MessagePort, files: ReadBackTask['files']): Promise<ReadBack[]> {
  const messages = on(port, 'message');
  const growing = files.map(() => new Growth());
  const early = files.map(({ path, format, columns }, at) =>
    format === 'parquet' || path.endsWith('.gz')
      ? undefined
      : readBack(path, format, columns, growing[at].sizes()),
  );
  for (const reading of early) reading?.catch(() => {});
  await Promise.all(files.map(({ format }) => loadReader(format)));
  for await (const [message] of messages) {
    const growth: FileGrowth = message;
    if (growth === 'finished') break;
    growing[growth.file].grow(growth.bytes);
  }
  for (const growth of growing) growth.end();
  return readAll(files, early);
}

/** The size of a file as it grows, for who reads behind the writer. Only the latest size counts. */
class Growth {
  #size = 0;
  #ended = false;
  #wake: () => void = () => {};

  grow(size: number): void {
    this.#size = size;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *sizes(): AsyncGenerator<number> {
    for (let told = 0; ; ) {
      if (this.#size > told) {
        told = this.#size;
        yield told;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

if (parentPort !== null) {
  const port = parentPort;
  port.postMessage(await answer(port, workerData));
  port.close();
}
