import { isUtf8 } from 'node:buffer';
import {
  BACKSLASH,
  CLOSE_LIST,
  CLOSE_OBJECT,
  type JsonScanner,
  NotJson,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
} from '../../json/json-scanner.ts';
import { RawJob } from '../../json/raw-job.ts';
import type { Damaged } from '../page.ts';

/** The jobs of a page, as far as they can be read. */
export interface Jobs {
  readonly rows: readonly RawJob[];
  readonly damaged: readonly Damaged[];
}

/**
 * Tells the items of a list apart although they may be no JSON, so that a broken one does not take its neighbours with
 * it. Only strings and brackets count in them; between them there is a comma and nothing else.
 *
 * @param scanner in front of the list; behind it afterwards
 * @throws NotJson where that does not come out even, or an item is no object
 */
export function* itemsOf(scanner: JsonScanner, bytes: Buffer): Generator<Buffer> {
  for (let more = scanner.enter(OPEN_LIST); more; more = scanner.goesOn(CLOSE_LIST)) {
    if (scanner.peek() !== OPEN_OBJECT) throw new NotJson(scanner.at);
    const start = scanner.at;
    scanner.at = endOfObject(bytes, start);
    yield bytes.subarray(start, scanner.at);
  }
}

/** Each bracket must close the one before. @returns the position behind the object */
function endOfObject(bytes: Buffer, start: number): number {
  const open: number[] = [];
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (byte === OPEN_OBJECT) open.push(CLOSE_OBJECT);
    else if (byte === OPEN_LIST) open.push(CLOSE_LIST);
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_LIST) && open.pop() !== byte) break;
    if (open.length === 0) return at + 1;
  }
  throw new NotJson(start);
}

/** Reads items one by one, strictly: each is a job, or damaged. */
export function readItems(items: Iterable<Buffer>): Jobs {
  const rows: RawJob[] = [];
  const damaged: Damaged[] = [];
  for (const bytes of items) {
    const row = isUtf8(bytes) ? readItem(bytes) : 'not UTF-8';
    const at = rows.length + damaged.length;
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
    if (!(error instanceof NotJson)) throw error;
    const { at, message } = error;
    const word = /^-?(?:NaN|Infinity)/.exec(bytes.toString('latin1', at, at + 9))?.[0];
    const found = word ?? (bytes[at] < 0x20 ? `control character ${bytes[at]}` : undefined);
    return `${message} of the record${found === undefined ? '' : `: ${found}`}`;
  }
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
