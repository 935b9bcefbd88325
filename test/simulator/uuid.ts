import type { Random } from './random.ts';

/** The 128 bits of a UUID, most significant word first. Word order is text order. */
export type UuidWords = readonly [number, number, number, number];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** True for the canonical 36-character form, in either case. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A random (version 4) UUID. */
export function randomUuid(random: Random): UuidWords {
  return [
    random.uint32(),
    ((random.uint32() & 0xffff0fff) | 0x4000) >>> 0,
    ((random.uint32() & 0x3fffffff) | 0x80000000) >>> 0,
    random.uint32(),
  ];
}

/** The canonical lower-case text of four words. */
export function uuidText(a: number, b: number, c: number, d: number): string {
  return `${hexWord(a)}-${hex(b >>> 16)}-${hex(b)}-${hex(c >>> 16)}-${hex(c)}${hexWord(d)}`;
}

/** The eight hex digits of a 32-bit word. */
export function hexWord(word: number): string {
  return hex(word >>> 16) + hex(word);
}

function hex(sixteenBits: number): string {
  return HEX[(sixteenBits >>> 8) & 0xff] + HEX[sixteenBits & 0xff];
}

/** @returns the words of a UUID's text, or undefined when it is none. */
export function uuidWords(text: string): UuidWords | undefined {
  if (!isUuid(text)) return undefined;
  const digits = text.replaceAll('-', '');
  const word = (index: number): number =>
    Number.parseInt(digits.slice(index * 8, index * 8 + 8), 16);
  return [word(0), word(1), word(2), word(3)];
}
