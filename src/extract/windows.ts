/** A run of consecutive positions of the list, read by one request. */
export interface Window {
  readonly offset: number;
  readonly limit: number;
}

/** Neighbouring windows share this many rows: the last of one is the first of the next, the seam. */
export const OVERLAP = 1;

/**
 * The window that goes on where `[0, covered)` ends. It starts with the last covered row, unless it holds one row only:
 * then nothing can be shared.
 */
export function windowAfter(covered: number, limit: number): Window {
  return { offset: limit > OVERLAP ? Math.max(0, covered - OVERLAP) : covered, limit };
}

/** The position behind a window's last. */
export function endOf({ offset, limit }: Window): number {
  return offset + limit;
}

/** The windows that cover `[0, total)`, each overlapping the next by one row. At least one, so that a total is learnt. */
export function planWindows(total: number, pageSize: number): Window[] {
  const windows: Window[] = [];
  let covered = 0;
  do {
    const window = windowAfter(covered, pageSize);
    windows.push(window);
    covered = endOf(window);
  } while (covered < total);
  return windows;
}

/**
 * Requests an export costs at most while the list does not change: the windows and, where there is more than one, the
 * newest job before the walk and the tail again after it.
 */
export function requestsAtMost(total: number, pageSize: number): number {
  return planWindows(total, pageSize).length + (total > pageSize ? 2 : 0);
}
