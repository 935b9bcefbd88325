import { createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FoundColumn, ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { readSome, withFile } from './read-back-file.ts';
import { IdChecksum } from './read-back-id-checksum.ts';
import { type ReadNext, wholeLines } from './read-back-lines.ts';

const INFLATED_BYTES = 256 * 1024;

const TIMESTAMP = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Parses every line, behind the writer if the sizes are given that the file has while it grows. */
export async function readNdjson(
  path: string,
  columns: readonly FoundColumn[],
  sizes?: AsyncIterable<number>,
): Promise<ReadBack> {
  const checksum = new IdChecksum();
  const check = rowCheck(columns);
  const addRows = (lines: string): void => {
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf('\n', from);
      checksum.add(rowId(lines.slice(from, end), checksum.rows + 1, check));
      from = end + 1;
    }
  };
  if (path.endsWith('.gz')) {
    const pieces = inflated(path);
    try {
      for await (const lines of wholeLines(reader(pieces))) addRows(lines);
    } finally {
      await pieces.return();
    }
  } else {
    await withFile(path, async (file, size) => {
      for await (const lines of wholeLines(behind(file, sizes ?? [size]))) addRows(lines);
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
function behind(file: FileHandle, sizes: AsyncIterable<number> | Iterable<number>): ReadNext {
  const growing = sizesOf(sizes);
  let at = 0;
  let size = 0;
  return async (into) => {
    while (at >= size) {
      const next = await growing.next();
      if (next.done) return 0;
      size = next.value;
    }
    const read = readSome(file, into.subarray(0, size - at), at);
    at += read;
    return read;
  };
}

async function* sizesOf(
  sizes: AsyncIterable<number> | Iterable<number>,
): AsyncGenerator<number, void> {
  yield* sizes;
}

function rowId(line: string, number: number, check: RowCheck): string {
  const row = parsed(line);
  if (!isRow(row)) throw new Damage(`line ${number} is no JSON object`);
  const wrong = check(row);
  if (wrong !== undefined) throw new Damage(`line ${number} ${wrong}`);
  if (typeof row.id !== 'string') throw new Damage(`line ${number} has no id`);
  return row.id;
}

type Row = Readonly<Record<string, unknown>>;

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The parser's own message would quote the line. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Says what is wrong with a row, or nothing. */
type RowCheck = (row: Row) => string | undefined;

function rowCheck(columns: readonly FoundColumn[]): RowCheck {
  const expected = columns.map((column) => ({ name: column.name, fits: valueCheck(column) }));
  return (row) => {
    let i = 0;
    for (const name in row) {
      const column = expected[i++];
      if (name !== column?.name) return 'has other columns';
      if (!column.fits(row[name])) return `has a wrong value in ${name}`;
    }
    return i === expected.length ? undefined : 'lacks columns';
  };
}

function valueCheck({ type, required }: FoundColumn): (value: unknown) => boolean {
  const check = VALUE_CHECKS[type] ?? (() => true);
  return required ? check : (value) => value === null || check(value);
}

const VALUE_CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  int64: (value) => Number.isInteger(value),
  float64: (value) => typeof value === 'number',
  bool: (value) => typeof value === 'boolean',
  timestamp: (value) => typeof value === 'string' && TIMESTAMP.test(value),
  strings: (value) =>
    Array.isArray(value) && value.every((item) => item === null || typeof item === 'string'),
};
