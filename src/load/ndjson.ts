import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Data } from 'apache-arrow';
import {
  columnsOf,
  type FileEncoder,
  isValid,
  type LoadColumn,
  type LoaderDefinition,
  type Sink,
} from './encoder.ts';
import { JsonBytes, type Literal, literal } from './json-bytes.ts';
import { CELL_BYTES, type CellWriter, cellWriter, opening } from './json-cells.ts';

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
  readonly data: Data;
  readonly key: Literal;
  readonly none: Literal;
  readonly write: CellWriter;
}

function plain(columns: readonly LoadColumn[], out: Sink): FileEncoder {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const keyLiterals = keys.map((key, i) => literal(key + opening(columns[i])));
  const nullLiterals = keys.map((key) => literal(`${key}null`));
  const rowBytes = keyLiterals.reduce(
    (sum, key) => sum + key.length + CELL_BYTES,
    END_OF_ROW.length,
  );
  const json = new JsonBytes(rowBytes, out);
  let at = 0;

  return {
    encode({ data: { children }, numRows }) {
      const cells = children.map((data, i) => {
        const write = cellWriter(columns[i], data, json);
        return { data, key: keyLiterals[i], none: nullLiterals[i], write };
      });
      for (let row = 0; row < numRows; row++) at = writeRow(cells, row, json, json.room(0, at));
    },
    finish() {
      at = json.handOut(at);
    },
  };
}

function writeRow(cells: readonly Cell[], row: number, json: JsonBytes, start: number): number {
  let at = start;
  for (const { data, key, none, write } of cells)
    at = isValid(data, row) ? write(row, json.literal(key, at)) : json.literal(none, at);
  return json.literal(END_OF_ROW, at);
}

/** One gzip stream, fed chunk by chunk. The header carries no time, so that equal input gives equal bytes. */
function gzipped(columns: readonly LoadColumn[], out: Sink): FileEncoder {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 64 * 1024 });
  // The call that met the error rejects; without a listener it would end the process as well.
  gzip.on('error', () => {});
  gzip.on('data', out);
  let chunks: Uint8Array[] = [];
  const inner = plain(columns, (chunk) => chunks.push(chunk.slice()));

  /** Resolves when what was written is compressed, and what has come out handed on. */
  async function compress(): Promise<void> {
    for (const chunk of chunks)
      await new Promise<void>((resolve, reject) => {
        gzip.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
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
      gzip.end();
      await finished(gzip);
    },
  };
}
