import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import type { FoundColumn, ReadBack } from './read-back.ts';
import { Damage } from './read-back-damage.ts';
import { IdChecksum } from './read-back-id-checksum.ts';
import { wholeLines } from './read-back-lines.ts';

const PIECE_BYTES = 256 * 1024;

const TIMESTAMP = /^(?:\d{4}|[+-]\d{6})-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Parses every line. */
export async function readNdjson(path: string, columns: readonly FoundColumn[]): Promise<ReadBack> {
  const checksum = new IdChecksum();
  const check = rowCheck(columns);

  async function consume(pieces: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const lines of wholeLines(pieces)) {
      for (let from = 0; from < lines.length; ) {
        const end = lines.indexOf('\n', from);
        checksum.add(rowId(lines.slice(from, end), checksum.rows + 1, check));
        from = end + 1;
      }
    }
  }

  const file = createReadStream(path, { highWaterMark: PIECE_BYTES });
  if (path.endsWith('.gz')) {
    await pipeline(file, createGunzip({ chunkSize: PIECE_BYTES }), consume);
  } else {
    await pipeline(file, consume);
  }
  const found = columns.map(({ name, type, required }) => ({ name, type, required }));
  return { rows: checksum.rows, idChecksum: checksum.hex(), columns: found };
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
