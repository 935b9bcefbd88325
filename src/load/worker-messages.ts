import type { MessagePort } from 'node:worker_threads';
import type { Compression, Format } from '../domain/pipeline.ts';
import type { ErrorMessage } from '../domain/worker.ts';

/** What the worker is started with: a loader a port. */
export interface LoaderTask {
  readonly port: MessagePort;
  readonly format: Format;
  readonly compression: Compression | undefined;
  /** The schema of the file, as an Arrow IPC stream without batches. */
  readonly schema: Uint8Array;
}

/** To the worker: record batches as Arrow IPC, or the end of the file. Each is answered once, in order. */
export type LoaderQuestion =
  | { readonly type: 'write'; readonly ipc: Uint8Array }
  | { readonly type: 'finish' };

/** To the worker. Memory that is given back gets no answer. */
export type LoaderRequest =
  | LoaderQuestion
  | { readonly type: 'recycle'; readonly buffers: ArrayBuffer[] };

/** From the worker. `ready` comes once a loader, before anything is asked. */
export type LoaderAnswer =
  | { readonly type: 'ready' }
  | { readonly type: 'written'; readonly chunks: Uint8Array[] }
  | { readonly type: 'finished'; readonly file: EncodedFile }
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
