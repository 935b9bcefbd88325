import type { RawJob } from '../json/raw-job.ts';
import type { OpenInterval } from './ledger.ts';
import { createdAt, idOf } from './row-key.ts';

/**
 * How the rows of a window go on from the frontier, the last row read before them:
 * - `exact`: the window starts with it, as it does while the list is still;
 * - `shifted`: it stands further down, for rows came in before it;
 * - `enclosed`: it is gone, but the window starts with an older job, so that nothing lies between them;
 * - `gap`: rows may lie between them that neither holds.
 */
export interface Link {
  readonly kind: 'exact' | 'shifted' | 'enclosed' | 'gap';
  /** Where in the window the frontier stands, -1 if nowhere. */
  readonly at: number;
  /** Creation times the two sides do not enclose together; null when they leave none open. */
  readonly open: Pick<OpenInterval, 'from' | 'to'> | null;
}

/**
 * @param rows the rows of the window, one at least
 * @param endsList whether the answer reached the end of the list: then nothing lies behind its last row
 */
export function linkWindow(frontier: RawJob, rows: readonly RawJob[], endsList: boolean): Link {
  const id = idOf(frontier);
  const at = rows.findIndex((row) => idOf(row) === id);
  const [from, first, last] = [
    createdAt(frontier),
    createdAt(rows[0]),
    createdAt(rows[rows.length - 1]),
  ];
  const startsBefore = from !== null && first !== null && first < from;
  const encloses = startsBefore && (endsList || (last !== null && from < last));
  if (at === 0) return { kind: 'exact', at, open: { from, to: from } };
  if (at > 0) return { kind: 'shifted', at, open: encloses ? null : { from, to: from } };
  if (encloses) return { kind: 'enclosed', at, open: null };
  return { kind: 'gap', at, open: { from, to: first } };
}

/** Whether the rows come in the order that was asked for; false also when a creation time cannot be read. */
export function isOrdered(rows: readonly RawJob[]): boolean {
  const times = rows.map(createdAt);
  return times.every((time, index) => {
    const before = index === 0 ? time : times[index - 1];
    return time !== null && before !== null && before <= time;
  });
}
