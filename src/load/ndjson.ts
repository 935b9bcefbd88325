import type { LoaderDefinition } from '../domain/loader.ts';
import { type BlockEncoder, blockLoader } from './block-loader.ts';
import type { LoadColumn } from './columns.ts';
import { GzipStream } from './gzip-stream.ts';
import { JsonBytes, literal } from './json-bytes.ts';
import { CELL_BYTES, type CellWriter, cellWriter } from './json-cells.ts';
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
  open: (schema, compression) =>
    blockLoader(schema, async (columns) =>
      compression === 'gzip' ? gzipped(plain(columns)) : plain(columns),
    ),
};

function plain(columns: readonly LoadColumn[]): BlockEncoder {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const keyLiterals = keys.map((key) => literal(key));
  const nullLiterals = keys.map((key) => literal(`${key}null`));
  const rowBytes = keyLiterals.reduce(
    (sum, key) => sum + key.length + CELL_BYTES,
    END_OF_ROW.length,
  );
  const out = new JsonBytes(rowBytes);

  function cell(i: number, values: BlockColumn): CellWriter {
    const write = cellWriter(columns[i], values, out);
    const key = keyLiterals[i];
    const none = nullLiterals[i];
    return (row) => {
      if (values.valid[row] === 0) {
        out.literal(none);
      } else {
        out.literal(key);
        write(row);
      }
    };
  }

  return {
    async encode({ rows, columns: values }) {
      const cells = values.map((column, i) => cell(i, column));
      for (let row = 0; row < rows; row++) {
        out.makeRoom(0);
        for (const write of cells) write(row);
        out.literal(END_OF_ROW);
      }
      return out.takeFull();
    },
    finish: async () => out.takeRest(),
  };
}

function gzipped(inner: BlockEncoder): BlockEncoder {
  const gzip = new GzipStream(GZIP_LEVEL);
  return {
    encode: async (block) => gzip.write(await inner.encode(block)),
    finish: async () => [...(await gzip.write(await inner.finish())), ...(await gzip.end())],
  };
}
