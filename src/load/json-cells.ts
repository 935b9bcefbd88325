import { EXIT, ExportError } from '../domain/errors.ts';
import { formatTimestamp } from '../domain/timestamp.ts';
import type { FixedColumn, ListColumn, TextColumn } from './block-columns.ts';
import type { LoadColumn } from './columns.ts';
import { type JsonBytes, literal } from './json-bytes.ts';
import type { BlockColumn } from './row-blocks.ts';

const TWO_TO_32 = 4_294_967_296;
const MICROS = 1_000_000;
const MICROS_A_DAY = 86_400 * MICROS;

/** Bytes that a number, a timestamp, or the ends of a string or a list take at most. */
export const CELL_BYTES = 64;

/** Bytes that an element of a list takes at most, the text aside. */
const ELEMENT_BYTES = 8;

/** Whole numbers up to here have at most 15 digits: JSON readers everywhere read them back as they are. */
const FIFTEEN_DIGITS = 999_999_999_999_999;

const TRUE = literal('true');
const FALSE = literal('false');
const NULL = literal('null');
const END_OF_TIME = literal('Z"');

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MINUS = 0x2d;
const COMMA = 0x2c;
const COLON = 0x3a;
const DOT = 0x2e;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;

/** Writes the value of one row, which is not null. */
export type CellWriter = (row: number) => void;

/**
 * Writes the cells of one column as JSON: integers digit for digit, timestamps as `formatTimestamp` does, JSON columns
 * as the text they hold.
 */
export function cellWriter(column: LoadColumn, block: BlockColumn, out: JsonBytes): CellWriter {
  if (block.kind === 'bool') return (row) => out.literal(block.values[row] === 1 ? TRUE : FALSE);
  if (block.kind === 'list') return listWriter(block, out);
  if (block.kind === 'text') {
    return column.type === 'json'
      ? verbatimWriter(column.name, block, out)
      : stringWriter(block, out);
  }
  if (column.type === 'float64') return doubleWriter(column.name, block, out);
  return column.type === 'int64'
    ? integerWriter(block, out)
    : timestampWriter(column.name, block, out);
}

function stringWriter(block: TextColumn, out: JsonBytes): CellWriter {
  return (row) => out.string(block.view, block.offsets[row], block.offsets[row + 1]);
}

function verbatimWriter(name: string, block: TextColumn, out: JsonBytes): CellWriter {
  const text = Buffer.from(block.bytes.buffer, 0, block.offsets[block.rows]);
  if (text.includes(NEWLINE) || text.includes(CARRIAGE_RETURN)) {
    throw unwritable(name, 'JSON of several lines, and NDJSON is one line a row');
  }
  return (row) => out.verbatim(block.view, block.offsets[row], block.offsets[row + 1]);
}

function listWriter(block: ListColumn, out: JsonBytes): CellWriter {
  const { elements } = block;
  const element = stringWriter(elements, out);
  return (row) => {
    const start = block.offsets[row];
    const end = block.offsets[row + 1];
    out.byte(OPEN_LIST);
    for (let i = start; i < end; i++) {
      out.makeRoom(ELEMENT_BYTES);
      if (i > start) out.byte(COMMA);
      if (elements.valid[i] === 1) element(i);
      else out.literal(NULL);
    }
    out.byte(CLOSE_LIST);
  };
}

function integerWriter(block: FixedColumn, out: JsonBytes): CellWriter {
  return (row) => {
    const number = nearest(block, row);
    if (!Number.isSafeInteger(number)) {
      out.ascii(exact(block, row).toString());
      return;
    }
    if (number < 0) out.byte(MINUS);
    out.whole(Math.abs(number));
  };
}

function doubleWriter(name: string, block: FixedColumn, out: JsonBytes): CellWriter {
  return (row) => {
    const value = block.doubles[row];
    const micros = Math.round(value * MICROS);
    if (micros > 0 && micros <= FIFTEEN_DIGITS && micros / MICROS === value)
      writeMicros(micros, out);
    else if (Number.isFinite(value)) out.ascii(Object.is(value, -0) ? '-0' : String(value));
    else throw unwritable(name, `${value}, which JSON cannot carry`);
  };
}

/**
 * Writes a count of microseconds as seconds. Durations are such, and this takes a tenth of the time of `String`; the
 * text is the same: no other decimal of up to 15 digits reads back as this double.
 */
function writeMicros(micros: number, out: JsonBytes): void {
  const seconds = Math.floor(micros / MICROS);
  out.whole(seconds);
  let rest = micros - seconds * MICROS;
  if (rest > 0) out.byte(DOT);
  for (let unit = MICROS / 10; rest > 0; unit /= 10) {
    const digit = Math.floor(rest / unit);
    out.whole(digit);
    rest -= digit * unit;
  }
}

function timestampWriter(name: string, block: FixedColumn, out: JsonBytes): CellWriter {
  let knownDay = Number.NaN;
  let date = NULL;
  return (row) => {
    const micros = nearest(block, row);
    if (!Number.isSafeInteger(micros)) {
      out.ascii(`"${farTimestamp(name, exact(block, row))}"`);
      return;
    }
    const day = Math.floor(micros / MICROS_A_DAY);
    if (day !== knownDay) {
      knownDay = day;
      date = literal(`"${new Date(day * 86_400_000).toISOString().slice(0, 11)}`);
    }
    out.literal(date);
    writeTime(micros - day * MICROS_A_DAY, out);
    out.literal(END_OF_TIME);
  };
}

function writeTime(microsOfDay: number, out: JsonBytes): void {
  const second = Math.floor(microsOfDay / MICROS);
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  out.pair(hour);
  out.byte(COLON);
  out.pair(minute - hour * 60);
  out.byte(COLON);
  out.pair(second - minute * 60);
  out.byte(DOT);
  const micros = microsOfDay - second * MICROS;
  const hundreds = Math.floor(micros / 100);
  const tenThousands = Math.floor(micros / 10_000);
  out.pair(tenThousands);
  out.pair(hundreds - tenThousands * 100);
  out.pair(micros - hundreds * 100);
}

/** Before 1684 or after 2255, where microseconds no longer fit a double. */
function farTimestamp(name: string, micros: bigint): string {
  try {
    return formatTimestamp(micros);
  } catch (cause) {
    throw unwritable(name, 'an instant past the years that ISO 8601 dates reach', cause);
  }
}

function unwritable(name: string, what: string, cause?: unknown): ExportError {
  return new ExportError(`column ${name} holds ${what}`, {
    exitCode: EXIT.data,
    stage: 'load',
    cause,
  });
}

/** The 64-bit integer as a double: exact where `Number.isSafeInteger` says so. */
function nearest({ words }: FixedColumn, row: number): number {
  return words[row * 2 + 1] * TWO_TO_32 + (words[row * 2] >>> 0);
}

function exact({ words }: FixedColumn, row: number): bigint {
  return (BigInt(words[row * 2 + 1]) << 32n) | BigInt(words[row * 2] >>> 0);
}
