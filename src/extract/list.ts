import { CLOSE_LIST, OPEN_LIST, SPACE } from '../json/json-scanner.ts';
import { JOB_FIELDS, type RawJob } from '../json/raw-job.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { idOf, type Ledger } from './ledger.ts';
import type { FetchPage, Page, PageAnswer, PageQuery } from './page.ts';
import type { Key } from './state.ts';

/** An order in which the server shows the list. */
export interface Order {
  readonly by: 'created_at' | 'id';
  /** What a job is ordered by; null when it cannot be told. */
  readonly keyOf: (row: RawJob) => Key | null;
  readonly hasTies: boolean;
}

const CREATED_AT = JOB_FIELDS.indexOf('created_at');

export const BY_CREATION = {
  by: 'created_at',
  keyOf: (row: RawJob) => row.instant(CREATED_AT),
  hasTies: true,
} as const satisfies Order;

export const BY_ID: Order = { by: 'id', keyOf: (row) => row.string('id') || null, hasTies: false };

/** What an export reads its list with. */
export interface ListReader {
  readonly fetchPage: FetchPage;
  readonly pageSize: number;
  readonly readAhead: {
    /** Windows that may be in flight or waiting for their turn at any time. */
    readonly windows: number;
    /** Bytes of decoded pages that may wait for their turn, in-flight windows counted by the size of recent pages. */
    readonly bytes: number;
  };
  readonly signal: AbortSignal;
}

/** What an export has asked for and seen, over all of its lists. */
export interface Seen {
  /** Pages asked for: windows of the walk, to enclose what those left open, in the order of the id, by prefix of the id. */
  readonly requests: { windows: number; enclosing: number; id: number; leaves: number };
  /** The longest list that any answer has reached. */
  longest: number;
  /** Whether the length of the list was seen to change. */
  drift: boolean;
  /** Length of the list, in the first answer and in the last; -1 before the first. */
  readonly totals: { first: number; last: number };
}

type Asked<A> = A & { readonly query: PageQuery };

export type PageRead = Asked<Page>;

/** One job that can be no row. */
interface BadJob {
  readonly kind: 'bad-job';
  readonly query: PageQuery;
  readonly reason: string;
  readonly raw: Uint8Array | null;
  /** Bytes by which it is told from others. */
  readonly known: Uint8Array;
}

/** What came for a window, or for a piece of one that had to be halved. */
export type Answer = PageRead | BadJob | Asked<Extract<PageAnswer, { kind: 'refused' }>>;

/** Whether an answer has as many jobs as were asked for: more may stand behind it. */
export function isFull({ query, rows, damaged }: PageRead): boolean {
  return rows.length + damaged.length === query.limit;
}

/** Rows that the halves of a window share. */
const HALVES_SHARE = 2;

/** One list as all ways of reading it see it: asks for its pages and takes in hand what comes. */
export class List {
  readonly reader: ListReader;
  readonly ledger: Ledger;
  readonly seen: Seen;
  /** Jobs to ask for: fewer once a page was too large. */
  pageSize: number;
  /** Jobs that the server hands out at once. */
  cap: number;
  /** Told of every answer before it is taken. */
  watch: (answer: Answer) => void = () => {};
  readonly #filter: Pick<PageQuery, 'idStartsWith'>;
  /** Bytes the next page may well have: those of the largest recent one. */
  #pageBytes = 0;

  /** @param idStartsWith only jobs whose id starts so. Default: those of the export. */
  constructor(reader: ListReader, ledger: Ledger, seen: Seen, idStartsWith?: string) {
    this.reader = reader;
    this.ledger = ledger;
    this.seen = seen;
    this.pageSize = reader.pageSize;
    this.cap = reader.pageSize;
    this.#filter = idStartsWith === undefined ? {} : { idStartsWith };
  }

  get pageBytes(): number {
    return Math.max(1, this.#pageBytes);
  }

  /** Windows that may be read at the same time: as many as the memory for pages that wait allows. */
  get atOnce(): number {
    const { windows, bytes } = this.reader.readAhead;
    return Math.max(1, Math.min(windows, Math.floor(bytes / this.pageBytes)));
  }

  /**
   * Reads one window; one that is too large or cannot be read is read in halves, down to the one job. The next are smaller
   * then, by one half at a time: it may have been a single job.
   */
  async read(wanted: PageQuery, signal = this.reader.signal): Promise<Answer[]> {
    const query = { ...wanted, ...this.#filter };
    const answer = await this.reader.fetchPage(query, signal);
    if (answer.kind === 'too-large' && query.limit > 1)
      this.pageSize = Math.min(this.pageSize, halfOf(query.limit));
    return this.#inHalves(query, answer, signal);
  }

  async #inHalves(query: PageQuery, answer: PageAnswer, signal: AbortSignal): Promise<Answer[]> {
    if (answer.kind === 'page')
      this.#pageBytes = Math.max(answer.bytes, Math.round(this.#pageBytes * 0.9));
    const { offset, limit } = query;
    if (answer.kind === 'page' || answer.kind === 'refused' || limit === 1)
      return [asked(query, answer)];
    const half = halfOf(limit);
    const second = Math.max(offset + 1, offset + half - (half > 1 ? HALVES_SHARE : 0));
    const read = async (piece: PageQuery) =>
      this.#inHalves(piece, await this.reader.fetchPage(piece, signal), signal);
    const first = await read({ ...query, limit: half });
    const rest = await read({ ...query, offset: second, limit: offset + limit - second });
    return [...first, ...heldOnce(rest, first)];
  }

  /** Asks for jobs by a prefix of their id; an answer that cannot be read is one bad job. */
  async askPrefix(idStartsWith: string, offset: number, limit: number): Promise<Answer> {
    const query: PageQuery = { offset, limit, idStartsWith, auxiliary: true };
    this.seen.requests.leaves++;
    return asked(query, await this.reader.fetchPage(query, this.reader.signal));
  }

  /** Asks for the newest jobs, to compare its total with the jobs in hand. */
  askNewest(): Promise<Answer[]> {
    this.seen.requests.leaves++;
    return this.read({ offset: 0, limit: this.pageSize, direction: 'DESC', auxiliary: true });
  }

  /** Takes the rows of an answer in hand, and sets aside what can be none. @returns the answer when it is a page */
  take(answer: Answer): PageRead | undefined {
    const { ledger } = this;
    const { query } = answer;
    const isPlaced = query.idStartsWith === undefined;
    this.watch(answer);
    if (answer.kind === 'bad-job') {
      const { reason, raw, known } = answer;
      const offset = query.direction === 'ASC' ? query.offset : null;
      const where = isPlaced ? ` (offset ${offset ?? 'unknown'})` : '';
      ledger.setAside({ reason: reason + where, offset, raw }, known);
    }
    if (answer.kind !== 'page') return undefined;
    const { rows, damaged, total } = answer;
    this.#note(answer);
    for (const row of rows) ledger.take(row);
    for (const [before, { at, reason, bytes }] of damaged.entries()) {
      const place = query.offset + at;
      const offset = query.direction === 'DESC' ? total - 1 - place : place;
      const beside = [at - before - 1, at - before].flatMap((row) => rows[row] ?? []);
      const where = ` (offset ${offset}, beside ${beside.map(idOf).join(' and ')})`;
      const placed = { reason: reason + where, offset, raw: bytes };
      ledger.setAside(isPlaced ? placed : { reason, offset: null, raw: bytes }, bytes);
    }
    return answer;
  }

  #note({ query, rows, damaged, total }: PageRead): void {
    const { seen } = this;
    seen.longest = Math.max(seen.longest, query.offset + rows.length + damaged.length);
    if (query.idStartsWith !== undefined || query.ids) return;
    if (seen.totals.first < 0) seen.totals.first = total;
    if (total !== seen.totals.first) seen.drift = true;
    seen.totals.last = total;
  }
}

function halfOf(limit: number): number {
  return Math.min(limit - 1, Math.ceil(limit / 2) + (limit > HALVES_SHARE ? 1 : 0));
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

/** An answer to a query that is not asked again in halves: what cannot be read is one job that can be no row. */
function asked(query: PageQuery, answer: PageAnswer): Answer {
  if (answer.kind === 'page' || answer.kind === 'refused') return { ...answer, query };
  if (answer.kind === 'too-large') {
    const reason = `larger than ${answer.limitBytes} bytes`;
    const start = answer.head.indexOf(OPEN_LIST) + 1;
    const known = answer.head.subarray(start, start + KNOWN_BY_BYTES);
    return { kind: 'bad-job', query, reason, raw: null, known };
  }
  const raw = recordIn(answer.bytes);
  return { kind: 'bad-job', query, reason: answer.reason, raw, known: raw };
}

/** Bytes of a record too large to be read by which it is known again. */
const KNOWN_BY_BYTES = 32 * 1024;

/** The only record of a body: what stands between its outermost brackets, white space apart. */
function recordIn(body: Uint8Array): Uint8Array {
  let start = body.indexOf(OPEN_LIST) + 1;
  let end = Math.max(start, body.lastIndexOf(CLOSE_LIST));
  while (start < end && body[start] <= SPACE) start++;
  while (start < end && body[end - 1] <= SPACE) end--;
  return body.subarray(start, end);
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
