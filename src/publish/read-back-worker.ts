import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../domain/worker.ts';
import { readBack } from './read-back.ts';
import type { ReadBackAnswer, ReadBackTask } from './read-back-remote.ts';

/** The thread behind `readBackRemotely`: reads one file, answers once. */
async function answer({ path, format, columns }: ReadBackTask): Promise<ReadBackAnswer> {
  try {
    return { type: 'read', found: await readBack(path, format, columns) };
  } catch (thrown) {
    return { type: 'failed', error: errorMessage(thrown, 'publish') };
  }
}

parentPort?.postMessage(await answer(workerData));
