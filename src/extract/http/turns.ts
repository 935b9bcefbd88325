export interface Turns {
  /** Resolves when it is the caller's turn. */
  next(): Promise<void>;
}

/** Callers let through each time round the event loop. */
const AT_ONCE = 4;

/**
 * Lets a few callers through each time round the event loop, in the order in which they came. To read a page takes a
 * millisecond: when many come at once and are read on the spot, the connections they came on lie idle meanwhile. So
 * the sockets are served first, which sends the next requests, then a few pages are read.
 */
export function createTurns(): Turns {
  let waiting: (() => void)[] = [];
  function letIn(): void {
    const [first, rest] = [waiting.slice(0, AT_ONCE), waiting.slice(AT_ONCE)];
    waiting = rest;
    if (rest.length > 0) setImmediate(letIn);
    for (const enter of first) enter();
  }
  return {
    next() {
      return new Promise((enter) => {
        if (waiting.push(enter) === 1) setImmediate(letIn);
      });
    },
  };
}
