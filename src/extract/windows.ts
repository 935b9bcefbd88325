import type { RawJob } from '../json/raw-job.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import type { Damaged, FetchPage, PageAnswer, PageQuery } from './page.ts';

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
export interface Sizing {
  /** Jobs to ask for: fewer once a page was too large. */
  pageSize: number;
  /** Jobs that the server hands out at once. */
  cap: number;
  /** Bytes the next page may well have: those of the largest recent one. */
  pageBytes: number;
}

/** What came for a window, or for a piece of one that had to be halved. */
export type Answer =
  | {
      readonly kind: 'page';
      readonly query: PageQuery;
      readonly rows: readonly RawJob[];
      readonly damaged: readonly Damaged[];
      readonly total: number;
      readonly short: boolean;
      readonly bytes: number;
    }
  /** One job that can be no row. `known`: bytes by which it is told from others. */
  | {
      readonly kind: 'bad-job';
      readonly query: PageQuery;
      readonly reason: string;
      readonly raw: Uint8Array | null;
      readonly known: Uint8Array;
    }
  | { readonly kind: 'refused'; readonly query: PageQuery; readonly what: string };

export type PageRead = Extract<Answer, { kind: 'page' }>;

/** Whether an answer has as many jobs as were asked for: more may stand behind it. */
export function isFull({ query, rows, damaged }: PageRead): boolean {
  return rows.length + damaged.length === query.limit;
}

/** Rows that the halves of a window share. */
const HALVES_SHARE = 2;

/** Reads one window; one that is too large or cannot be read is read in halves, down to the one job. */
export async function readWindow(
  reader: ListReader,
  sizing: Sizing,
  query: PageQuery,
): Promise<Answer[]> {
  const answer = await reader.fetchPage(query, reader.signal);
  if (answer.kind === 'page')
    sizing.pageBytes = Math.max(answer.bytes, Math.round(sizing.pageBytes * 0.9));
  if (answer.kind === 'page' || answer.kind === 'refused') return [{ ...answer, query }];
  const { offset, limit } = query;
  if (limit === 1) return [badJob(query, answer)];
  const half = Math.min(limit - 1, Math.ceil(limit / 2) + (limit > HALVES_SHARE ? 1 : 0));
  if (answer.kind === 'too-large') sizing.pageSize = Math.min(sizing.pageSize, half);
  const second = Math.max(offset + 1, offset + half - (half > 1 ? HALVES_SHARE : 0));
  const first = await readWindow(reader, sizing, { ...query, limit: half });
  const rest = { ...query, offset: second, limit: offset + limit - second };
  return [...first, ...heldOnce(await readWindow(reader, sizing, rest), first)];
}

/** The jobs that came alone and came before are those that came before: each may fill a page, and halves share some. */
function heldOnce(answers: readonly Answer[], before: readonly Answer[]): Answer[] {
  const known = before.flatMap((answer) => loneRow(answer) ?? []);
  return answers.map((answer) => {
    const row = loneRow(answer);
    const same = row && known.find(({ bytes }) => bytes.equals(row.bytes));
    return answer.kind === 'page' && same ? { ...answer, rows: [same] } : answer;
  });
}

function loneRow(answer: Answer): RawJob | undefined {
  return answer.kind === 'page' && answer.rows.length === 1 ? answer.rows[0] : undefined;
}

/** A job that can be no row, from what came when it was asked for alone. */
export function badJob(
  query: PageQuery,
  answer: Extract<PageAnswer, { kind: 'too-large' | 'unreadable' }>,
): Extract<Answer, { kind: 'bad-job' }> {
  if (answer.kind === 'too-large') {
    const reason = `larger than ${answer.limitBytes} bytes`;
    const { head } = answer;
    const start = head.indexOf(OPEN_LIST) + 1;
    const known = head.subarray(start, start + KNOWN_BY_BYTES);
    return { kind: 'bad-job', query, reason, raw: null, known };
  }
  const raw = recordIn(answer.bytes);
  return { kind: 'bad-job', query, reason: answer.reason, raw, known: raw };
}

/** Bytes of a record too large to be read by which it is known again. */
const KNOWN_BY_BYTES = 32 * 1024;
const [OPEN_LIST, CLOSE_LIST] = ['[', ']'].map((bracket) => bracket.charCodeAt(0));
const SPACE = 0x20;

/** The only record of a body: what stands between its outermost brackets, white space apart. */
function recordIn(body: Uint8Array): Uint8Array {
  let start = body.indexOf(OPEN_LIST) + 1;
  let end = Math.max(start, body.lastIndexOf(CLOSE_LIST));
  while (start < end && body[start] <= SPACE) start++;
  while (start < end && body[end - 1] <= SPACE) end--;
  return body.subarray(start, end);
}

/** A stretch of the list, read window by window: where each begins is told by what the last one showed. */
export interface Lane {
  /** Position at which its next window begins. */
  offset: number;
  isDone: boolean;
}

/**
 * Reads stretches of the list side by side, one window of each at a time, and hands out answers as they come. Whoever takes
 * one says where the lane goes on, or that it is done.
 *
 * @param open the next stretch; undefined while there is none
 */
export async function* readLanes<L extends Lane>(
  reader: ListReader,
  sizing: Sizing,
  open: () => L | undefined,
  queryOf: (lane: L) => PageQuery,
): AsyncGenerator<{ lane: L; answers: readonly Answer[] }, void> {
  const { readAhead } = reader;
  const stop = new AbortController();
  const signal = AbortSignal.any([reader.signal, stop.signal]);
  const waiting: L[] = [];
  const reading = new Map<L, Promise<{ lane: L; answers: readonly Answer[] }>>();
  const hasRoom = (): boolean =>
    reading.size === 0 ||
    (reading.size < readAhead.windows && (reading.size + 1) * sizing.pageBytes <= readAhead.bytes);
  try {
    for (;;) {
      while (hasRoom()) {
        // The first lane first, so that rows come about in the order of the list.
        waiting.sort((a, b) => b.offset - a.offset);
        const lane = waiting.pop() ?? open();
        if (lane === undefined) break;
        const answers = readWindow({ ...reader, signal }, sizing, queryOf(lane));
        reading.set(
          lane,
          answers.then((read) => ({ lane, answers: read })),
        );
      }
      if (reading.size === 0) return;
      const next = await Promise.race(reading.values());
      reading.delete(next.lane);
      yield next;
      if (!next.lane.isDone) waiting.push(next.lane);
    }
  } finally {
    stop.abort(new Error('the walk ended'));
    await Promise.allSettled(reading.values());
  }
}

/** Requests that a still list takes whose jobs have creation times of their own. */
export function requestsFor(total: number, pageSize: number): number {
  const windows = Math.ceil(Math.max(0, total - pageSize) / Math.max(1, pageSize - HALVES_SHARE));
  return Math.max(1, windows) + 1;
}

/** For a server that answers with the first page whatever is asked for. */
export function offsetIgnored(offset: number): ExportError {
  return new ExportError(
    `GET jobs (offset ${offset}): the server answers with the first page whatever the offset, so that the list cannot be ` +
      'read. Check that the URL names the API itself; report it to its operators.',
    { exitCode: EXIT.protocol, stage: 'extract' },
  );
}
