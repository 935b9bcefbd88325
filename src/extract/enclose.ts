import type { RawJob } from '../json/raw-job.ts';
import type { Ledger, OpenInterval } from './ledger.ts';
import { isOrdered } from './link.ts';
import { endsList, type ListReader, readWhole } from './read-windows.ts';
import { createdAt } from './row-key.ts';

/** Answers one interval may take without getting anywhere. */
const READS_WITHOUT_PROGRESS = 8;

/** What enclosing the open intervals came to. */
export interface EncloseOutcome {
  readonly spanned: number;
  /** False when an interval could not be enclosed: a tie longer than a page, a list out of order, no creation time. */
  readonly allSpanned: boolean;
}

/**
 * Reads around every interval that the walk left open until one answer starts before it and ends after it. Jobs are
 * ordered by creation time, which never changes, so such an answer holds every job inside the interval whatever was
 * inserted, deleted or swapped among ties at other moments. Missing jobs are handed out.
 */
export async function* encloseAll(
  reader: ListReader,
  ledger: Ledger,
): AsyncGenerator<RawJob[], EncloseOutcome> {
  const intervals = ledger.open.splice(0);
  const atOnce = reader.readAhead.windows;
  let spanned = 0;
  for (let start = 0; start < intervals.length; start += atOnce) {
    const group = intervals.slice(start, start + atOnce);
    const results = await Promise.all(group.map((interval) => enclose(reader, ledger, interval)));
    for (const [index, { missing, enclosed }] of results.entries()) {
      if (missing.length > 0) yield missing;
      if (enclosed) spanned++;
      else ledger.open.push(group[index]);
    }
  }
  return { spanned, allSpanned: ledger.open.length === 0 };
}

async function enclose(
  reader: ListReader,
  ledger: Ledger,
  interval: OpenInterval,
): Promise<{ missing: RawJob[]; enclosed: boolean }> {
  const missing: RawJob[] = [];
  const { from, to } = interval;
  if (from === null || to === null) return { missing, enclosed: false };
  const [start, high] = from < to ? [from, to] : [to, from];
  let low = start;
  const half = Math.max(1, Math.floor(reader.pageSize / 2));
  let offset = Math.max(0, interval.offset - half);
  for (let idle = 0; idle < READS_WITHOUT_PROGRESS; idle++) {
    const windows = await readWhole(reader, { offset, limit: reader.pageSize });
    const window = windows[0];
    const { rows, total } = window.page;
    ledger.noteTotal(window.page);
    if (rows.length === 0) {
      if (total === 0) return { missing, enclosed: true };
      offset = Math.max(0, total - half);
      continue;
    }
    if (!isOrdered(rows)) break;
    missing.push(...ledger.takeMissing(rows));
    const [first, last] = [createdAt(rows[0]), createdAt(rows[rows.length - 1])];
    if (first === null || last === null) break;
    if (offset > 0 && first >= low) {
      offset = Math.max(0, offset - half);
      continue;
    }
    if (endsList(window) || last > high) return { missing, enclosed: true };
    if (last > low) {
      low = last;
      idle = 0;
    }
    const next = offset + rows.findIndex((row) => createdAt(row) === low) - 1;
    if (next <= offset) break;
    offset = next;
  }
  return { missing, enclosed: false };
}
