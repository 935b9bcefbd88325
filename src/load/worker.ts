import { parentPort, workerData } from 'node:worker_threads';
import { nodeFiles } from '../platform/node-files.ts';
import { errorMessage } from '../platform/worker.ts';
import { checkFile } from './check.ts';
import { loadInline, type ThreadMessage, type ThreadTask } from './thread.ts';

/** The thread behind `startLoader` and `checkRemotely`: does its task, answers once. */
if (parentPort !== null) {
  const port = parentPort;
  const task: ThreadTask = workerData;

  const answer = async (work: Promise<unknown>): Promise<void> => {
    try {
      port.postMessage({ type: 'done', result: await work });
    } catch (thrown) {
      port.postMessage({ type: 'failed', error: errorMessage(thrown, 'load') });
    }
    port.close();
  };

  if (task.type === 'check') await answer(checkFile(task.path, task.format, task.columns));
  else {
    const loading = loadInline(task.task, nodeFiles);
    port.on('message', async (message: ThreadMessage) => {
      try {
        const line = await loading;
        if (typeof message === 'number') line.part(message);
        else await answer(line.finish(message));
      } catch (thrown) {
        await answer(Promise.reject(thrown));
      }
    });
  }
}
