import type { LoaderDefinition } from '../domain/loader.ts';
import { type BlockEncoder, blockLoader } from './block-loader.ts';
import type { LoadColumn } from './columns.ts';
import { GzipStream } from './gzip-stream.ts';
import { JsonBytes, literal } from './json-bytes.ts';
import { CELL_BYTES, cellWriter } from './json-cells.ts';
import type { Block } from './row-blocks.ts';

const GZIP_LEVEL = 6;
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

  return {
    async encode(block: Block) {
      const cells = block.columns.map((values, i) => {
        const column = columns[i];
        const key = keyLiterals[i];
        const none = nullLiterals[i];
        if (column === undefined || key === undefined || none === undefined) return () => {};
        const write = cellWriter(column, values, out);
        return (row: number) => {
          if (values.valid[row] === 0) {
            out.literal(none);
          } else {
            out.literal(key);
            write(row);
          }
        };
      });
      for (let row = 0; row < block.rows; row++) {
        out.makeRoom(0);
        for (const cell of cells) cell(row);
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
