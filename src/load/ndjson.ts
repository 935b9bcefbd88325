import { columnsOf, type LoadColumn } from './columns.ts';
import { GzipStream } from './gzip-stream.ts';
import { JsonBytes, type Literal, literal } from './json-bytes.ts';
import { CELL_BYTES, type CellWriter, cellWriter, checkOneLine, opening } from './json-cells.ts';
import type { BlockEncoder, LoaderDefinition, Sink } from './loader.ts';
import type { BlockColumn } from './row-blocks.ts';

/** As fast as level 1 and smaller; level 6 takes half as long again for 8% less: docs/decisions.md. */
const GZIP_LEVEL = 3;
const END_OF_ROW = literal('}\n');

/**
 * Newline-delimited JSON: one object a row with every column of the schema, nulls included, in its order. Compressed
 * as one gzip stream when asked for.
 */
export const ndjson: LoaderDefinition = {
  format: 'ndjson',
  extension: (compression) => (compression === 'gzip' ? '.ndjson.gz' : '.ndjson'),
  async open(schema, compression, out) {
    const columns = columnsOf(schema);
    return compression === 'gzip' ? gzipped(columns, out) : plain(columns, out);
  },
};

/** A column, ready to be written row by row. */
interface Cell {
  readonly column: BlockColumn;
  readonly key: Literal;
  readonly none: Literal;
  readonly write: CellWriter;
}

function plain(columns: readonly LoadColumn[], out: Sink): BlockEncoder {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const keyLiterals = keys.map((key, i) => literal(key + opening(columns[i])));
  const nullLiterals = keys.map((key) => literal(`${key}null`));
  const rowBytes = keyLiterals.reduce(
    (sum, key) => sum + key.length + CELL_BYTES,
    END_OF_ROW.length,
  );
  const json = new JsonBytes(rowBytes, out);
  let cells: readonly Cell[] | undefined;
  let at = 0;

  function cell(column: BlockColumn, i: number): Cell {
    const write = cellWriter(columns[i], column, json);
    return { column, key: keyLiterals[i], none: nullLiterals[i], write };
  }

  return {
    async encode(block) {
      cells ??= block.columns.map(cell);
      for (const [i, { column }] of cells.entries()) checkOneLine(columns[i], column);
      for (let row = 0; row < block.rows; row++) at = writeRow(cells, row, json, json.room(0, at));
    },
    async finish() {
      at = json.handOut(at);
    },
  };
}

function writeRow(cells: readonly Cell[], row: number, json: JsonBytes, start: number): number {
  let at = start;
  for (const { column, key, none, write } of cells) {
    at = column.valid[row] === 0 ? json.literal(none, at) : write(row, json.literal(key, at));
  }
  return json.literal(END_OF_ROW, at);
}

function gzipped(columns: readonly LoadColumn[], out: Sink): BlockEncoder {
  const gzip = new GzipStream(GZIP_LEVEL, out);
  let chunks: Uint8Array[] = [];
  const inner = plain(columns, (chunk) => chunks.push(chunk.slice()));

  async function compress(): Promise<void> {
    for (const chunk of chunks) await gzip.write(chunk);
    chunks = [];
  }

  return {
    async encode(block) {
      await inner.encode(block);
      await compress();
    },
    async finish() {
      await inner.finish();
      await compress();
      await gzip.end();
    },
  };
}
