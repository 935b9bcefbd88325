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
