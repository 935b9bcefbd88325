import { isAscii, isUtf8 } from 'node:buffer';
import { Damage } from './read-back-damage.ts';

const NEWLINE = 0x0a;

/** Below what V8 allocates apart from short-lived strings, which costs more than to read more often. */
const BLOCK_BYTES = 120 * 1024;

/** A line is a row; none that was written is as long, and a string could not be much longer. */
const LONGEST_LINE = 256 * 1024 * 1024;

/** Fills some of `into`, which is not empty, with the next bytes. @returns how many, 0 at the end */
export type ReadNext = (into: Uint8Array) => Promise<number>;

/**
 * The lines of a UTF-8 text, several at a time: each string is the text of some, each ended by a newline.
 *
 * @throws Damage when the text is no UTF-8 or does not end with a newline
 */
export async function* wholeLines(readNext: ReadNext): AsyncGenerator<string> {
  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let filled = 0;
  for (;;) {
    const more = await readNext(block.subarray(filled));
    if (more === 0) break;
    filled += more;
    const end = block.subarray(0, filled).lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      yield text(block.subarray(0, end));
      block.copyWithin(0, end, filled);
      filled -= end;
    } else if (filled === block.length) block = longer(block);
  }
  if (filled > 0) throw new Damage('its last line is cut off');
}

function longer(block: Buffer): Buffer {
  if (2 * block.length > LONGEST_LINE) throw new Damage('a line is longer than any row');
  const twice = Buffer.allocUnsafeSlow(2 * block.length);
  block.copy(twice);
  return twice;
}

function text(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (!isUtf8(bytes)) throw new Damage('it is not UTF-8');
  return bytes.toString('utf8');
}
