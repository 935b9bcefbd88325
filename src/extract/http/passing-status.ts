import type { HttpAnswer } from './exchange.ts';
import { type Failed, type FaultKind, fault } from './faults.ts';
import { parseRetryAfter } from './retry-after.ts';

/** 501 and 505 say that the server will never do it; every other 5xx may pass. */
const PERMANENT_5XX: ReadonlySet<number> = new Set([501, 505]);

/** The fault that an HTTP status stands for, or undefined when asking again is of no use. */
export function faultOfStatus(status: number): FaultKind | undefined {
  if (status === 429) return 'throttled';
  if (status === 503) return 'overloaded';
  if (status === 408 || status === 425) return 'failed';
  return status >= 500 && !PERMANENT_5XX.has(status) ? 'failed' : undefined;
}

/**
 * The fault that an answer stands for by its status, with the pause it asks for; undefined when its status is not one
 * that passes.
 *
 * @param wall wall time, milliseconds since the epoch
 */
export function passingFault(answer: HttpAnswer, wall: number): Failed | undefined {
  const kind = faultOfStatus(answer.status);
  if (kind === undefined) return undefined;
  const retryAfterMs = parseRetryAfter(answer.header('retry-after'), answer.header('date'), wall);
  const what = `the server answered ${answer.status}`;
  return fault(kind, what, retryAfterMs === undefined ? {} : { retryAfterMs });
}
