import pLimit from 'p-limit';

/** A number of tasks that may run at once; the others wait in line. */
export interface Slots {
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Waits for a slot. @returns gives it back */
  take(): Promise<() => void>;
  /** May be changed at any time; what already runs is not stopped. */
  limit: number;
}

/**
 * p-limit as a semaphore: what a task returns does not pass through its queue. That queue is a linked list whose used
 * nodes point to newer ones, so a node that has reached the old generation keeps the results after it alive until the
 * next major collection. With whole pages as results this took a fifth of the client's CPU time.
 */
export function createSlots(limit: number): Slots {
  const line = pLimit(limit);

  function take(): Promise<() => void> {
    return new Promise((taken, failed) => {
      line(() => new Promise<void>(taken)).catch(failed);
    });
  }

  return {
    take,
    async run(task) {
      const giveBack = await take();
      try {
        return await task();
      } finally {
        giveBack();
      }
    },
    get limit() {
      return line.concurrency;
    },
    set limit(value) {
      line.concurrency = value;
    },
  };
}
