import { EXIT, ExportError } from '../platform/errors.ts';
import type { FetchPage, Page, PageAnswer } from './page.ts';
import { endOf, type Window, windowAfter } from './windows.ts';

/** A window with the answer that was read for it. */
export interface ReadWindow extends Window {
  readonly page: Page;
}

export interface ReadAhead {
  /** Windows that may be in flight or waiting for their turn at any time. */
  readonly windows: number;
  /** Bytes of decoded pages that may wait for their turn, in-flight windows counted by the size of recent pages. */
  readonly bytes: number;
}

/** What one pass over the list works with. */
export interface ListReader {
  readonly fetchPage: FetchPage;
  readonly pageSize: number;
  readonly readAhead: ReadAhead;
  readonly signal: AbortSignal;
}

/** What has been learnt about the size of pages; it changes as answers come in. */
export interface PageSizing {
  /** Jobs to ask for: fewer once a page was too large. */
  pageSize: number;
  /** Bytes the next page may well have: those of the largest recent one. */
  pageBytes: number;
}

export function learnSize(sizing: PageSizing, windows: readonly ReadWindow[]): void {
  for (const { limit, page } of windows) {
    if (windows.length > 1) sizing.pageSize = Math.min(sizing.pageSize, limit);
    sizing.pageBytes = Math.max(page.bytes, Math.round(sizing.pageBytes * 0.9));
  }
}

/** A window as asked for; several once it turned out too large and was halved. */
interface Pending {
  readonly answer: Promise<ReadWindow[]>;
  settled: ReadWindow[] | undefined;
}

/**
 * Reads the windows from position `from` to the end of the list, concurrently, and hands them out in order.
 * Windows are planned one at a time, so that neither the total (it may grow) nor the page size (it may shrink) is
 * settled beforehand. At most `readAhead` is read but not yet handed out.
 *
 * @param total the latest known length of the list, asked again before each window is planned
 */
export async function* readWindows(
  reader: ListReader,
  sizing: PageSizing,
  from: number,
  total: () => number,
): AsyncGenerator<ReadWindow, void> {
  const { readAhead } = reader;
  const stop = new AbortController();
  const signal = AbortSignal.any([reader.signal, stop.signal]);
  const queue: Pending[] = [];
  let covered = from;

  const start = (window: Window): Pending => {
    const pending: Pending = {
      answer: readWhole({ ...reader, signal }, window),
      settled: undefined,
    };
    pending.answer.then(
      (windows) => {
        pending.settled = windows;
        learnSize(sizing, windows);
      },
      () => {},
    );
    return pending;
  };
  const heldBytes = (): number =>
    queue.reduce((sum, { settled }) => sum + (settled ? bytesOf(settled) : sizing.pageBytes), 0);
  const hasRoom = (): boolean =>
    queue.length === 0 ||
    (queue.length < readAhead.windows && heldBytes() + sizing.pageBytes <= readAhead.bytes);

  try {
    while (queue.length > 0 || covered < total()) {
      while (covered < total() && hasRoom()) {
        const window = windowAfter(covered, sizing.pageSize);
        queue.push(start(window));
        covered = endOf(window);
      }
      const windows = await queue[0].answer;
      queue.shift();
      yield* windows;
    }
  } finally {
    stop.abort(new Error('the walk ended'));
    await Promise.allSettled(queue.map(({ answer }) => answer));
  }
}

/**
 * Reads the start of the list: as many jobs as asked for, or half as many as often as they are too large for a page.
 *
 * @throws ExportError (76) when a single job is larger than a page may be
 */
export async function readStart(reader: ListReader, limit: number): Promise<ReadWindow> {
  const window = { offset: 0, limit };
  const page = wholePage(await reader.fetchPage(window, reader.signal), window);
  if (page.kind === 'page') return { ...window, page };
  if (limit === 1) throw tooLarge(window, page);
  return readStart(reader, Math.ceil(limit / 2));
}

/**
 * Reads one window; one that is too large is read in halves, which overlap like any two windows.
 *
 * @throws ExportError (76) when a single job is larger than a page may be
 */
export async function readWhole(reader: ListReader, window: Window): Promise<ReadWindow[]> {
  const page = wholePage(await reader.fetchPage(window, reader.signal), window);
  if (page.kind === 'page') return [{ ...window, page }];
  if (window.limit === 1) throw tooLarge(window, page);
  const first = {
    offset: window.offset,
    limit: window.limit > 2 ? Math.ceil((window.limit + 1) / 2) : 1,
  };
  const offset = windowAfter(endOf(first), first.limit).offset;
  const second = { offset, limit: endOf(window) - offset };
  return [...(await readWhole(reader, first)), ...(await readWhole(reader, second))];
}

/** Whether an answer reached the end of the list as of that answer. */
export function endsList({ offset, page }: ReadWindow): boolean {
  return offset + page.rows.length >= page.total;
}

type WholePage = Page | Extract<PageAnswer, { kind: 'too-large' }>;

/** @throws ExportError (76) when the page misses jobs that it should hold */
export function wholePage(answer: PageAnswer, { offset }: { offset: number }): WholePage {
  if (answer.kind === 'too-large') return answer;
  if (answer.kind === 'page' && !answer.short && answer.damaged.length === 0) return answer;
  const what = answer.kind === 'page' ? 'misses jobs that it should hold' : `is ${answer.kind}`;
  throw new ExportError(`The page at offset ${offset} ${what}.`, {
    exitCode: EXIT.protocol,
    stage: 'extract',
  });
}

function tooLarge({ offset }: Window, { limitBytes }: { limitBytes: number }): ExportError {
  return new ExportError(
    `The job at offset ${offset} is larger than ${limitBytes} bytes, the most one page may hold. ` +
      'Exclude it with a filter, or ask the API team how it came to be.',
    { exitCode: EXIT.protocol, stage: 'extract' },
  );
}

function bytesOf(windows: readonly ReadWindow[]): number {
  return windows.reduce((sum, { page }) => sum + page.bytes, 0);
}
