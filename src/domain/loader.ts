import type { RecordBatch, Schema } from 'apache-arrow';
import type { Compression, Format } from './pipeline.ts';

/**
 * Turns record batches into the bytes of one file. It touches no disk and holds bounded memory: what it has encoded it
 * hands out and forgets. Calls do not overlap.
 */
export interface Loader {
  /** @returns chunks to append to the file, in order; often none. The caller owns them. */
  write(batch: RecordBatch): Promise<Uint8Array[]>;
  /** Ends the file. @returns the last chunks. No call may follow. */
  finish(): Promise<Uint8Array[]>;
}

export interface LoaderDefinition {
  readonly format: Format;
  /** What the file's name ends with, e.g. `.parquet` or `.ndjson.gz`. */
  extension(compression: Compression | undefined): string;
  /** @throws ExportError (65, load) when the schema has a type that the format cannot carry. */
  open(schema: Schema, compression: Compression | undefined): Loader;
}
