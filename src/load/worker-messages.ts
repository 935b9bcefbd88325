import type { Compression, Format } from '../jobs/pipeline.ts';
import type { ErrorMessage } from '../platform/worker.ts';

/** What the worker is started with. */
export interface LoaderTask {
  readonly formats: readonly Format[];
  readonly compression: Compression | undefined;
  /** The schema of the files, as an Arrow IPC stream without batches. */
  readonly schema: Uint8Array;
}

/** To the worker: record batches as Arrow IPC, or the end of the files. Each is answered once, in order. */
export type LoaderQuestion =
  | { readonly type: 'write'; readonly ipc: Uint8Array<ArrayBuffer> }
  | { readonly type: 'finish' };

/** To the worker. Memory that is given back gets no answer. */
export type LoaderRequest =
  | LoaderQuestion
  | { readonly type: 'recycle'; readonly buffers: ArrayBuffer[] };

/**
 * From the worker. `ready` comes once, before anything is asked. `written` brings what each file grew by, in the order
 * of the formats, and gives the memory of the batch back.
 */
export type LoaderAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'written'; readonly chunks: Uint8Array[][]; readonly ipc: ArrayBuffer }
  | { readonly type: 'finished'; readonly files: EncodedFile[] }
  | { readonly type: 'failed'; readonly error: ErrorMessage };

/** The end of a file and what the whole of it amounts to. */
export interface EncodedFile {
  /** The last chunks. */
  readonly chunks: Uint8Array[];
  /** Of the whole file, as hex. */
  readonly sha256: string;
  readonly rows: number;
  readonly bytes: number;
}
