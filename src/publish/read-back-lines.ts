import { isAscii, isUtf8 } from 'node:buffer';
import { Damage } from './read-back-damage.ts';

const NEWLINE = 0x0a;

/** A line is a row; none that was written is as long, and a string could not be much longer. */
const LONGEST_LINE = 256 * 1024 * 1024;

/**
 * The lines of a UTF-8 text that comes in pieces, several at a time: `lines` holds the text of some, each ended by a
 * newline.
 *
 * @throws Damage when the text is no UTF-8 or does not end with a newline
 */
export async function* wholeLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  let begunBytes = 0;
  for await (const piece of pieces) {
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end > 0) {
      yield text(Buffer.concat([...begun, piece.subarray(0, end)]));
      begun = [];
      begunBytes = 0;
    }
    if (end < piece.length) begun.push(piece.subarray(end));
    begunBytes += piece.length - end;
    if (begunBytes > LONGEST_LINE) throw new Damage('a line is longer than any row');
  }
  if (begunBytes > 0) throw new Damage('its last line is cut off');
}

function text(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1');
  if (!isUtf8(bytes)) throw new Damage('it is not UTF-8');
  return bytes.toString('utf8');
}
