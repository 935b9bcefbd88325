import type { FoundColumn } from '../jobs/file-contents.ts';
import { type Token, tokenOf } from '../json/bytes.ts';
import {
  CLOSE_OBJECT,
  FORM,
  isDigit,
  JsonScanner,
  MINUS,
  NEWLINE,
  OF_FALSE,
  OF_NULL,
  OF_TRUE,
  OPEN_LIST,
  OPEN_OBJECT,
  PLUS,
  QUOTE,
  RETURN,
  SPACE,
  TAB,
  ZERO,
} from '../json/json-scanner.ts';
import { stringAt } from '../json/raw-job.ts';
import { Damage } from './check-file.ts';

const TIME = Buffer.from('"0000-00-00T00:00:00.000000Z"');
const LONG_TIME = Buffer.from('"+000000-00-00T00:00:00.000000Z"');

/** Whether the JSON value between two positions is one that a column which has no nulls may have. */
type Fits = (bytes: Buffer, start: number, end: number) => boolean;

interface Column {
  readonly name: string;
  readonly key: Token;
  readonly required: boolean;
  readonly fits: Fits;
}

/**
 * Reads NDJSON, of which each line must be an object with the given columns, all of them, in this order, and values of
 * their kinds.
 *
 * @param addId is given the id of each row as UTF-8, not to be kept
 * @param rowsBefore lines of the file before the first one
 * @returns takes whole lines in UTF-8, each ended by a newline. It throws a Damage that names the first line in the
 * file that is no such row.
 */
export function rowReader(
  columns: readonly FoundColumn[],
  addId: (id: Uint8Array) => void,
  rowsBefore = 0,
): (lines: Buffer) => void {
  const expected = columns.map(({ name, type, required }) => ({
    name,
    key: tokenOf(`${JSON.stringify(name)}:`),
    required,
    fits: FITS[type] ?? (() => true),
  }));
  let rows = rowsBefore;
  return (lines) => {
    const scanner = new JsonScanner(lines);
    while (scanner.at < lines.length) {
      rows++;
      const end = lines.indexOf(NEWLINE, scanner.at);
      const wrong = readRow(scanner, lines, expected, addId) ?? rest(lines, scanner.at, end);
      if (wrong !== undefined) throw new Damage(`line ${rows} ${wrong}`);
      scanner.at = end + 1;
    }
  };
}

/** @returns what is wrong with the line, as in `line 3 has other columns`, or nothing */
function readRow(
  scanner: JsonScanner,
  bytes: Buffer,
  columns: readonly Column[],
  addId: (id: Uint8Array) => void,
): string | undefined {
  let read = 0;
  let hasId = false;
  try {
    for (let more = scanner.enter(OPEN_OBJECT); more; more = scanner.goesOn(CLOSE_OBJECT)) {
      const column = columns[read++];
      if (column === undefined || !takesKey(scanner, bytes, column)) return 'has other columns';
      scanner.peek();
      const start = scanner.at;
      const form = scanner.value();
      const isNull = !column.required && bytes[start] === OF_NULL;
      if (!isNull && !column.fits(bytes, start, scanner.at))
        return `has a wrong value in ${column.name}`;
      if (column.name !== 'id' || bytes[start] !== QUOTE) continue;
      hasId = true;
      addId(
        form === FORM.plain
          ? bytes.subarray(start + 1, scanner.at - 1)
          : Buffer.from(stringAt(bytes, start, scanner.at, form)),
      );
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return 'is no JSON object';
  }
  if (read < columns.length) return 'lacks columns';
  return hasId ? undefined : 'has no id';
}

/** Nothing may stand behind a row in its line; and a row that goes on in the next line has passed its end. */
function rest(bytes: Buffer, from: number, end: number): string | undefined {
  let at = from;
  while (bytes[at] === SPACE || bytes[at] === TAB || bytes[at] === RETURN) at++;
  return at === end ? undefined : 'is no JSON object';
}

function takesKey(scanner: JsonScanner, bytes: Buffer, { key, name }: Column): boolean {
  if (scanner.takes(key)) return true;
  const form = scanner.key();
  return stringAt(bytes, scanner.keyStart, scanner.keyEnd, form) === name;
}

const FITS: Readonly<Record<string, Fits>> = {
  string: (bytes, start) => bytes[start] === QUOTE,
  int64(bytes, start, end) {
    let at = bytes[start] === MINUS ? start + 1 : start;
    while (isDigit(bytes[at])) at++;
    return at === end;
  },
  float64: (bytes, start) => isDigit(bytes[start]) || bytes[start] === MINUS,
  bool: (bytes, start) => bytes[start] === OF_TRUE || bytes[start] === OF_FALSE,
  timestamp: (bytes, start, end) =>
    isLike(TIME, bytes, start, end) || isLike(LONG_TIME, bytes, start, end),
  strings(bytes, start, end) {
    if (bytes[start] !== OPEN_LIST) return false;
    if (end === start + 2) return true;
    const items: unknown[] = JSON.parse(bytes.toString('utf8', start, end));
    return items.every((item) => item === null || typeof item === 'string');
  },
};

/** Whether a text has digits where the pattern has zeros, a sign where that has a plus, and else the same. */
function isLike(pattern: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== pattern.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    const wanted = pattern[i];
    const byte = bytes[start + i];
    if (wanted === ZERO ? !isDigit(byte) : byte !== wanted && !(wanted === PLUS && byte === MINUS))
      return false;
  }
  return true;
}
