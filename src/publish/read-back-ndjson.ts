import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { GrowingFile } from './growing-file.ts';
import type { FoundColumn, ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { readSome, withFile } from './read-back-file.ts';
import { IdChecksum } from './read-back-id-checksum.ts';
import { type ReadNext, wholeLines } from './read-back-lines.ts';
import { rowReader } from './read-back-rows.ts';

const INFLATED_BYTES = 256 * 1024;

/** Reads every line, behind the writer if the sizes are given that the file has while it grows. */
export async function readNdjson(
  path: string,
  columns: readonly FoundColumn[],
  sizes?: AsyncIterable<number>,
): Promise<ReadBack> {
  const checksum = new IdChecksum();
  const readRows = rowReader(columns, (id) => checksum.add(id));
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
      for await (const lines of wholeLines(behind(file))) readRows(lines);
    });
  }
  const found = columns.map(({ name, type, required }) => ({ name, type, required }));
  return { rows: checksum.rows, idChecksum: checksum.hex(), columns: found };
}

async function* inflated(path: string): AsyncGenerator<Uint8Array, void> {
  const file = createReadStream(path);
  const gunzip = createGunzip({ chunkSize: INFLATED_BYTES });
  // An error of either stream comes out of the second, where it is read.
  pipeline(file, gunzip, () => {});
  yield* gunzip;
  if (gunzip.bytesWritten !== file.bytesRead) throw new Damage('more follows its gzip stream');
}

/** Reads what comes in pieces. */
function reader(pieces: AsyncGenerator<Uint8Array, void>): ReadNext {
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

/** Reads a file as far as it is written, and waits where it is not. */
function behind(file: GrowingFile): ReadNext {
  let at = 0;
  return async (into) => {
    if (!(await file.reaches(at + 1))) return 0;
    const read = readSome(file.handle, into.subarray(0, file.size - at), at);
    at += read;
    return read;
  };
}
