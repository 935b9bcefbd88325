import { isUtf8 } from 'node:buffer';
import { NEWLINE } from '../json/json-scanner.ts';
import { Damage } from './read-back-damage.ts';

/** Stays in the processor's cache while its rows are read. */
const BLOCK_BYTES = 256 * 1024;

/** A line is a row; none that was written is as long. */
const LONGEST_LINE = 256 * 1024 * 1024;

/** Fills some of `into`, which is not empty, with the next bytes. @returns how many, 0 at the end */
export type ReadNext = (into: Uint8Array) => Promise<number>;

/**
 * The lines of a UTF-8 text, several at a time, each ended by a newline. Their memory is used again for the next ones.
 *
 * @throws Damage when the text is no UTF-8 or does not end with a newline
 */
export async function* wholeLines(readNext: ReadNext): AsyncGenerator<Buffer> {
  let block: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let filled = 0;
  for (;;) {
    const more = await readNext(block.subarray(filled));
    if (more === 0) break;
    filled += more;
    const end = block.subarray(0, filled).lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      const lines = block.subarray(0, end);
      if (!isUtf8(lines)) throw new Damage('it is not UTF-8');
      yield lines;
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
