export const WORD_BYTES = 4;

/** Bytes that must follow what `copyBytes` reads and what it writes. */
export const SLACK_BYTES = 4;

/** Longer runs are copied faster by the runtime. */
const LONG = 256;

/**
 * Copies a short run of bytes, four at a time: calls into the runtime cost more than the copying, a byte at a time is
 * three times slower. Up to three bytes after the run are overwritten.
 */
export function copyBytes(
  source: DataView,
  from: number,
  to: number,
  target: DataView,
  at: number,
): void {
  if (to - from > LONG) {
    bytesOf(target).set(bytesOf(source).subarray(from, to), at);
    return;
  }
  for (let i = from, j = at; i < to; i += 4, j += 4)
    target.setInt32(j, source.getInt32(i, true), true);
}

/** The same numbers, with room for as many more. */
export function twiceAsLong(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(2 * numbers.length);
  longer.set(numbers);
  return longer;
}

function bytesOf(view: DataView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Text to look for in JSON, with its bytes also as words: four of them are compared as fast as one. */
export interface Token {
  readonly bytes: Uint8Array;
  /** Little-endian; without the bytes that do not fill one. */
  readonly words: Int32Array;
}

export function tokenOf(text: string): Token {
  const bytes = Buffer.from(text);
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, i) => bytes.readInt32LE(i * 4));
  return { bytes, words };
}

/**
 * Whether one of the four bytes of a word may not stand in a JSON string as it is: a control character, a quote, a
 * backslash. A byte below n, and no other, has its highest bit set in `(word - n in each byte) & ~word`, unless one
 * below it has; a quote and a backslash are turned into 0, which is below 1.
 */
export function mayStopString(word: number): boolean {
  const control = (word - 0x20202020) & ~word;
  const quoted = word ^ 0x22222222;
  const quote = (quoted - 0x01010101) & ~quoted;
  const escaped = word ^ 0x5c5c5c5c;
  const backslash = (escaped - 0x01010101) & ~escaped;
  return ((control | quote | backslash) & 0x80808080) !== 0;
}

/** How many of the four bytes of a little-endian word come before its first backslash; 4 when it has none. */
export function bytesBeforeBackslash(word: number): number {
  const turned = word ^ 0x5c5c5c5c;
  const found = (turned - 0x01010101) & ~turned & 0x80808080;
  return found === 0 ? WORD_BYTES : (31 - Math.clz32(found & -found)) >> 3;
}
