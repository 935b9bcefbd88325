import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FileContents, FoundColumn } from '../jobs/file-contents.ts';
import { NEWLINE } from '../json/json-scanner.ts';
import {
  type CheckOptions,
  Damage,
  GrowingFile,
  IdChecksum,
  readSome,
  withFile,
} from './check-file.ts';
import { rowReader } from './check-rows.ts';

const INFLATED_BYTES = 256 * 1024;

/** Reads every line. */
export async function readNdjson(
  path: string,
  columns: readonly FoundColumn[],
  { sizes, behind: prefix }: CheckOptions = {},
): Promise<FileContents> {
  const checksum = prefix?.ids.copy() ?? new IdChecksum();
  const readRows = rowReader(columns, (id) => checksum.add(id), prefix?.row);
  if (path.endsWith('.gz')) {
    const pieces = inflated(path);
    try {
      for await (const lines of wholeLines(reader(pieces))) readRows(lines);
    } finally {
      await pieces.return();
    }
  } else {
    await withFile(path, async (handle, size) => {
      const file = new GrowingFile(handle, sizes ?? [size]);
      for await (const lines of wholeLines(behind(file, prefix?.byte))) readRows(lines);
    });
  }
  const found = columns.map(({ name, type, required }) => ({ name, type, required }));
  return { rows: checksum.rows, idChecksum: checksum.hex(), columns: found };
}

/** The content of a gzip file, in pieces. @throws Damage when more follows it */
export async function* inflated(path: string): AsyncGenerator<Uint8Array, void> {
  const file = createReadStream(path);
  const gunzip = createGunzip({ chunkSize: INFLATED_BYTES });
  // An error of either stream comes out of the second, where it is read.
  pipeline(file, gunzip, () => {});
  yield* gunzip;
  if (gunzip.bytesWritten !== file.bytesRead) throw new Damage('more follows its gzip stream');
}

/** Reads what comes in pieces. */
export function reader(pieces: AsyncGenerator<Uint8Array, void>): ReadNext {
  let piece: Uint8Array = new Uint8Array();
  return async (into) => {
    while (piece.length === 0) {
      const next = await pieces.next();
      if (next.done) return 0;
      piece = next.value;
    }
    const taken = piece.subarray(0, into.length);
    into.set(taken);
    piece = piece.subarray(taken.length);
    return taken.length;
  };
}

/** Reads a file from a position on as far as it is written, and waits where it is not. */
export function behind(file: GrowingFile, start = 0): ReadNext {
  let at = start;
  return async (into) => {
    if (!(await file.reaches(at + 1))) return 0;
    const read = readSome(file.handle, into.subarray(0, file.size - at), at);
    at += read;
    return read;
  };
}

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
