import type { Data, RecordBatch } from 'apache-arrow';
import { EXIT, ExportError } from '../platform/errors.ts';
import { BoolColumn, FixedColumn, ListColumn, TextColumn } from './block-columns.ts';
import { columnsOf, type LoadColumn, sameColumns } from './columns.ts';

/** Rows of a full block: a Parquet page or an Arrow record batch of the file. Divides a row group evenly. */
export const BLOCK_ROWS = 5_000;

/** Bytes of text a block holds at most, unless its only row has more. */
export const BLOCK_BYTES = 8 * 1024 * 1024;

export type BlockColumn = FixedColumn | BoolColumn | TextColumn | ListColumn;

/** Rows on their way into a file, column by column, in the order of the schema. All blocks share their columns. */
export interface Block {
  readonly rows: number;
  readonly columns: readonly BlockColumn[];
}

/**
 * Cuts a stream of record batches into blocks. Where a block ends depends on the rows alone, never on how they were
 * batched, so that the same rows always make the same file.
 */
export class RowBlocks {
  readonly #columns: readonly LoadColumn[];
  readonly #held: readonly BlockColumn[];
  #rows = 0;
  #bytes = 0;
  #knownSchema: unknown;

  constructor(columns: readonly LoadColumn[]) {
    this.#columns = columns;
    this.#held = columns.map(blockColumn);
  }

  /**
   * Yields the blocks that this batch fills. A block's arrays are used again: it is good until the next is asked for.
   *
   * @throws ExportError (70, load) for a batch of another schema, (65, load) for a null in a required column.
   */
  *add(batch: RecordBatch): Generator<Block> {
    this.#checkSchema(batch);
    let from = 0;
    while (from < batch.numRows) {
      const to = this.#rowsThatFit(batch, from);
      if (to > from) this.#append(batch, from, to);
      if (this.#rows === BLOCK_ROWS || to < batch.numRows) yield* this.rest();
      from = to;
    }
  }

  /** Yields the rows that have not filled a block, if any. */
  *rest(): Generator<Block> {
    if (this.#rows === 0) return;
    yield { rows: this.#rows, columns: this.#held };
    for (const column of this.#held) column.clear();
    this.#rows = 0;
    this.#bytes = 0;
  }

  #checkSchema(batch: RecordBatch): void {
    if (batch.schema === this.#knownSchema) return;
    if (!sameColumns(columnsOf(batch.schema), this.#columns)) {
      throw new ExportError('a record batch has other columns than the file it is written to', {
        exitCode: EXIT.bug,
        stage: 'load',
      });
    }
    this.#knownSchema = batch.schema;
  }

  /** The end of the longest run of rows from `from` on that the block can take; one row at least if it is empty. */
  #rowsThatFit(batch: RecordBatch, from: number): number {
    const last = Math.min(batch.numRows, from + BLOCK_ROWS - this.#rows);
    const room = BLOCK_BYTES - this.#bytes;
    if (textBytes(batch.data.children, from, last) <= room) return last;
    let fits = from;
    let tooFar = last;
    while (tooFar - fits > 1) {
      const middle = (fits + tooFar) >> 1;
      if (textBytes(batch.data.children, from, middle) <= room) fits = middle;
      else tooFar = middle;
    }
    return fits === from && this.#rows === 0 ? from + 1 : fits;
  }

  #append(batch: RecordBatch, from: number, to: number): void {
    this.#bytes += textBytes(batch.data.children, from, to);
    this.#rows += to - from;
    for (const [i, column] of this.#held.entries()) {
      column.append(batch.data.children[i], from, to);
      const { name, nullable } = this.#columns[i];
      if (!nullable && column.nulls > 0) {
        throw new ExportError(`column ${name} must have a value in every row, and one has none`, {
          exitCode: EXIT.data,
          stage: 'load',
        });
      }
    }
  }
}

function blockColumn({ type }: LoadColumn): BlockColumn {
  if (type === 'bool') return new BoolColumn();
  if (type === 'strings') return new ListColumn();
  return type === 'string' || type === 'json' ? new TextColumn() : new FixedColumn();
}

/** Bytes of the strings, those in lists included, in the rows `from` to `to`. */
function textBytes(columns: readonly Data[], from: number, to: number): number {
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
