import { Data, DataType, makeData, type RecordBatch, type Schema } from 'apache-arrow';
import { batchOf } from '../jobs/column-buffers.ts';
import { firstWhere } from '../platform/ranges.ts';

/** Rows of a full block: a Parquet page or an Arrow record batch of the file. */
export const BLOCK_ROWS = 2_500;

/** Bytes of text a block holds at most, unless its only row has more. */
export const BLOCK_BYTES = 8 * 1024 * 1024;

/** Rows of a record batch, `from` (inclusive) to `to` (exclusive). */
export interface Rows {
  readonly batch: RecordBatch;
  readonly from: number;
  readonly to: number;
}

/**
 * Cuts a stream of rows into blocks. Where a block ends depends on the rows alone, never on how they came, so that the
 * same rows always make the same file.
 */
export class Blocks {
  readonly #maxBytes: number;
  #held: Rows[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(maxBytes = BLOCK_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Yields the blocks that these rows fill. The rest is held, and with it its batch. */
  *add({ batch, from, to }: Rows): Generator<RecordBatch> {
    for (let at = from; at < to; ) {
      const end = this.#rowsThatFit(batch, at, to);
      if (end > at) this.#hold({ batch, from: at, to: end });
      if (this.#rows === BLOCK_ROWS || end < to) yield* this.rest();
      at = end;
    }
  }

  /** Yields the rows that have not filled a block, if any. */
  *rest(): Generator<RecordBatch> {
    if (this.#rows === 0) return;
    const rows = this.#held;
    this.#held = [];
    this.#rows = 0;
    this.#bytes = 0;
    yield gather(rows);
  }

  #hold(rows: Rows): void {
    const last = this.#held.at(-1);
    if (last?.batch === rows.batch && last.to === rows.from)
      this.#held[this.#held.length - 1] = { ...last, to: rows.to };
    else this.#held.push(rows);
    this.#rows += rows.to - rows.from;
    this.#bytes += textBytes(rows.batch.data.children, rows.from, rows.to);
  }

  /** The end of the longest run of rows from `from` on that the block can take; one row at least if it is empty. */
  #rowsThatFit(batch: RecordBatch, from: number, to: number): number {
    const last = Math.min(to, from + BLOCK_ROWS - this.#rows);
    const room = this.#maxBytes - this.#bytes;
    if (textBytes(batch.data.children, from, last) <= room) return last;
    const tooMany = (end: number) => textBytes(batch.data.children, from, end) > room;
    const fits = firstWhere(from + 1, last, tooMany) - 1;
    return fits === from && this.#rows === 0 ? from + 1 : fits;
  }
}

/** The same rows in blocks. */
export async function* inBlocks(
  rows: AsyncIterable<Rows>,
  maxBytes?: number,
): AsyncGenerator<RecordBatch> {
  const blocks = new Blocks(maxBytes);
  for await (const some of rows) yield* blocks.add(some);
  yield* blocks.rest();
}

/** Bytes of the strings, those in lists included, in the rows `from` to `to`. */
export function textBytes(columns: readonly Data[], from: number, to: number): number {
  let bytes = 0;
  for (const { valueOffsets, children } of columns) {
    if (valueOffsets === undefined) continue;
    const start = valueOffsets[from];
    const end = valueOffsets[to];
    const [elements] = children;
    bytes += elements === undefined ? end - start : textBytes([elements], start, end);
  }
  return bytes;
}

/**
 * One record batch of these rows, of one or more batches of the same schema. Where they are all of one batch no
 * value or text is copied. Its buffers are as long as the rows need either way, so that the same rows are written as the same bytes.
 */
export function gather(rows: readonly Rows[]): RecordBatch {
  const { schema } = rows[0].batch;
  const columns = schema.fields.map((_, i) =>
    rows.map(({ batch, from, to }) => ({ data: batch.data.children[i], from, to })),
  );
  return gatherColumns(schema, columns);
}

/** One record batch of columns of the same length, each of pieces of its own. */
export function gatherColumns(schema: Schema, columns: readonly (readonly Piece[])[]): RecordBatch {
  const children = schema.fields.map(({ type }, i) => gatherColumn(type, columns[i]));
  return batchOf(schema, children);
}

const NO_BITS = new Uint8Array(0);

/** Values of a column, `from` (inclusive) to `to` (exclusive). */
export interface Piece {
  readonly data: Data;
  readonly from: number;
  readonly to: number;
}

function gatherColumn(type: DataType, pieces: readonly Piece[]): Data {
  const length = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const whole = wholeOf(pieces);
  const { bits, set } = pieces.every(({ data }) => data.nullCount === 0)
    ? { bits: NO_BITS, set: length }
    : gatherBits(pieces, length, ({ nullBitmap }) => nullBitmap ?? undefined);
  const nulls = length - set;
  const bitmap = nulls === 0 ? NO_BITS : bits;
  if (DataType.isBool(type)) {
    const values = gatherBits(pieces, length, (data) => data.values).bits;
    return new Data(type, 0, length, nulls, [undefined, values, bitmap]);
  }
  if (DataType.isUtf8(type)) {
    const offsets = whole?.valueOffsets.subarray(0, length + 1) ?? gatherOffsets(pieces, length);
    const text = whole?.values.subarray(0, offsets[length]) ?? texts(pieces, offsets[length]);
    return new Data(type, 0, length, nulls, [offsets, text, bitmap]);
  }
  if (DataType.isList(type)) {
    const valueOffsets = gatherOffsets(pieces, length);
    const elements = pieces.map(({ data: { children, valueOffsets }, from, to }) => {
      return { data: children[0], from: valueOffsets[from], to: valueOffsets[to] };
    });
    const child = gatherColumn(type.valueType, elements);
    return makeData({ type, length, nullCount: nulls, nullBitmap: bitmap, valueOffsets, child });
  }
  const values = whole?.values.subarray(0, length) ?? fixedValues(type, pieces, length);
  return new Data(type, 0, length, nulls, [undefined, values, bitmap]);
}

/** The column whose rows the only piece is, all of them and from the start of its buffers. */
function wholeOf([{ data, from, to }, ...others]: readonly Piece[]): Data | undefined {
  const isWhole =
    others.length === 0 && from === 0 && to === data.length && to > 0 && data.offset === 0;
  return isWhole && (data.valueOffsets?.[0] ?? 0) === 0 ? data : undefined;
}

function fixedValues(type: DataType, pieces: readonly Piece[], length: number) {
  const values = DataType.isFloat(type) ? new Float64Array(length) : new BigInt64Array(length);
  let at = 0;
  for (const { data, from, to } of pieces) {
    values.set(data.values.subarray(from, to), at);
    at += to - from;
  }
  return values;
}

/** The offsets of all pieces, one behind the other, from 0. */
function gatherOffsets(pieces: readonly Piece[], length: number): Int32Array {
  const offsets = new Int32Array(length + 1);
  let at = 0;
  for (const { data, from, to } of pieces) {
    const source: Int32Array = data.valueOffsets;
    const shift = offsets[at] - source[from];
    for (let row = from + 1; row <= to; row++) offsets[++at] = source[row] + shift;
  }
  return offsets;
}

function texts(pieces: readonly Piece[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const { data, from, to } of pieces) {
    const text: Uint8Array = data.values.subarray(data.valueOffsets[from], data.valueOffsets[to]);
    bytes.set(text, at);
    at += text.length;
  }
  return bytes;
}

/** The bits of all pieces, least significant first; of a piece that has none they are all set. */
function gatherBits(
  pieces: readonly Piece[],
  length: number,
  bitsOf: (data: Data) => Uint8Array | undefined,
): { bits: Uint8Array; set: number } {
  const bits = new Uint8Array((length + 7) >> 3);
  let [at, set] = [0, 0];
  for (const { data, from, to } of pieces) {
    const source = bitsOf(data);
    const isFull = source === undefined || source.length === 0;
    for (let i = data.offset + from; i < data.offset + to; i++, at++) {
      const bit = isFull ? 1 : (source[i >> 3] >> (i & 7)) & 1;
      bits[at >> 3] |= bit << (at & 7);
      set += bit;
    }
  }
  return { bits, set };
}
