import type { ResourceLimits, Worker } from 'node:worker_threads';
import type { FileContents, FoundColumn } from '../jobs/columns.ts';
import type { Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError, errorCode, messageOf } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { openFilesError } from '../platform/io-errors.ts';
import { nodeFiles } from '../platform/node-files.ts';
import { type ErrorMessage, postedError, startWorker } from '../platform/worker.ts';
import type { Ending, Loaded, LoadTask } from './loader.ts';

/** What a thread is started for: to make files from the parts it is told the numbers of, or to check one file. */
export type ThreadTask =
  | { readonly type: 'load'; readonly task: LoadTask }
  | {
      readonly type: 'check';
      readonly path: string;
      readonly format: Format;
      readonly columns: readonly FoundColumn[];
    };

/** The number of a part; at last, that there are no more. */
export type ThreadMessage = number | Ending;

/** The one answer of a thread. */
export type ThreadAnswer<T> =
  | { readonly type: 'done'; readonly result: T }
  | { readonly type: 'failed'; readonly error: ErrorMessage };

/** A loader that works through the parts it is told of while others are made. */
export interface LoaderLine {
  /** Tells of the next part, which is durable. @throws the error of an earlier one */
  part(index: number): void;
  /** To be called once. @throws the first error */
  finish(ending: Ending): Promise<Loaded>;
  /** Stops it, whatever it does; its files are of no use then. Harmless after `finish`. */
  close(): Promise<void>;
}

/**
 * Far more than is ever needed. A damaged file may ask for any amount: libraries believe every count they find in a
 * footer. What is encoded and read is soon garbage, and a small young generation keeps little of it at a time.
 */
const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 };

/** Starts a loader: in a thread of its own, or, where the file system is not the real one and cannot follow, inline. */
export async function startLoader(task: LoadTask, files: FileSystem): Promise<LoaderLine> {
  return files === nodeFiles ? loadRemotely(task) : loadInline(task, files);
}

/** A loader in this thread, one part after the other. */
export async function loadInline(task: LoadTask, files: FileSystem): Promise<LoaderLine> {
  const { Loader } = await import('./loader.ts');
  const loader = new Loader(task, files);
  let last = Promise.resolve();
  let failure: { readonly error: unknown } | undefined;
  return {
    part(index) {
      if (failure !== undefined) throw failure.error;
      last = last.then(() => loader.part(index));
      last.catch((error) => {
        failure ??= { error };
      });
    },
    finish: (ending) => last.then(() => loader.finish(ending)),
    async close() {
      await last.catch(() => undefined);
      await loader.close();
    },
  };
}

function loadRemotely(task: LoadTask): LoaderLine {
  const { worker, answer } = start<Loaded>({ type: 'load', task }, 'the data files');
  let failure: { readonly error: unknown } | undefined;
  answer.catch((error) => {
    failure = { error };
  });
  const tell = (message: ThreadMessage): void => worker.postMessage(message);
  return {
    part(index) {
      if (failure !== undefined) throw failure.error;
      tell(index);
    },
    finish(ending) {
      tell(ending);
      return answer;
    },
    close: async () => void (await worker.terminate()),
  };
}

/** `checkFile` in a thread of its own. Same errors. */
export function checkRemotely(
  path: string,
  format: Format,
  columns: readonly FoundColumn[],
): Promise<FileContents> {
  return start<FileContents>({ type: 'check', path, format, columns }, path).answer;
}

function start<T>(task: ThreadTask, what: string): { worker: Worker; answer: Promise<T> } {
  const worker = startWorker('load/worker', task, LIMITS);
  const answer = new Promise<T>((resolve, reject) => {
    worker.once('message', (message: ThreadAnswer<T>) => {
      if (message.type === 'done') resolve(message.result);
      else reject(postedError(message.error));
    });
    worker.once('error', (thrown) => reject(failed(what, thrown)));
    worker.once('exit', () => reject(failed(what, new Error('it ended'))));
  });
  return { worker, answer };
}

function failed(what: string, cause: unknown): unknown {
  const known = openFilesError(cause, 'load');
  if (known !== cause) return known;
  return errorCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY'
    ? new ExportError(
        `damage in ${what}: to read it back would take more memory than it can need`,
        { exitCode: EXIT.data, stage: 'load', cause },
      )
    : new ExportError(`the thread for ${what} failed: ${messageOf(cause)}`, {
        exitCode: EXIT.bug,
        stage: 'load',
        cause,
      });
}
