import { mayStopString, type Token, tokenOf } from './bytes.ts';

export const [TAB, NEWLINE, RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
export const [COMMA, COLON, MINUS, PLUS, DOT] = [0x2c, 0x3a, 0x2d, 0x2b, 0x2e];
export const [ZERO, NINE] = [0x30, 0x39];
const [UPPER_E, LOWER_E, LOWER_U] = [0x45, 0x65, 0x75];
export const [OF_TRUE, OF_FALSE, OF_NULL] = [0x74, 0x66, 0x6e];
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

/** 1 for the bytes at which a string needs a closer look: its end, an escape, a control character. */
const STOPS_STRING = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < SPACE || byte === QUOTE || byte === BACKSLASH ? 1 : 0,
);
const AFTER_BACKSLASH = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrtu'.includes(String.fromCharCode(byte)) ? 1 : 0,
);
const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map(tokenOf);

/** How the bytes of a value relate to what it says. */
export const FORM = {
  /** As they stand: a string without escapes, any other value without white space. */
  plain: 0,
  /** A string with escapes, none of them `\u`. */
  escaped: 1,
  /** A value with `\u` escapes, which may be halves of surrogate pairs; one that is no string may have white space too. */
  unicode: 2,
  /** A value that is no string, with white space between its tokens and without `\u` escapes. */
  spaced: 3,
} as const;

export type Form = (typeof FORM)[keyof typeof FORM];

/** A text is not JSON. `at` is the position of the first byte that cannot be, or the end of a text that breaks off. */
export class NotJson extends SyntaxError {
  override readonly name = 'NotJson';
  readonly at: number;

  constructor(at: number) {
    super(`not JSON at byte ${at}`);
    this.at = at;
  }
}

/**
 * Walks over JSON text in UTF-8, byte by byte, and accepts what `JSON.parse` accepts; it builds nothing. Whoever drives
 * it notes where the values of interest start and end. Nesting has no limit but memory.
 *
 * @see https://www.rfc-editor.org/rfc/rfc8259
 */
export class JsonScanner {
  /** Position of the next byte. */
  at: number;
  /** Where the last key stood, from its opening quote to behind its closing one. */
  keyStart = 0;
  keyEnd = 0;
  /** The bytes that are read. */
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  /** What closes the lists and objects around the place, innermost last. */
  readonly #open: number[] = [];
  #skippedSpace = false;
  #sawUnicode = false;

  /** @param bytes valid UTF-8 */
  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  /** Skips white space. @returns the byte behind it, which is still to be read; undefined at the end of the text */
  peek(): number | undefined {
    const byte = this.#bytes[this.at];
    return byte > SPACE ? byte : this.#skipSpace();
  }

  /** Reads the given byte, white space before it skipped. @throws NotJson when another comes */
  expect(byte: number): void {
    if (this.peek() !== byte) this.fail();
    this.at++;
  }

  /** Reads a comma (and says true) or the closing byte of a list or an object. */
  goesOn(close: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== close) this.fail();
    this.at++;
    return byte === COMMA;
  }

  /** Reads a string that starts here. */
  string(): Form {
    if (this.#bytes[this.at] !== QUOTE) this.fail();
    const bytes = this.#bytes;
    const view = this.view;
    const lastWord = bytes.length - 4;
    let at = this.at + 1;
    let form: Form = FORM.plain;
    for (;;) {
      while (at <= lastWord && !mayStopString(view.getInt32(at, true))) at += 4;
      while (STOPS_STRING[bytes[at]] === 0) at++;
      if (bytes[at] === QUOTE) break;
      const letter = bytes[at + 1];
      if (bytes[at] !== BACKSLASH || AFTER_BACKSLASH[letter] !== 1) this.fail(at);
      if (letter === LOWER_U) {
        form = FORM.unicode;
        this.#sawUnicode = true;
        this.#hexDigits(at + 2);
        at += 6;
      } else {
        if (form === FORM.plain) form = FORM.escaped;
        at += 2;
      }
    }
    this.at = at + 1;
    return form;
  }

  /** Reads a key, quotes included, and the colon behind it. */
  key(): Form {
    this.peek();
    this.keyStart = this.at;
    const form = this.string();
    this.keyEnd = this.at;
    this.expect(COLON);
    return form;
  }

  /** Reads a token if it comes next. @returns whether it did */
  takes({ words, bytes: expected }: Token): boolean {
    const start = this.at;
    const end = start + expected.length;
    if (end > this.#bytes.length) return false;
    const view = this.view;
    let at = start;
    for (let i = 0; i < words.length; i++, at += 4)
      if (view.getInt32(at, true) !== words[i]) return false;
    for (; at < end; at++) if (this.#bytes[at] !== expected[at - start]) return false;
    this.at = end;
    return true;
  }

  /** Reads the start of a list or an object. @returns whether a value comes; false when it is empty, and read */
  enter(opening: number): boolean {
    this.expect(opening);
    const isEmpty = this.peek() === closeOf(opening);
    if (isEmpty) this.at++;
    return !isEmpty;
  }

  /** Reads any value. */
  value(): Form {
    const first = this.peek();
    if (first === QUOTE) return this.string();
    if (first !== OPEN_OBJECT && first !== OPEN_LIST) {
      this.#scalar(first);
      return FORM.plain;
    }
    this.#skippedSpace = false;
    this.#sawUnicode = false;
    this.#container();
    if (this.#sawUnicode) return FORM.unicode;
    return this.#skippedSpace ? FORM.spaced : FORM.plain;
  }

  #container(): void {
    const open = this.#open;
    for (;;) {
      const byte = this.peek();
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (this.enter(byte)) {
          open.push(closeOf(byte));
          if (byte === OPEN_OBJECT) this.key();
          continue;
        }
      } else if (byte === QUOTE) this.string();
      else this.#scalar(byte);
      while (open.length > 0 && !this.goesOn(open[open.length - 1])) open.pop();
      if (open.length === 0) return;
      if (open[open.length - 1] === CLOSE_OBJECT) this.key();
    }
  }

  /** Ends the text. @throws NotJson when anything but white space is left */
  end(): void {
    if (this.peek() !== undefined) this.fail();
  }

  fail(at = this.at): never {
    throw new NotJson(at);
  }

  #skipSpace(): number | undefined {
    const bytes = this.#bytes;
    let at = this.at;
    let byte = bytes[at];
    while (byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB)
      byte = bytes[++at];
    if (at > this.at) this.#skippedSpace = true;
    this.at = at;
    return byte;
  }

  #hexDigits(at: number): void {
    for (let digit = at; digit < at + 4; digit++) {
      if (!isHexDigit(this.#bytes[digit])) this.fail(digit);
    }
  }

  #scalar(first: number | undefined): void {
    if (first === OF_NULL || first === OF_TRUE || first === OF_FALSE) {
      if (!this.takes(first === OF_NULL ? NULL : first === OF_TRUE ? TRUE : FALSE)) this.fail();
    } else this.#number();
  }

  #number(): void {
    const bytes = this.#bytes;
    if (bytes[this.at] === MINUS) this.at++;
    if (bytes[this.at] === ZERO) this.at++;
    else this.#digits();
    if (bytes[this.at] === DOT) {
      this.at++;
      this.#digits();
    }
    if (bytes[this.at] === LOWER_E || bytes[this.at] === UPPER_E) {
      this.at++;
      if (bytes[this.at] === PLUS || bytes[this.at] === MINUS) this.at++;
      this.#digits();
    }
  }

  #digits(): void {
    const start = this.at;
    while (isDigit(this.#bytes[this.at])) this.at++;
    if (this.at === start) this.fail();
  }
}

function closeOf(opening: number): number {
  return opening === OPEN_LIST ? CLOSE_LIST : CLOSE_OBJECT;
}

export function isDigit(byte: number): boolean {
  return byte >= ZERO && byte <= NINE;
}

function isHexDigit(byte: number): boolean {
  const letter = byte | 0x20;
  return isDigit(byte) || (letter >= 0x61 && letter <= 0x66);
}

/** The JSON text of a value without the white space between its tokens: one line, otherwise as it was sent. */
export function compactJson(bytes: Uint8Array, start: number, end: number): Buffer {
  const scanner = new JsonScanner(bytes, start);
  const compact = Buffer.allocUnsafeSlow(end - start);
  let length = 0;
  while (scanner.at < end && scanner.peek() !== undefined && scanner.at < end) {
    const from = scanner.at;
    if (bytes[from] === QUOTE) scanner.string();
    else scanner.at++;
    for (let at = from; at < scanner.at; at++) compact[length++] = bytes[at];
  }
  return compact.subarray(0, length);
}

/** A pair of surrogate escapes; half of one; any other escape, so that none is taken for part of the next. */
const ESCAPES =
  /\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\./g;
const HALF_LENGTH = '\\ud800'.length;

/**
 * JSON text that says each half of a surrogate pair, which no UTF-8 can carry, as the six characters of its escape:
 * `"\ud800"` becomes `"\\ud800"`. A text without such halves is returned as it is.
 *
 * @see docs/columns.md "Halves of surrogate pairs"
 */
export function escapeLoneSurrogates(json: string): string {
  if (!json.includes('\\u')) return json;
  return json.replace(ESCAPES, (found) => (found.length === HALF_LENGTH ? `\\${found}` : found));
}
