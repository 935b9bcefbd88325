import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Resident bytes of the process below which nothing is done: small exports pay for nothing. */
const ENOUGH = 240e6;
/** Bytes that may become garbage between two collections. */
const BETWEEN = 10e6;

let collector: (() => void) | undefined;
let since = 0;

/**
 * Has this thread's garbage collected once the process is large and much was let go since the last time. Left to itself
 * V8 lets up to 64 MB of buffers wait in each thread, since it counts only the small objects that hold them:
 * docs/decisions.md, "Memory".
 *
 * @param bytes of buffers that were let go of
 */
export function letGo(bytes: number): void {
  since += bytes;
  if (since < BETWEEN || process.memoryUsage.rss() < ENOUGH) return;
  since = 0;
  collector ??= findCollector();
  collector();
}

/** The collector of V8, which is there for contexts made once the flag is set. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? () => found() : () => undefined;
}
