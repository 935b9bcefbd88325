import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Schema } from 'apache-arrow';
import { type ColumnBuffer, StringsBuffer } from '../jobs/column-buffers.ts';
import type { FoundColumn } from '../jobs/columns.ts';
import { instantAt, parseTimestamp } from '../jobs/timestamp.ts';
import { SLACK_BYTES, type Token, tokenOf } from '../json/bytes.ts';
import { FORM, isDigit, JsonScanner, MINUS, NEWLINE, QUOTE, SPACE } from '../json/json-scanner.ts';
import { stringAt } from '../json/raw-job.ts';
import { BLOCK_ROWS } from './blocks.ts';
import {
  BatchBuilder,
  type Cut,
  Damage,
  type DataReader,
  type ReadOptions,
  readSome,
} from './reader.ts';

/** Stays in the processor's cache while its rows are read. */
const PIECE_BYTES = 256 * 1024;

/** A line is a row; none that was written is as long. */
const LONGEST_LINE = 256 * 1024 * 1024;

/** So many rows lie between two places that are remembered. */
const MARK_ROWS = BLOCK_ROWS;

/**
 * Opens a file of lines as this program writes them, with nothing between their tokens. It describes no columns: each
 * line must have those that are given, all of them, in this order, and values of their kinds. Where every 2,500th starts
 * is remembered once it was passed, and later reads begin there; what is compressed is read from the start each time.
 */
export async function openNdjson(file: ReadOptions): Promise<DataReader> {
  const { path, columns, start = { row: 0, byte: 0 } } = file;
  const isCompressed = path.endsWith('.gz');
  const marks: Cut[] = [start];

  /** Whole lines, the first of them `from`, and where in the file they start. */
  async function* linesFrom(from: number): AsyncGenerator<{ lines: Buffer; byte: number }> {
    const mark = marks.findLast(({ row }) => row <= from) ?? start;
    let { row, byte } = isCompressed ? start : mark;
    for await (const lines of wholeLines(
      isCompressed ? inflated(path) : piecesBehind(file, byte),
    )) {
      let first = row < from ? lines.length : 0;
      for (let at = 0; at < lines.length; at = lines.indexOf(NEWLINE, at) + 1, row++) {
        if (row === from) first = at;
        if (row >= marks[marks.length - 1].row + MARK_ROWS) marks.push({ row, byte: byte + at });
      }
      if (row > from) yield { lines: lines.subarray(first), byte: byte + first };
      byte += lines.length;
    }
  }

  return {
    columns: columns.map(({ name, type, required }) => ({ name, type, required })),
    async cutBefore(row) {
      if (isCompressed) return { row: 0, byte: 0 };
      for await (const { byte } of linesFrom(row)) return { row, byte };
      return { row, byte: await file.growth.whole() };
    },
    async *batches(from, to, wanted) {
      const batch = new BatchBuilder(wanted);
      const line = columns.map((column, i) => lineColumn(column, i, batch, wanted));
      let row = from;
      for await (const { lines } of linesFrom(from)) {
        const scanner = new JsonScanner(lines);
        while (row < to && scanner.at < lines.length) {
          const start = scanner.at;
          row++;
          const wrong = readRow(scanner, lines, line);
          if (wrong !== undefined) {
            const text = lines.toString('utf8', start, lines.indexOf(NEWLINE, start));
            throw new Damage(`line ${row} ${wrongIn(text, columns) ?? wrong}`);
          }
          if (batch.endRow(scanner.at - start)) yield* batch.take();
        }
        if (row === to) break;
      }
      yield* batch.take();
    },
  };
}

/** The content of a gzip file, in pieces. @throws Damage when more follows it */
async function* inflated(path: string): AsyncGenerator<Buffer> {
  const file = createReadStream(path);
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either stream comes out of the second, where it is read.
  pipeline(file, gunzip, () => {});
  yield* gunzip;
  if (gunzip.bytesWritten !== file.bytesRead) throw new Damage('more follows its gzip stream');
}

/** A file from a position on as far as it is written; waits where it is not. */
async function* piecesBehind({ handle, growth }: ReadOptions, start: number) {
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let at = start; await growth.reaches(at + 1); ) {
    const read = readSome(handle, piece.subarray(0, growth.size - at), at);
    yield piece.subarray(0, read);
    at += read;
  }
}

/**
 * The lines of a UTF-8 text that comes in pieces, several at a time, each ended by a newline. Their memory is used again
 * for the next ones.
 *
 * @throws Damage when the text is no UTF-8 or does not end with a newline
 */
async function* wholeLines(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer = Buffer.allocUnsafeSlow(2 * PIECE_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    const needed = filled + piece.length;
    if (needed > LONGEST_LINE) throw new Damage('a line is longer than any row');
    if (needed > held.length) held = Buffer.concat([held.subarray(0, filled)], 2 * needed);
    held.set(piece, filled);
    const end = filled + piece.lastIndexOf(NEWLINE) + 1;
    filled = needed;
    if (end === needed - piece.length) continue;
    const lines = held.subarray(0, end);
    if (!isUtf8(lines)) throw new Damage('it is not UTF-8');
    yield lines;
    held.copyWithin(0, end, filled);
    filled -= end;
  }
  if (filled > 0) throw new Damage('its last line is cut off');
}

/** Reads a value that is not null, into a column or past it. @returns false when it is none of the column's type */
type ReadCell = (
  scanner: JsonScanner,
  bytes: Buffer,
  into: ColumnBuffer<never> | undefined,
) => boolean;

interface LineColumn {
  readonly name: string;
  /** The key, and what stands before it. */
  readonly key: Token;
  readonly required: boolean;
  readonly read: ReadCell;
  readonly into: ColumnBuffer<never> | undefined;
}

function lineColumn(
  { name, type, required }: FoundColumn,
  place: number,
  { columns }: BatchBuilder,
  { fields }: Schema,
): LineColumn {
  const key = tokenOf(`${place === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const into = columns[fields.findIndex((field) => field.name === name)];
  return { name, key, required, read: CELLS[type] ?? readAny, into };
}

const [NULL, TRUE, FALSE, END_OF_ROW] = ['null', 'true', 'false', '}\n'].map(tokenOf);
const [OPEN_LIST, COMMA, CLOSE_LIST] = ['[', ',', ']'].map(tokenOf);

/** @returns what is wrong with the line where it is JSON, as in `line 3 has a wrong value in runs`, or nothing */
function readRow(
  scanner: JsonScanner,
  bytes: Buffer,
  columns: readonly LineColumn[],
): string | undefined {
  try {
    for (const { name, key, required, read, into } of columns) {
      if (!scanner.takes(key)) return OTHERWISE;
      if (!required && scanner.takes(NULL)) into?.push(null);
      else if (!read(scanner, bytes, into)) return `has a wrong value in ${name}`;
    }
    return scanner.takes(END_OF_ROW) ? undefined : OTHERWISE;
  } catch (error) {
    if (error instanceof SyntaxError) return OTHERWISE;
    throw error;
  }
}

/** A row may be JSON and still not what was written. */
const OTHERWISE = 'has white space between its values, or is written in another way';

/** What is wrong with a line, its values apart. */
function wrongIn(line: string, columns: readonly FoundColumn[]): string | undefined {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return 'is no JSON object';
    const names = Object.keys(row);
    if (names.some((name, i) => name !== columns[i]?.name)) return 'has other columns';
    return names.length < columns.length ? 'lacks columns' : undefined;
  } catch {
    return 'is no JSON object';
  }
}

/** An instant as it is written. The years that are usual have four digits. */
const TIME = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const TIME_LENGTH = '2021-11-10T15:24:38.172109Z'.length;
const LETTER_Z = 0x5a;

/** A number or a byte on its way into a column. */
const VALUE = new DataView(new ArrayBuffer(8));

/** What JSON says of each type of column. */
const CELLS: Readonly<Record<string, ReadCell>> = {
  string: readText,
  json: readText,
  bool(scanner, _bytes, into) {
    const isTrue = scanner.takes(TRUE);
    VALUE.setUint8(0, isTrue ? 1 : 0);
    into?.pushBytes(VALUE, 0, 1);
    return isTrue || scanner.takes(FALSE);
  },
  int64(scanner, bytes, into) {
    const start = scanner.at;
    scanner.value();
    let at = bytes[start] === MINUS ? start + 1 : start;
    while (isDigit(bytes[at])) at++;
    if (at !== scanner.at) return false;
    return into === undefined || pushWhole(BigInt(bytes.toString('latin1', start, at)), into);
  },
  float64(scanner, bytes, into) {
    const start = scanner.at;
    scanner.value();
    if (!isDigit(bytes[start]) && bytes[start] !== MINUS) return false;
    if (into === undefined) return true;
    VALUE.setFloat64(0, Number(bytes.toString('latin1', start, scanner.at)), true);
    into.pushBytes(VALUE, 0, 8);
    return true;
  },
  timestamp(scanner, bytes, into) {
    const start = scanner.at + 1;
    scanner.value();
    const end = scanner.at - 1;
    const isUsual = end - start === TIME_LENGTH && bytes[end - 1] === LETTER_Z;
    const micros = isUsual ? instantAt(bytes, start, end) : Number.NaN;
    if (!Number.isNaN(micros)) return into === undefined || pushWhole(BigInt(micros), into);
    const text = bytes.toString('latin1', start, end);
    return TIME.test(text) && (into === undefined || pushWhole(parseTimestamp(text), into));
  },
  strings(scanner, bytes, into) {
    const items = into instanceof StringsBuffer ? into.items : undefined;
    if (!scanner.takes(OPEN_LIST)) return false;
    if (!scanner.takes(CLOSE_LIST)) {
      do {
        if (scanner.takes(NULL)) items?.push(null);
        else if (!readText(scanner, bytes, items)) return false;
      } while (scanner.takes(COMMA));
      if (!scanner.takes(CLOSE_LIST)) return false;
    }
    into?.pushBytes(VALUE, 0, 0);
    return true;
  },
};

/** A value of a type that this project never writes: any, in one line. */
function readAny(scanner: JsonScanner, bytes: Buffer): boolean {
  const start = scanner.at;
  scanner.value();
  return bytes[start] > SPACE && !bytes.subarray(start, scanner.at).includes(NEWLINE);
}

function readText(
  scanner: JsonScanner,
  bytes: Buffer,
  into: ColumnBuffer<never> | undefined,
): boolean {
  const start = scanner.at;
  if (bytes[start] !== QUOTE) return false;
  const form = scanner.string();
  const end = scanner.at - 1;
  if (form === FORM.plain) into?.pushBytes(scanner.view, start + 1, end);
  else if (into !== undefined) {
    const text = Buffer.from(stringAt(bytes, start, end + 1, form));
    const source = Buffer.concat([text], text.length + SLACK_BYTES);
    into.pushBytes(new DataView(source.buffer, source.byteOffset), 0, text.length);
  }
  return true;
}

function pushWhole(value: bigint | null, into: ColumnBuffer<never>): boolean {
  if (value === null || BigInt.asIntN(64, value) !== value) return false;
  VALUE.setBigInt64(0, value, true);
  into.pushBytes(VALUE, 0, 8);
  return true;
}
