import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { type BaseIndex, IdIndex, IdList } from '../jobs/id-index.ts';
import type { PublishedFile } from '../jobs/manifest.ts';
import { FORMATS, type Format } from '../jobs/pipeline.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { compareKeys } from '../json/raw-job.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { firstWhere } from '../platform/ranges.ts';
import { type BaseFile, openBaseFile } from './base-file.ts';
import { BLOCK_BYTES, BLOCK_ROWS } from './blocks.ts';
import type { Start } from './encoder.ts';
import { fileName, type Known, type Table } from './output.ts';
import { IdChecksum } from './reader.ts';
import { type Key, type SortedRun, wantedRows } from './runs.ts';

/** The snapshot that a run goes on from, or is compared with. */
export interface Base {
  /** Absolute. */
  readonly folder: string;
  /** As its manifest names them. */
  readonly files: readonly PublishedFile[];
  /** How many of its rows carry each anomaly. */
  readonly anomalies: Readonly<Record<string, number>>;
  /** Given exactly when the run goes on from it. */
  readonly index?: BaseIndex | undefined;
  /** Whether what this program writes of the same rows is what stands in its files. */
  readonly canCopy: boolean;
  /** What was created before this instant is in it, or is late. */
  readonly lateBefore: Micros;
}

/** The formats by how fast they are read. */
const READABLE: readonly Format[] = ['arrow', 'parquet', 'ndjson'];

/** Opens one of the data files, all of which hold the same rows. */
export function openBase(base: Pick<Base, 'folder' | 'files'>, schema: Schema): Promise<BaseFile> {
  for (const format of READABLE) {
    const file = base.files.find((found) => found.format === format);
    if (file)
      return openBaseFile({ path: join(base.folder, file.name), format, rows: file.rows }, schema);
  }
  throw new ExportError(`${base.folder} has no data file to go on from`, {
    exitCode: EXIT.data,
    stage: 'load',
  });
}

/** All rows, in order. */
export async function* rowsOf(base: Base, schema: Schema): AsyncGenerator<RecordBatch> {
  const file = await openBase(base, schema);
  try {
    yield* file.batches(0, file.rows);
  } finally {
    await file.close();
  }
}

/** Rows that are read although nobody asked for them, rather than to begin anew behind them. */
const GAP_ROWS = 10_000;

/** The rows of a base, some of which are no longer what they were. */
export class KnownRows {
  readonly #index: BaseIndex;
  readonly #ids: IdList;
  /** Ids of jobs, rows of the base or not, that are replaced or gone. */
  readonly #changed = new IdIndex();
  #touched: Uint8Array | undefined;

  constructor(index: BaseIndex) {
    this.#index = index;
    this.#ids = new IdList(index.ids);
  }

  /** The row of this id, if there is one, is replaced or gone. To be told before rows are asked for. */
  touch(id: Uint8Array): void {
    this.#changed.internBytes(id);
  }

  /** How many rows stand before a key. */
  rowsBefore(key: Key): number {
    return firstWhere(0, this.#index.rows, (row) => compareKeys(this.keyAt(row), key) >= 0);
  }

  keyAt(row: number): Key {
    return { created: this.#index.created[row], id: this.#ids.bytesAt(row) };
  }

  /** The checksum of the ids of the first rows. */
  checksum(rows: number): IdChecksum {
    const checksum = new IdChecksum();
    for (let row = 0; row < rows; row++) checksum.add(this.#ids.bytesAt(row));
    return checksum;
  }

  /** The rows that are replaced or gone, as they were. */
  async *touched(file: BaseFile): AsyncGenerator<RecordBatch> {
    const touched = this.#flags();
    for (let from = touched.indexOf(1); from >= 0; ) {
      let next = from;
      let last = from;
      while (next >= 0 && next - last <= GAP_ROWS) {
        last = next;
        next = touched.indexOf(1, next + 1);
      }
      const start = from;
      yield* wantedRows(
        file.batches(from, last + 1),
        (_keys, _row, place) => touched[start + place] === 1,
      );
      from = next;
    }
  }

  /**
   * The rows from one on that are still what they were.
   *
   * @param visit is shown all of them, with those that are not
   */
  rest(file: BaseFile, from: number, visit: (batch: RecordBatch) => void): SortedRun {
    const { rows } = this.#index;
    const touched = this.#flags();
    const shown = async function* (): AsyncGenerator<RecordBatch> {
      for await (const batch of file.batches(from, rows)) {
        visit(batch);
        yield batch;
      }
    };
    return {
      min: this.keyAt(from),
      max: this.keyAt(rows - 1),
      batchBytes: BLOCK_BYTES + 200 * BLOCK_ROWS,
      batches: () => wantedRows(shown(), (_keys, _row, place) => touched[from + place] === 0),
    };
  }

  /** 1 for each row that is replaced or gone. */
  #flags(): Uint8Array {
    if (this.#touched !== undefined) return this.#touched;
    this.#touched = new Uint8Array(this.#index.rows);
    for (let row = 0; row < this.#touched.length; row++)
      if (this.#changed.hasOf(this.#ids, row)) this.#touched[row] = 1;
    return this.#touched;
  }
}

/**
 * Finds how much of the files of a base may be copied, when rows differ from `row` on. Files are cut where all of them
 * have a block's start, since they go on with the same blocks.
 */
export async function findPrefix(
  { folder, files, canCopy }: Base,
  { name: table, schema, formats, compression }: Table,
  row: number,
): Promise<{ rows: number; copies: Known['copies'] }> {
  const copies = new Map<Format, Start>();
  let rows = 0;
  for (const format of FORMATS.filter((wanted) => canCopy && formats.includes(wanted))) {
    const file = files.find(({ name }) => name === fileName(table, format, compression));
    if (file === undefined) continue;
    const path = join(folder, file.name);
    if (format === 'parquet') {
      const { isCompressed } = await import('./parquet-file.ts');
      if (!(await isCompressed(path, compression))) continue;
    }
    const opened = await openBaseFile({ path, format, rows: file.rows }, schema);
    try {
      // The first is cut the most coarsely: where it has a cut the others have one, at the start of the row's block or line.
      const inBlock = format === 'ndjson' ? rows : rows + 1;
      const cut = await opened.cutBefore(copies.size === 0 ? row : inBlock);
      if (copies.size === 0) rows = cut.row;
      if (rows > 0 && cut.row === rows) copies.set(format, { path, ...cut });
    } finally {
      await opened.close();
    }
  }
  // A line may end anywhere in a block, which the other formats would have to start with.
  const isAnyLine = copies.size === 1 && copies.has('ndjson') && formats.length > 1;
  if (isAnyLine) copies.clear();
  return { rows: copies.size === 0 ? 0 : rows, copies };
}
