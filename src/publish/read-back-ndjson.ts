import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { FoundColumn, ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { bytesAt } from './read-back-file.ts';
import { IdChecksum } from './read-back-id-checksum.ts';
import { wholeLines } from './read-back-lines.ts';

const PIECE_BYTES = 256 * 1024;

const TIMESTAMP = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Parses every line, behind the writer if the sizes are given that the file has while it grows. */
export async function readNdjson(
  path: string,
  columns: readonly FoundColumn[],
  sizes?: AsyncIterable<number>,
): Promise<ReadBack> {
  const checksum = new IdChecksum();
  const check = rowCheck(columns);

  for await (const lines of wholeLines(sizes ? piecesBehind(path, sizes) : pieces(path))) {
    for (let from = 0; from < lines.length; ) {
      const end = lines.indexOf('\n', from);
      checksum.add(rowId(lines.slice(from, end), checksum.rows + 1, check));
      from = end + 1;
    }
  }
  const found = columns.map(({ name, type, required }) => ({ name, type, required }));
  return { rows: checksum.rows, idChecksum: checksum.hex(), columns: found };
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (!path.endsWith('.gz')) {
    yield* file;
    return;
  }
  const gunzip = createGunzip({ chunkSize: PIECE_BYTES });
  // An error of either stream comes out of the second, where it is read.
  pipeline(file, gunzip, () => {});
  yield* gunzip;
  if (gunzip.bytesWritten !== file.bytesRead) throw new Damage('more follows its gzip stream');
}

/** A file in pieces, each as soon as it is written. */
async function* piecesBehind(
  path: string,
  sizes: AsyncIterable<number>,
): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    let at = 0;
    for await (const size of sizes) {
      while (at < size) {
        const piece = await bytesAt(file, at, Math.min(size, at + PIECE_BYTES));
        at += piece.length;
        yield piece;
      }
    }
  } finally {
    await file.close();
  }
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
