import { copyBytes, SLACK_BYTES } from '../domain/copy-bytes.ts';

const CHUNK_BYTES = 256 * 1024;

/** A string is written in pieces of this length: escaped, even the longest fits into one chunk. */
const PIECE_BYTES = 32 * 1024;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;

/** For each byte that JSON strings must escape, what stands for it. Source: RFC 8259, section 7. */
const ESCAPES: readonly (Literal | undefined)[] = Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === BACKSLASH
    ? literal(JSON.stringify(String.fromCharCode(byte)).slice(1, -1))
    : undefined,
);

/** 00 to 99 as the two characters they are written with. */
const PAIRS = Int16Array.from({ length: 100 }, (_, i) => {
  const [tens, units] = Buffer.from(String(i).padStart(2, '0'));
  return tens | (units << 8);
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
 * JSON text on its way out as UTF-8, in chunks. Room is made before a row and for every piece of a string, each time
 * with `reserve` bytes on top: the short writes of a row need not look for room, as long as they take no more together.
 */
export class JsonBytes {
  private readonly capacity: number;
  private readonly reserve: number;
  private view: DataView<ArrayBuffer>;
  private at = 0;
  private full: Uint8Array[] = [];

  /** @param reserve bytes that may be written without making room */
  constructor(reserve: number) {
    this.reserve = reserve;
    this.capacity = CHUNK_BYTES + reserve;
    this.view = newChunk(this.capacity);
  }

  /** The chunks filled since the last call. The caller owns them. */
  takeFull(): Uint8Array[] {
    const full = this.full;
    this.full = [];
    return full;
  }

  /** Whatever is left, full or not. Nothing may be written afterwards. */
  takeRest(): Uint8Array[] {
    this.cut();
    return this.takeFull();
  }

  /** Makes sure that `bytes`, at most a chunk, and the reserve fit. */
  makeRoom(bytes: number): void {
    if (this.at + bytes + this.reserve > this.capacity) this.cut();
  }

  literal({ bytes, length }: Literal): void {
    copyBytes(bytes, 0, length, this.view, this.at);
    this.at += length;
  }

  /** ASCII text: the digits of a number and the like. */
  ascii(text: string): void {
    for (let i = 0; i < text.length; i++) this.view.setUint8(this.at++, text.charCodeAt(i));
  }

  /** A whole number from 0 to 99 as two digits. */
  pair(value: number): void {
    this.view.setInt16(this.at, PAIRS[value], true);
    this.at += 2;
  }

  /** A whole number from 0 to 2 ** 53 - 1 without leading zeros. */
  whole(value: number): void {
    if (value < 10) this.byte(ZERO + value);
    else if (value < 100) this.pair(value);
    else {
      const hundreds = Math.floor(value / 100);
      this.whole(hundreds);
      this.pair(value - hundreds * 100);
    }
  }

  byte(byte: number): void {
    this.view.setUint8(this.at++, byte);
  }

  /** UTF-8 bytes as a JSON string, quotes included. */
  string(source: DataView, from: number, to: number): void {
    this.byte(QUOTE);
    for (let start = from; start < to; start += PIECE_BYTES) {
      this.escaped(source, start, Math.min(to, start + PIECE_BYTES));
    }
    this.byte(QUOTE);
  }

  /** UTF-8 bytes that are JSON text already, as they are. */
  verbatim(source: DataView, from: number, to: number): void {
    for (let start = from; start < to; start += PIECE_BYTES) {
      const end = Math.min(to, start + PIECE_BYTES);
      this.makeRoom(end - start);
      copyBytes(source, start, end, this.view, this.at);
      this.at += end - start;
    }
  }

  private escaped(source: DataView, from: number, to: number): void {
    this.makeRoom((to - from) * 6);
    const { view } = this;
    let at = this.at;
    let i = from;
    while (i < to) {
      for (; i + 4 <= to; i += 4, at += 4) {
        const word = source.getInt32(i, true);
        if (needsEscape(word)) break;
        view.setInt32(at, word, true);
      }
      for (const end = Math.min(i + 4, to); i < end; i++) {
        const byte = source.getUint8(i);
        const escaped = ESCAPES[byte];
        if (escaped === undefined) {
          view.setUint8(at++, byte);
        } else {
          copyBytes(escaped.bytes, 0, escaped.length, view, at);
          at += escaped.length;
        }
      }
    }
    this.at = at;
  }

  private cut(): void {
    if (this.at === 0) return;
    this.full.push(new Uint8Array(this.view.buffer, 0, this.at));
    this.view = newChunk(this.capacity);
    this.at = 0;
  }
}

/**
 * Whether one of a word's four bytes is a control character, a quote or a backslash, found without looking at each.
 *
 * @see https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
 */
function needsEscape(word: number): boolean {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  const control = (word - 0x20202020) & ~word;
  const special = ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash);
  return ((control | special) & 0x80808080) !== 0;
}

function newChunk(capacity: number): DataView<ArrayBuffer> {
  return new DataView(Buffer.allocUnsafeSlow(capacity + SLACK_BYTES).buffer);
}
