export interface Turns {
  /** Resolves when it is the caller's turn. */
  next(): Promise<void>;
}

/**
 * Lets one caller through each time round the event loop, in the order in which they came. To read a page takes a
 * millisecond: when many come at once and are read on the spot, the connections they came on lie idle meanwhile. So
 * the sockets are served first, which sends the next requests, then one page is read.
 */
export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    next() {
      last = last.then(() => new Promise((resolve) => setImmediate(resolve)));
      return last;
    },
  };
}
