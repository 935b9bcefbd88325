import { isUtf8 } from 'node:buffer';
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from '../../json/json-scanner.ts';
import { RawJob } from '../../json/raw-job.ts';
import type { Damaged } from '../page.ts';

/** An answer taken apart by its brackets alone. */
export interface Split {
  /** Everything around the items of `data`, each of which is an empty object in it. */
  readonly envelope: Buffer;
  /** The items of `data`, objects all of them, as sent. */
  readonly items: readonly Buffer[];
}

const DATA = Buffer.from('"data"');
const EMPTY_OBJECT = Buffer.from('{}');

/**
 * Tells the items of an answer apart although it is no JSON, so that a broken one does not take its neighbours with it.
 * Only strings and brackets count; each bracket must close the one before. What stands between two items is left in
 * the envelope, so that only a comma makes that JSON.
 *
 * @returns undefined where that does not come out even
 */
export function splitPage(bytes: Buffer): Split | undefined {
  const items: Buffer[] = [];
  const around: Buffer[] = [];
  const open: number[] = [];
  let isData = false;
  let [start, end] = [0, 0];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      const from = at;
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
      if (open.length === 1) isData = bytes.subarray(from, at + 1).equals(DATA);
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (open.length === 2) start = at;
      open.push(byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_LIST);
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      if (open.pop() !== byte) return undefined;
      if (!isData || open.length !== 2 || open[1] !== CLOSE_LIST || byte === CLOSE_LIST) continue;
      items.push(bytes.subarray(start, at + 1));
      around.push(bytes.subarray(end, start), EMPTY_OBJECT);
      end = at + 1;
    }
  }
  if (open.length > 0) return undefined;
  return { envelope: Buffer.concat([...around, bytes.subarray(end)]), items };
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

/**
 * Whether items that stand side by side may have been cut in the wrong places: a byte that came or went as a quote makes
 * texts of what lies between two of them. What is broken but for that has strings, words and brackets where JSON has them.
 */
export function areTorn(damaged: readonly Damaged[]): boolean {
  return damaged.some((one, i) => {
    const isBeside = damaged[i - 1]?.at === one.at - 1 || damaged[i + 1]?.at === one.at + 1;
    return isBeside && !hasShape(one.bytes);
  });
}

/** Strings, and words that are no punctuation. */
const TOKENS = /"(?:\\.|[^"\\])*"|[^\s"{}[\],:]+/gs;

function hasShape(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes).toString('latin1');
  try {
    JSON.parse(text.replace(TOKENS, (token) => (token.startsWith('"') ? '""' : '0')));
    return true;
  } catch {
    return false;
  }
}

/** @returns what is wrong with it when it is no JSON */
function readItem(bytes: Buffer): RawJob | string {
  try {
    return RawJob.parse(bytes.toString());
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const at = Number(/ at byte (\d+)$/.exec(error.message)?.[1]);
    const word = /^-?(?:NaN|Infinity)/.exec(bytes.toString('latin1', at, at + 9))?.[0];
    const found = word ?? (bytes[at] < 0x20 ? `control character ${bytes[at]}` : undefined);
    return `${error.message} of the record${found === undefined ? '' : `: ${found}`}`;
  }
}
