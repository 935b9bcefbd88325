import type { Data } from 'apache-arrow';
import { formatTimestamp } from '../jobs/timestamp.ts';
import { SLACK_BYTES } from '../json/bytes.ts';
import { CLOSE_LIST, COLON, COMMA, DOT, MINUS, OPEN_LIST, QUOTE } from '../json/json-scanner.ts';
import type { ExportError } from '../platform/errors.ts';
import { isValid, type LoadColumn, unfit } from './encoder.ts';
import { type JsonBytes, literal } from './json-bytes.ts';

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

/** Writes the value of one row, which is not null, from a position on; returns the position behind it. */
export type CellWriter = (row: number, at: number) => number;

/** What every value of the column starts with: the caller writes it together with the key. */
export function opening({ type }: LoadColumn): string {
  return type === 'string' || type === 'json' || type === 'timestamp' ? '"' : '';
}

/**
 * Writes the cells of one column of a batch as JSON, from behind their `opening`: integers digit for digit, timestamps
 * as `formatTimestamp` does, JSON columns as strings that hold JSON.
 */
export function cellWriter({ name, type }: LoadColumn, data: Data, out: JsonBytes): CellWriter {
  switch (type) {
    case 'bool':
      return (row, at) => out.literal((data.values[row >> 3] >> (row & 7)) & 1 ? TRUE : FALSE, at);
    case 'strings':
      return listWriter(data, out);
    case 'string':
    case 'json':
      return stringWriter(data, out);
    case 'float64':
      return doubleWriter(name, data, out);
    case 'int64':
      return integerWriter(wordsOf(data), out);
    case 'timestamp':
      return timestampWriter(name, wordsOf(data), out);
  }
}

/** 64-bit values as low and high halves, two a row. */
function wordsOf({ values }: Data): Int32Array {
  return new Int32Array(values.buffer, values.byteOffset, values.length * 2);
}

function stringWriter({ values, valueOffsets, length }: Data, out: JsonBytes): CellWriter {
  const view = withSlack(values, valueOffsets[length]);
  return (row, at) => out.string(view, valueOffsets[row], valueOffsets[row + 1], at);
}

/** Text of that many bytes, behind which a few may be read: to the end of its buffer, or in a copy where that is too near. */
function withSlack(text: Uint8Array, bytes: number): DataView {
  const view = new DataView(text.buffer, text.byteOffset);
  if (view.byteLength >= bytes + SLACK_BYTES) return view;
  const copy = new Uint8Array(bytes + SLACK_BYTES);
  copy.set(text.subarray(0, bytes));
  return new DataView(copy.buffer);
}

function listWriter({ valueOffsets, children }: Data, out: JsonBytes): CellWriter {
  const [elements] = children;
  const write = stringWriter(elements, out);
  return (row, start) => {
    const first = valueOffsets[row];
    const end = valueOffsets[row + 1];
    let at = out.byte(OPEN_LIST, start);
    for (let i = first; i < end; i++) {
      at = out.room(ELEMENT_BYTES, at);
      if (i > first) at = out.byte(COMMA, at);
      at = isValid(elements, i) ? write(i, out.byte(QUOTE, at)) : out.literal(NULL, at);
    }
    return out.byte(CLOSE_LIST, at);
  };
}

function integerWriter(words: Int32Array, out: JsonBytes): CellWriter {
  return (row, at) => {
    const number = nearest(words, row);
    if (!Number.isSafeInteger(number)) return out.ascii(exact(words, row).toString(), at);
    return number < 0 ? out.whole(-number, out.byte(MINUS, at)) : out.whole(number, at);
  };
}

function doubleWriter(name: string, { values }: Data, out: JsonBytes): CellWriter {
  return (row, at) => {
    const value = values[row];
    const micros = Math.round(value * MICROS);
    if (micros > 0 && micros <= FIFTEEN_DIGITS && micros / MICROS === value) {
      return writeMicros(micros, out, at);
    }
    if (!Number.isFinite(value)) throw unwritable(name, `${value}, which JSON cannot carry`);
    return out.ascii(Object.is(value, -0) ? '-0' : String(value), at);
  };
}

/**
 * Writes a count of microseconds as seconds. Durations are such, and this takes a tenth of the time of `String`; the
 * text is the same: no other decimal of up to 15 digits reads back as this double.
 */
function writeMicros(micros: number, out: JsonBytes, start: number): number {
  const seconds = Math.floor(micros / MICROS);
  const rest = micros - seconds * MICROS;
  const at = out.whole(seconds, start);
  return rest === 0 ? at : out.withoutZeros(out.sixDigits(rest, out.byte(DOT, at)));
}

function timestampWriter(name: string, words: Int32Array, out: JsonBytes): CellWriter {
  let knownDay = Number.NaN;
  let date = NULL;
  return (row, at) => {
    const micros = nearest(words, row);
    if (!Number.isSafeInteger(micros)) {
      return out.ascii(`${farTimestamp(name, exact(words, row))}"`, at);
    }
    const day = Math.floor(micros / MICROS_A_DAY);
    if (day !== knownDay) {
      knownDay = day;
      date = literal(new Date(day * 86_400_000).toISOString().slice(0, 11));
    }
    const end = writeTime(micros - day * MICROS_A_DAY, out, out.literal(date, at));
    return out.literal(END_OF_TIME, end);
  };
}

function writeTime(microsOfDay: number, out: JsonBytes, start: number): number {
  const second = Math.floor(microsOfDay / MICROS);
  const minute = Math.floor(second / 60);
  const hour = Math.floor(minute / 60);
  let at = out.byte(COLON, out.pair(hour, start));
  at = out.byte(COLON, out.pair(minute - hour * 60, at));
  at = out.byte(DOT, out.pair(second - minute * 60, at));
  return out.sixDigits(microsOfDay - second * MICROS, at);
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
  return unfit(`column ${name} holds ${what}`, cause);
}

/** The 64-bit integer as a double: exact where `Number.isSafeInteger` says so. */
function nearest(words: Int32Array, row: number): number {
  return words[row * 2 + 1] * TWO_TO_32 + (words[row * 2] >>> 0);
}

function exact(words: Int32Array, row: number): bigint {
  return (BigInt(words[row * 2 + 1]) << 32n) | BigInt(words[row * 2] >>> 0);
}
