import type { FileHandle } from 'node:fs/promises';
import type { Schema } from 'apache-arrow';
import type { ColumnType } from '../jobs/columns.ts';
import { instantAt, parseTimestamp } from '../jobs/timestamp.ts';
import { type Token, tokenOf } from '../json/bytes.ts';
import {
  CLOSE_LIST,
  FORM,
  isDigit,
  JsonScanner,
  MINUS,
  NEWLINE,
  OPEN_LIST,
} from '../json/json-scanner.ts';
import { stringAt } from '../json/raw-job.ts';
import { batchOf, ColumnBuilder } from './base-columns.ts';
import type { BaseRows } from './base-file.ts';
import { BLOCK_BYTES, BLOCK_ROWS } from './blocks.ts';
import { Damage, GrowingFile } from './check-file.ts';
import { behind, inflated, reader, wholeLines } from './check-ndjson.ts';
import { columnsOf } from './encoder.ts';

/** So many rows lie between two places that are remembered. */
const MARK_ROWS = BLOCK_ROWS;

const [NULL, TRUE, FALSE, END_OF_ROW] = ['null', 'true', 'false', '}\n'].map(tokenOf);

/** Lines, and the same bytes as a view. */
interface Text {
  readonly bytes: Buffer;
  readonly view: DataView;
}

/** Reads a value that is not null. @returns false when it is none of the column's type */
type ReadCell = (scanner: JsonScanner, text: Text, into: ColumnBuilder) => boolean;

interface LineColumn {
  /** The key, and what stands before it. */
  readonly key: Token;
  readonly required: boolean;
  readonly read: ReadCell;
  /** Undefined: the column is passed over. */
  readonly into: ColumnBuilder | undefined;
}

/**
 * Opens a file of lines as this program writes them, with nothing between their tokens. Where every 2,500th starts is
 * remembered once it was passed, and later reads begin there; what is compressed is read from the start each time.
 */
export function openNdjson(
  file: FileHandle,
  size: number,
  schema: Schema,
  path: string,
  rows: number,
): BaseRows {
  const isCompressed = path.endsWith('.gz');
  const marks = [0];

  /** Whole lines, those of `from` and behind: the first of them starts at `at`, and the lines at `byte` of the file. */
  async function* linesFrom(from: number) {
    const mark = Math.min(marks.length - 1, Math.floor(from / MARK_ROWS));
    let row = mark * MARK_ROWS;
    let byte = marks[mark];
    const pieces = isCompressed ? inflated(path) : undefined;
    const next = pieces ? reader(pieces) : behind(new GrowingFile(file, [size]), byte);
    try {
      for await (const lines of wholeLines(next)) {
        let at = lines.length;
        for (let start = 0; start < lines.length; start = lines.indexOf(NEWLINE, start) + 1) {
          if (!isCompressed && row === marks.length * MARK_ROWS) marks.push(byte + start);
          if (row++ === from) at = start;
        }
        if (row > from) yield { lines, byte, at: at === lines.length ? 0 : at };
        byte += lines.length;
      }
    } finally {
      await pieces?.return();
    }
  }

  return {
    rows: undefined,
    async cutBefore(row) {
      if (isCompressed) return { row: 0, byte: 0 };
      for await (const { byte, at } of linesFrom(row)) return { row, byte: byte + at };
      return { row, byte: size };
    },
    async *batches(from, to, wanted) {
      const builders = new Map(
        wanted.fields.map(({ name, type }) => [name, new ColumnBuilder(type)]),
      );
      const columns = lineColumns(schema, builders);
      const take = () =>
        batchOf(
          wanted,
          [...builders.values()].map((builder) => builder.take()),
        );
      let row = from;
      let [heldRows, heldBytes] = [0, 0];
      for await (const { lines, at } of linesFrom(from)) {
        const text = { bytes: lines, view: viewOf(lines) };
        const scanner = new JsonScanner(lines, at);
        while (row < to && scanner.at < lines.length) {
          const start = scanner.at;
          row++;
          if (!readRow(scanner, text, columns))
            throw new Damage(`line ${row} is not as it was written`);
          heldRows++;
          heldBytes += scanner.at - start;
          if (heldRows < BLOCK_ROWS && heldBytes < BLOCK_BYTES) continue;
          [heldRows, heldBytes] = [0, 0];
          yield take();
        }
        if (scanner.at < lines.length && to === rows)
          throw new Damage(`it has more rows than the ${rows} of its manifest`);
        if (row === to && to < rows) break;
      }
      if (row < to) throw new Damage(`it has ${row} rows, and its manifest says ${rows}`);
      if (heldRows > 0) yield take();
    },
  };
}

function lineColumns(schema: Schema, builders: ReadonlyMap<string, ColumnBuilder>): LineColumn[] {
  return columnsOf(schema).map(({ name, type, required }, i) => ({
    key: tokenOf(`${i === 0 ? '{' : ','}${JSON.stringify(name)}:`),
    required,
    read: CELLS[type],
    into: builders.get(name),
  }));
}

/** @returns false when the line is no row of these columns */
function readRow(scanner: JsonScanner, text: Text, columns: readonly LineColumn[]): boolean {
  for (const { key, required, read, into } of columns) {
    if (!scanner.takes(key)) return false;
    if (into === undefined) scanner.value();
    else if (!required && scanner.takes(NULL)) into.addNull();
    else if (!read(scanner, text, into)) return false;
  }
  return scanner.takes(END_OF_ROW);
}

const CELLS: Readonly<Record<ColumnType, ReadCell>> = {
  string: readText,
  json: readText,
  bool(scanner, _text, into) {
    const isTrue = scanner.takes(TRUE);
    into.addBit(isTrue ? 1 : 0);
    return isTrue || scanner.takes(FALSE);
  },
  int64(scanner, { bytes }, into) {
    const start = scanner.at;
    scanner.value();
    return addWhole(BigInt(bytes.toString('latin1', start, scanner.at)), into);
  },
  float64(scanner, { bytes }, into) {
    const start = scanner.at;
    scanner.value();
    NUMBER.setFloat64(0, Number(bytes.toString('latin1', start, scanner.at)), true);
    into.add(NUMBER, 0, 8);
    return isDigit(bytes[start]) || bytes[start] === MINUS;
  },
  timestamp(scanner, { bytes }, into) {
    const start = scanner.at + 1;
    scanner.string();
    const end = scanner.at - 1;
    const micros = instantAt(bytes, start, end);
    const isUsual = !Number.isNaN(micros);
    const instant = isUsual ? BigInt(micros) : parseTimestamp(bytes.toString('latin1', start, end));
    return addWhole(instant, into);
  },
  strings(scanner, text, into) {
    const { elements } = into;
    if (elements === undefined) return false;
    for (let more = scanner.enter(OPEN_LIST); more; more = scanner.goesOn(CLOSE_LIST)) {
      if (scanner.takes(NULL)) elements.addNull();
      else readText(scanner, text, elements);
    }
    into.endList();
    return true;
  },
};

/** A number on its way into a column. */
const NUMBER = new DataView(new ArrayBuffer(8));

function addWhole(value: bigint | null, into: ColumnBuilder): boolean {
  if (value === null || BigInt.asIntN(64, value) !== value) return false;
  NUMBER.setBigInt64(0, value, true);
  into.add(NUMBER, 0, 8);
  return true;
}

function readText(scanner: JsonScanner, { bytes, view }: Text, into: ColumnBuilder): boolean {
  const start = scanner.at;
  const form = scanner.string();
  const end = scanner.at - 1;
  if (form === FORM.plain) {
    into.add(view, start + 1, end);
    return true;
  }
  const unescaped = Buffer.from(stringAt(bytes, start, end + 1, form));
  into.add(viewOf(unescaped), 0, unescaped.length);
  return true;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
