import { JOB_COLUMNS } from '../domain/columns.ts';
import { EXIT, ExportError, messageOf } from '../domain/errors.ts';
import type { Format } from '../domain/pipeline.ts';
import { type ErrorMessage, postedError, startWorker } from '../domain/worker.ts';
import type { FoundColumn, ReadBack } from './read-back.ts';

export interface ReadBackTask {
  readonly path: string;
  readonly format: Format;
  readonly columns: readonly FoundColumn[];
}

export type ReadBackAnswer =
  | { readonly type: 'read'; readonly found: ReadBack }
  | { readonly type: 'failed'; readonly error: ErrorMessage };

/** `readBack` in a thread of its own, so that the files of a snapshot are read at the same time. Same errors. */
export function readBackRemotely(
  path: string,
  format: Format,
  columns: readonly FoundColumn[] = JOB_COLUMNS,
): Promise<ReadBack> {
  const task: ReadBackTask = { path, format, columns };
  return new Promise((resolve, reject) => {
    const worker = startWorker('./read-back-worker', import.meta.url, task);
    worker.once('message', (answer: ReadBackAnswer) => {
      if (answer.type === 'read') resolve(answer.found);
      else reject(postedError(answer.error));
    });
    worker.once('error', (thrown) => reject(died(path, messageOf(thrown), thrown)));
    worker.once('exit', () => reject(died(path, 'it ended')));
  });
}

function died(path: string, how: string, cause?: unknown): ExportError {
  return new ExportError(`the thread that reads ${path} back failed: ${how}`, {
    exitCode: EXIT.bug,
    stage: 'publish',
    cause,
  });
}
