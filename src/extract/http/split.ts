import { isUtf8 } from 'node:buffer';
import { RawJob } from '../../json/raw-job.ts';
import type { Damaged } from '../page.ts';

/** An answer taken apart by its brackets alone. */
export interface Split {
  /** Everything around the items of `data`, which is an empty list in it. */
  readonly envelope: Buffer;
  /** The items of `data`, objects all of them, as sent. */
  readonly items: readonly Buffer[];
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d];
const DATA = Buffer.from('"data"');

/** Whether bytes look like the API's envelope, be they JSON or not: an object that has "data". */
export function startsLikeEnvelope(bytes: Buffer): boolean {
  return bytes[skipSpace(bytes, 0)] === OPEN_OBJECT && bytes.includes(DATA);
}

/**
 * Tells the items of an answer apart although it is no JSON, so that a broken one does not take its neighbours with it.
 * Only strings and brackets count; each bracket must close the one before, and nothing but a comma may stand between
 * two items.
 *
 * @returns undefined where that does not come out even
 */
export function splitPage(bytes: Buffer): Split | undefined {
  const open = listOfData(bytes);
  if (open === undefined) return undefined;
  const items: Buffer[] = [];
  let at = skipSpace(bytes, open + 1);
  while (bytes[at] !== CLOSE_LIST || items.length > 0) {
    const end = bytes[at] === OPEN_OBJECT ? behind(bytes, at) : undefined;
    if (end === undefined) return undefined;
    items.push(bytes.subarray(at, end));
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_LIST) break;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
  return { envelope: Buffer.concat([bytes.subarray(0, open + 1), bytes.subarray(at)]), items };
}

/** Reads items one by one, strictly: each is a job, or damaged. */
export function readItems(items: readonly Buffer[]): { rows: RawJob[]; damaged: Damaged[] } {
  const rows: RawJob[] = [];
  const damaged: Damaged[] = [];
  for (const [at, bytes] of items.entries()) {
    const row = isUtf8(bytes) ? readItem(bytes) : 'not UTF-8';
    if (typeof row === 'string') damaged.push({ at, reason: row, bytes: Buffer.from(bytes) });
    else rows.push(row);
  }
  return { rows, damaged };
}

/** @returns what is wrong with it when it is no JSON */
function readItem(bytes: Buffer): RawJob | string {
  try {
    return RawJob.parse(bytes.toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = Number(/ at byte (\d+)$/.exec(error.message)?.[1]);
    const word = /^-?(?:NaN|Infinity)/.exec(bytes.toString('latin1', at, at + 9))?.[0];
    const control = bytes[at] < 0x20 ? `control character ${bytes[at]}` : undefined;
    const found = word ?? control;
    return `${error.message} of the record${found === undefined ? '' : `: ${found}`}`;
  }
}

/** Where the list of the envelope's `data` opens. */
function listOfData(bytes: Buffer): number | undefined {
  for (let at = skipSpace(bytes, 0) + 1; at < bytes.length; ) {
    const start = skipSpace(bytes, at);
    const end = bytes[start] === QUOTE ? behindString(bytes, start) : undefined;
    if (end === undefined) return undefined;
    const colon = skipSpace(bytes, end);
    const value = skipSpace(bytes, colon + 1);
    if (bytes[colon] !== COLON) return undefined;
    if (bytes.subarray(start, end).equals(DATA))
      return bytes[value] === OPEN_LIST ? value : undefined;
    const next = behind(bytes, value);
    if (next === undefined) return undefined;
    at = next + 1;
  }
  return undefined;
}

/** Where a value ends: behind its last bracket or quote, or in front of what follows a number or a word. */
function behind(bytes: Buffer, start: number): number | undefined {
  const open: number[] = [];
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const end = behindString(bytes, at);
      if (end === undefined || open.length === 0) return end;
      at = end - 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      open.push(byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte === COMMA) {
      if (open.length === 0) return at;
      if (byte === COMMA) continue;
      if (open.pop() !== byte) return undefined;
      if (open.length === 0) return at + 1;
    }
  }
  return undefined;
}

function behindString(bytes: Buffer, start: number): number | undefined {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] === BACKSLASH) at++;
  }
  return undefined;
}

function skipSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at] === 0x20 || (bytes[at] >= 0x09 && bytes[at] <= 0x0d)) at++;
  return at;
}
