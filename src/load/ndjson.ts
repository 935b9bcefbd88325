import { isAscii } from 'node:buffer';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Data, RecordBatch } from 'apache-arrow';
import { formatTimestamp } from '../jobs/timestamp.ts';
import {
  columnsOf,
  type FileEncoder,
  isValid,
  type LoadColumn,
  type OpenEncoder,
  unfit,
} from './encoder.ts';

/** As fast as level 1 and smaller; level 6 takes half as long again for 8% less: docs/decisions.md. */
const GZIP_LEVEL = 3;

/** Text is handed out when it is about as long. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Characters at which some readers end a line. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** ASCII characters that no JSON string may hold. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are meant
const ESCAPED = /["\\\u0000-\u001f]/;

/**
 * Newline-delimited JSON: one object a row with every column of the schema, nulls included, in its order. Compressed
 * as one gzip stream when asked for.
 */
export const openNdjsonFile: OpenEncoder = async (schema, compression) => {
  const encode = lineWriter(columnsOf(schema));
  return compression === 'gzip' ? gzipped(encode) : { encode, finish: () => [] };
};

type LineWriter = (batch: RecordBatch) => Buffer[];

function lineWriter(columns: readonly LoadColumn[]): LineWriter {
  const keys = columns.map(({ name }, i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  return ({ data: { children }, numRows }) => {
    const cells = children.map((data, i) => cellWriter(columns[i], data));
    const chunks: Buffer[] = [];
    let text = '';
    for (let row = 0; row < numRows; row++) {
      for (let i = 0; i < keys.length; i++)
        text += keys[i] + (isValid(children[i], row) ? cells[i](row) : 'null');
      text += '}\n';
      if (text.length < CHUNK_CHARACTERS && row < numRows - 1) continue;
      chunks.push(Buffer.from(text));
      text = '';
    }
    return chunks;
  };
}

/** Writes the value of a row, which is not null, as JSON. */
type CellWriter = (row: number) => string;

/**
 * The cells of one column of a batch: integers digit for digit, timestamps as `formatTimestamp` does, JSON columns as
 * strings that hold JSON.
 */
function cellWriter({ name, type }: LoadColumn, data: Data): CellWriter {
  const { values, valueOffsets, children } = data;
  switch (type) {
    case 'bool':
      return (row) => ((values[row >> 3] >> (row & 7)) & 1 ? 'true' : 'false');
    case 'string':
    case 'json':
      return textWriter(data);
    case 'strings': {
      const [elements] = children;
      const text = textWriter(elements);
      return (row) => {
        const list: string[] = [];
        for (let i = valueOffsets[row]; i < valueOffsets[row + 1]; i++)
          list.push(isValid(elements, i) ? text(i) : 'null');
        return `[${list.join()}]`;
      };
    }
    case 'int64':
      return (row) => String(values[row]);
    case 'float64':
      return (row) => {
        const value: number = values[row];
        if (!Number.isFinite(value))
          throw unfit(`column ${name} holds ${value}, which JSON cannot carry`);
        return Object.is(value, -0) ? '-0' : String(value);
      };
    case 'timestamp':
      return (row) => {
        try {
          return `"${formatTimestamp(values[row])}"`;
        } catch (cause) {
          throw unfit(`column ${name} holds an instant past the years of ISO 8601 dates`, cause);
        }
      };
  }
}

/** Texts as JSON strings. Where all are ASCII they are decoded together. */
function textWriter({ values, valueOffsets, length }: Data): CellWriter {
  const bytes = Buffer.from(values.buffer, values.byteOffset, valueOffsets[length]);
  if (isAscii(bytes)) {
    const all = bytes.toString('latin1');
    const text = (row: number) => all.slice(valueOffsets[row], valueOffsets[row + 1]);
    return ESCAPED.test(all) ? (row) => JSON.stringify(text(row)) : (row) => `"${text(row)}"`;
  }
  const escaped = (end: string): string => `\\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return (row) => {
    const text = bytes.toString('utf8', valueOffsets[row], valueOffsets[row + 1]);
    return JSON.stringify(text).replace(LINE_ENDS, escaped);
  };
}

/** One gzip stream, fed chunk by chunk. The header carries no time, so that equal input gives equal bytes. */
function gzipped(linesOf: LineWriter): FileEncoder {
  const gzip = createGzip({ level: GZIP_LEVEL, chunkSize: 64 * 1024 });
  // The call that met the error rejects; without a listener it would end the process as well.
  gzip.on('error', () => {});
  const ready: Uint8Array[] = [];
  gzip.on('data', (chunk) => ready.push(chunk));
  const taken = () => ready.splice(0);

  return {
    async encode(batch) {
      for (const lines of linesOf(batch))
        await new Promise<void>((resolve, reject) => {
          gzip.write(lines, (error) => (error ? reject(error) : resolve()));
        });
      return taken();
    },
    async finish() {
      gzip.end();
      await finished(gzip);
      return taken();
    },
  };
}
