/**
 * Writes a whole number from 0 to 2 ** 53 - 1 as a variable-length integer: seven bits a byte, least significant first.
 *
 * @returns the position after it
 */
export function writeVarint(value: number, target: Uint8Array, start: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at++] = rest;
  return at;
}
