import { copyBytes, mayStopString, SLACK_BYTES } from '../json/bytes.ts';
import { BACKSLASH, QUOTE, ZERO } from '../json/json-scanner.ts';
import type { Sink } from './encoder.ts';

/** Text is handed out in about this much at a time: it stays in the processor's cache until it is copied. */
const CHUNK_BYTES = 256 * 1024;

/** A string is written in pieces of this length: escaped, even the longest fits into one chunk. */
const PIECE_BYTES = 32 * 1024;

/** The two highest bits of a byte that goes on with a character of UTF-8. */
const CONTINUATION = 0x80;

/** 00 to 99, as the two characters they are written with. */
const PAIRS = Int16Array.from({ length: 100 }, (_, i) => {
  const [first, second] = Buffer.from(String(i).padStart(2, '0'));
  return first | (second << 8);
});

/** Short text that is written over and over: keys, punctuation, `null`. */
export interface Literal {
  readonly bytes: DataView;
  readonly length: number;
}

export function literal(text: string): Literal {
  const utf8 = Buffer.from(text);
  const bytes = new Uint8Array(utf8.length + SLACK_BYTES);
  bytes.set(utf8);
  return { bytes: new DataView(bytes.buffer), length: utf8.length };
}

/**
 * JSON text on its way out as UTF-8. Every method takes the position to write at and returns the one behind what it
 * wrote: kept in a field, the position would be the slowest part.
 *
 * Room is made before a row and for every piece of a string, each time with `reserve` bytes on top: the short writes of
 * a row need not look for room, as long as they take no more together.
 */
export class JsonBytes {
  private readonly view: DataView<ArrayBuffer>;
  private readonly out: Sink;

  /** @param reserve bytes that may be written without making room */
  constructor(reserve: number, out: Sink) {
    this.view = new DataView(new ArrayBuffer(CHUNK_BYTES + reserve + SLACK_BYTES));
    this.out = out;
  }

  /** Hands out what was written up to here. */
  handOut(at: number): number {
    if (at > 0) this.out(new Uint8Array(this.view.buffer, 0, at));
    return 0;
  }

  /** Makes sure that `bytes`, at most a chunk, and the reserve fit. */
  room(bytes: number, at: number): number {
    return at + bytes > CHUNK_BYTES ? this.handOut(at) : at;
  }

  literal({ bytes, length }: Literal, at: number): number {
    copyBytes(bytes, 0, length, this.view, at);
    return at + length;
  }

  /** ASCII text: the digits of a number and the like. */
  ascii(text: string, at: number): number {
    for (let i = 0; i < text.length; i++) this.view.setUint8(at + i, text.charCodeAt(i));
    return at + text.length;
  }

  byte(byte: number, at: number): number {
    this.view.setUint8(at, byte);
    return at + 1;
  }

  /** A whole number from 0 to 99 as two digits. */
  pair(value: number, at: number): number {
    this.view.setInt16(at, PAIRS[value], true);
    return at + 2;
  }

  /** A whole number from 0 to 2 ** 53 - 1 without leading zeros. */
  whole(value: number, at: number): number {
    if (value < 10) return this.byte(ZERO + value, at);
    if (value < 100) return this.pair(value, at);
    const hundreds = Math.floor(value / 100);
    return this.pair(value - hundreds * 100, this.whole(hundreds, at));
  }

  /** A whole number from 0 to 999,999 as six digits. */
  sixDigits(value: number, at: number): number {
    const hundreds = Math.floor(value / 100);
    const tenThousands = Math.floor(value / 10_000);
    this.pair(tenThousands, at);
    this.pair(hundreds - tenThousands * 100, at + 2);
    return this.pair(value - hundreds * 100, at + 4);
  }

  /** Takes back the zeros that were written last. */
  withoutZeros(end: number): number {
    let at = end;
    while (this.view.getUint8(at - 1) === ZERO) at--;
    return at;
  }

  /** UTF-8 bytes as the rest of a JSON string, from behind the opening quote to the closing one. */
  string(source: DataView, from: number, to: number, start: number): number {
    let at = start;
    for (let piece = from, end = from; piece < to; piece = end) {
      end = Math.min(to, piece + PIECE_BYTES);
      while (end < to && (source.getUint8(end) & 0xc0) === CONTINUATION) end--;
      at = this.room((end - piece) * 6, at);
      at = writeText(source, piece, end, this.view, at);
    }
    return this.byte(QUOTE, at);
  }
}

/** Copies the text of a string, four bytes at a time where none needs a look. Returns the position behind it. */
function writeText(
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  start: number,
): number {
  let at = start;
  let i = from;
  while (i < to) {
    const word = source.getInt32(i, true);
    if (!needsLook(word)) {
      target.setInt32(at, word, true);
      i += 4;
      at += 4;
      continue;
    }
    for (const end = Math.min(i + 4, to); i < end; ) {
      const byte = source.getUint8(i);
      const length = byte >= 0xc2 ? lineEndAt(source, i, to) : 0;
      const escaped = length === 0 ? ESCAPES[byte] : LINE_ENDS[source.getUint8(i + length - 1)];
      i += Math.max(1, length);
      if (escaped === undefined) target.setUint8(at++, byte);
      else {
        copyBytes(escaped.bytes, 0, escaped.length, target, at);
        at += escaped.length;
      }
    }
  }
  return at - (i - to);
}

/** For each byte that JSON strings must escape, what is written. Source: RFC 8259, section 7. */
const ESCAPES = Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH
    ? literal(JSON.stringify(String.fromCharCode(byte)).slice(1, -1))
    : undefined,
);

/** Characters at which some readers end a line: U+0085, U+2028, U+2029, by the last byte of their UTF-8. */
const LINE_ENDS: Readonly<Record<number, Literal>> = {
  133: literal('\\u0085'),
  168: literal('\\u2028'),
  169: literal('\\u2029'),
};

/** Bytes of the character at which some readers end a line; 0 for any other. */
function lineEndAt(source: DataView, at: number, to: number): number {
  if (at + 1 >= to) return 0;
  const second = source.getUint8(at + 1);
  if (source.getUint8(at) === 0xc2) return second === 0x85 ? 2 : 0;
  const isSeparator =
    at + 2 < to &&
    source.getUint8(at) === 0xe2 &&
    second === 0x80 &&
    (source.getUint8(at + 2) & 0xfe) === 0xa8;
  return isSeparator ? 3 : 0;
}

/** Whether one of a word's four bytes is a control character, a quote, a backslash or no ASCII. */
function needsLook(word: number): boolean {
  return (word & 0x80808080) !== 0 || mayStopString(word);
}
