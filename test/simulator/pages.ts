import type { PageFault } from './faults.ts';
import { UNREADABLE } from './oddities.ts';
import type { JobQuery } from './query.ts';
import type { JobStore } from './store.ts';

/** A job of the store by its slot, or a JSON text sent as it is. */
export type Row = number | string;

/** A page before it is bytes. What a fault may falsify is JSON text. */
export interface PageAnswer {
  readonly rows: readonly Row[];
  /** The `pagination` object, its total as JSON text; undefined to leave it out. */
  readonly pagination:
    | { readonly total: string; readonly start: number; readonly end: number }
    | undefined;
  /** Value of the Content-Range header, or undefined to leave it out. */
  readonly contentRange: string | undefined;
  /** JSON text of `code`. */
  readonly code: string;
}

interface Block {
  readonly bytes: Buffer;
  /** Where each row of the block ends; between two rows there is one comma. */
  readonly ends: readonly number[];
}

/** Consecutive slots encoded together. */
const BLOCK_ROWS = 64;
/** Beyond this many pieces, copying them into one costs less than sending each. */
const FEW_PIECES = 16;
/** Bytes sent at once. */
const SLICE = 1024 * 1024;
const COMMA = Buffer.from(',');

/**
 * Encodes pages. Rows that were generated and never touched are kept encoded, in blocks, until the budget is used up;
 * then the blocks there are stay, because exports read a list from end to end and evicting would lose them all.
 */
export class PageEncoder {
  readonly #store: JobStore;
  readonly #generated: number;
  readonly #blocks = new Map<number, Block>();
  #bytesLeft: number;

  /** @param cacheBytes most bytes of encoded rows to keep; 0 keeps none */
  constructor(store: JobStore, cacheBytes: number) {
    this.#store = store;
    this.#generated = store.generated;
    this.#bytesLeft = cacheBytes;
  }

  /** The whole body of a page. */
  encode(answer: PageAnswer): Buffer {
    return Buffer.concat([...this.chunks(answer)]);
  }

  /** The body of a page in a few pieces: encoded rows that are kept are not copied. */
  pieces(answer: PageAnswer): readonly Buffer[] {
    const pieces = [...this.chunks(answer)];
    return pieces.length <= FEW_PIECES ? pieces : [Buffer.concat(pieces)];
  }

  /** The body of a page piece by piece, for pages too large to be held at once. */
  *chunks(answer: PageAnswer): Generator<Buffer> {
    const { rows, pagination, code } = answer;
    yield Buffer.from(`{"status":"success","message":"OK.","code":${code},"data":[`);
    for (let i = 0; i < rows.length; ) {
      if (i > 0) yield COMMA;
      const length = this.#runFrom(rows, i);
      yield* sliced(this.#bytesOf(rows[i], length));
      i += length;
    }
    yield Buffer.from(`]${paginationMember(pagination)}}`);
  }

  /** Encodes as many rows as the budget allows before the first request. */
  warm(): void {
    for (let slot = 0; slot < this.#generated && this.#bytesLeft > 0; slot += BLOCK_ROWS) {
      this.#block(slot);
    }
  }

  /** How many rows from a position on lie side by side in one block. */
  #runFrom(rows: readonly Row[], position: number): number {
    const first = rows[position];
    if (typeof first === 'string' || !this.#isKept(first)) return 1;
    let length = 1;
    while ((first + length) % BLOCK_ROWS !== 0 && rows[position + length] === first + length) {
      if (!this.#isSteady(first + length)) break;
      length += 1;
    }
    return length;
  }

  #bytesOf(row: Row, length: number): Buffer {
    if (typeof row === 'string') return bytesOf(row);
    const block = this.#isKept(row) ? this.#block(row) : undefined;
    if (block === undefined) return bytesOf(this.#store.text(row));
    const inBlock = row % BLOCK_ROWS;
    const start = inBlock === 0 ? 0 : block.ends[inBlock - 1] + 1;
    return block.bytes.subarray(start, block.ends[inBlock + length - 1]);
  }

  /** True when the row's text is final and its block is, or may still be, kept. */
  #isKept(slot: number): boolean {
    if (slot >= this.#generated || !this.#isSteady(slot)) return false;
    return this.#bytesLeft > 0 || this.#blocks.has(Math.floor(slot / BLOCK_ROWS));
  }

  #isSteady(slot: number): boolean {
    return this.#store.isPristine(slot) && !this.#store.isBulky(slot);
  }

  #block(slot: number): Block {
    const index = Math.floor(slot / BLOCK_ROWS);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = this.#encodeBlock(index * BLOCK_ROWS);
      this.#blocks.set(index, block);
      this.#bytesLeft -= block.bytes.length;
    }
    return block;
  }

  #encodeBlock(firstSlot: number): Block {
    const lastSlot = Math.min(firstSlot + BLOCK_ROWS, this.#generated) - 1;
    const texts: string[] = [];
    for (let slot = firstSlot; slot <= lastSlot; slot++) {
      texts.push(this.#store.isBulky(slot) ? '' : this.#store.text(slot));
    }
    const joined = texts.join(',');
    const bytes = bytesOf(joined);
    const isAscii = bytes.length === joined.length;
    let end = -1;
    const ends = texts.map((text) => {
      end += 1 + (isAscii ? text.length : Buffer.byteLength(text));
      return end;
    });
    return { bytes, ends };
  }
}

/** UTF-8 but for the byte that `UNREADABLE` asks for. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (text.includes(UNREADABLE)) {
    for (let at = bytes.indexOf(UNREADABLE); at >= 0; at = bytes.indexOf(UNREADABLE, at + 1)) {
      bytes[at + 3] = 0xff;
    }
  }
  return bytes;
}

/** A large piece in small ones, so that a client that leaves ends the sending. */
function* sliced(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}

function paginationMember(pagination: PageAnswer['pagination']): string {
  if (pagination === undefined) return '';
  const { total, start, end } = pagination;
  return `,"pagination":{"total":${total},"start":${start},"end":${end}}`;
}

/** Limits a server may put on what it tells: on the total, and on how far an offset reaches. */
export interface Caps {
  readonly totalCap?: number;
  readonly reachCap?: number;
}

/** The answer the contract asks for: a window of the list as of now. */
export function honestPage(store: JobStore, query: JobQuery, caps: Caps = {}): PageAnswer {
  const { totalCap = Number.POSITIVE_INFINITY, reachCap = Number.POSITIVE_INFINITY } = caps;
  const { offset, limit } = query;
  const { total: all, slots: reached } = store.window(query);
  const total = Math.min(all, totalCap);
  const slots = reached.slice(0, Math.max(0, reachCap - offset));
  return {
    rows: slots,
    // `end` is where the window would end, not where the rows do: so the platform's own answers have it.
    pagination: { total: String(total), start: offset, end: offset + limit },
    contentRange:
      slots.length === 0 ? `0-0/${total}` : `${offset + 1}-${offset + slots.length}/${total}`,
    code: '"200"',
  };
}

/** The same answer with one thing wrong or unusual about it. */
export function spoilPage(
  fault: PageFault,
  honest: PageAnswer,
  store: JobStore,
  query: JobQuery,
): PageAnswer {
  const { rows, pagination } = honest;
  const withTotal = (total: string): PageAnswer => ({
    ...honest,
    pagination: pagination && { ...pagination, total },
  });
  switch (fault) {
    case 'short-page':
      return { ...honest, rows: rows.slice(0, Math.floor(rows.length / 2)) };
    case 'empty-page':
      return { ...honest, rows: [] };
    case 'long-page':
      return { ...honest, rows: lengthened(rows, query.limit + 1) };
    case 'total-fraction':
      return withTotal('8.5');
    case 'total-text':
      return withTotal('"many"');
    case 'total-negative':
      return withTotal('-1');
    case 'no-pagination':
      return { ...honest, pagination: undefined };
    case 'no-range':
      return { ...honest, pagination: undefined, contentRange: undefined };
    case 'odd-pagination':
      return { ...honest, pagination: pagination && { ...pagination, ...odd(query) } };
    case 'numeric-code':
      return { ...honest, code: '200' };
    case 'duplicate-job':
      return { ...honest, rows: withDuplicate(rows, store) };
  }
}

function lengthened(rows: readonly Row[], length: number): Row[] {
  const long = [...rows];
  while (long.length < length) long.push(rows[0] ?? '{}');
  return long;
}

function odd({ offset }: JobQuery) {
  return { start: offset + 4, end: offset + 6 };
}

/** A page of one or two jobs has no room for it and stays as it is. */
function withDuplicate(rows: readonly Row[], store: JobStore): readonly Row[] {
  const [first] = rows;
  if (rows.length < 3 || typeof first !== 'number') return rows;
  const copy = store.text(first, {
    status: '"CANCELED"',
    updated_at: '"2026-11-01T00:00:00.000000+00:00"',
  });
  return rows.with(-2, copy);
}
