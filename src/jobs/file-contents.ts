/** A column as a data file describes it. */
export interface FoundColumn {
  readonly name: string;
  /** A `ColumnType`, or the file's own word for a type this project never writes. */
  readonly type: string;
  readonly required: boolean;
}

/** What a reader that shares no code with the writer finds in a data file. */
export interface FileContents {
  readonly rows: number;
  /** sha256, as hex, of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  /**
   * In file order. An NDJSON file describes no columns: there they are the ones asked for, which every line was found
   * to have.
   */
  readonly columns: readonly FoundColumn[];
}

/** In front of the format of a file of changes, e.g. `changes-parquet`. */
export const CHANGES_PREFIX = 'changes-';
