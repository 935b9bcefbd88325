import type { ResourceLimits, Worker } from 'node:worker_threads';
import { describeColumns } from '../jobs/columns.ts';
import type { Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError, errorCode, messageOf } from '../platform/errors.ts';
import { type ErrorMessage, postedError, startWorker } from '../platform/worker.ts';
import type { FoundColumn, ReadBack } from './read-back.ts';

/** A file to read. */
export interface FileToRead {
  readonly path: string;
  readonly format: Format;
}

export interface ReadBackTask {
  readonly files: readonly (FileToRead & { readonly columns: readonly FoundColumn[] })[];
  /** True: the files are still being written, and messages tell how far. */
  readonly followed: boolean;
}

/** How many bytes of a file, by its index, are written; at last that all files are finished. */
export type FileGrowth = { readonly file: number; readonly bytes: number } | 'finished';

export type ReadBackAnswer =
  | { readonly type: 'read'; readonly found: readonly ReadBack[] }
  | { readonly type: 'failed'; readonly error: ErrorMessage };

/** Reads files back while they are written, so that little is left to read at the end. */
export interface Follower {
  /** Tells that the first `bytes` of a file, by its index, are written. */
  grown(file: number, bytes: number): void;
  /** To be called when every file is whole. @throws ExportError as `readBack` does */
  finish(): Promise<readonly ReadBack[]>;
  /** Stops the thread, whatever it does. Harmless after `finish`. */
  terminate(): Promise<void>;
}

/**
 * Far more than any sound file needs. A damaged one may ask for any amount: the Arrow library believes every count it
 * finds in a footer. What is read is soon garbage, and a small young generation keeps little of it at a time.
 */
const LIMITS: ResourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 12 };

/** `readBack` in a thread of its own. Same errors. */
export async function readBackRemotely(
  path: string,
  format: Format,
  columns: readonly FoundColumn[] = describeColumns(),
): Promise<ReadBack> {
  const task: ReadBackTask = { files: [{ path, format, columns }], followed: false };
  const [found] = await answerOf(startReader(task), path);
  return found;
}

/**
 * Reads the given files, which exist and are empty, behind their writers, in a thread that starts when there is something
 * to read.
 */
export function followFiles(files: readonly FileToRead[]): Follower {
  const task: ReadBackTask = {
    files: files.map((file) => ({ ...file, columns: describeColumns() })),
    followed: true,
  };
  let started: { worker: Worker; answer: Promise<readonly ReadBack[]> } | undefined;
  function tell(growth: FileGrowth): Promise<readonly ReadBack[]> {
    if (started === undefined) {
      const worker = startReader(task);
      const answer = answerOf(worker, files.map(({ path }) => path).join(', '));
      answer.catch(() => {});
      started = { worker, answer };
    }
    started.worker.postMessage(growth);
    return started.answer;
  }
  return {
    grown: (file, bytes) => void tell({ file, bytes }),
    finish: () => tell('finished'),
    async terminate() {
      await started?.worker.terminate();
    },
  };
}

function startReader(task: ReadBackTask): Worker {
  return startWorker('publish/read-back-worker', task, LIMITS);
}

function answerOf(worker: Worker, paths: string): Promise<readonly ReadBack[]> {
  return new Promise((resolve, reject) => {
    worker.once('message', (answer: ReadBackAnswer) => {
      if (answer.type === 'read') resolve(answer.found);
      else reject(postedError(answer.error));
    });
    worker.once('error', (thrown) => reject(failure(paths, thrown)));
    worker.once('exit', () => reject(failure(paths, new Error('it ended'))));
  });
}

function failure(path: string, cause: unknown): ExportError {
  if (errorCode(cause) === 'ERR_WORKER_OUT_OF_MEMORY') {
    return new ExportError(
      `${path} is damaged: to read it would take more memory than it can need`,
      {
        exitCode: EXIT.data,
        stage: 'publish',
        cause,
      },
    );
  }
  return new ExportError(`the thread that reads ${path} back failed: ${messageOf(cause)}`, {
    exitCode: EXIT.bug,
    stage: 'publish',
    cause,
  });
}
