import type { ResourceLimits, Worker } from 'node:worker_threads';
import { RecordBatchStreamWriter, type Schema } from 'apache-arrow';
import { JOB_SCHEMA } from '../jobs/arrow-schema.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import { postedError, startWorker } from '../platform/worker.ts';
import { PIECE_BYTES } from './pieces.ts';
import type {
  EncodedFile,
  LoaderAnswer,
  LoaderQuestion,
  LoaderRequest,
  LoaderTask,
} from './worker-messages.ts';

export type { EncodedFile } from './worker-messages.ts';

/**
 * A loader of several formats in another thread. Several calls may be under way: they are worked off, and resolve, in
 * the order they were made. After a failure, in whichever format, every call rejects with the first error.
 */
export interface RemoteLoader {
  /**
   * @param ipc record batches as an Arrow IPC stream or file. Copied: the caller may do with it what it likes.
   * @returns for each format, in their order, chunks to append to its file. The caller owns them.
   */
  write(ipc: Uint8Array): Promise<Uint8Array[][]>;
  /**
   * Gives chunks back when they have been written, so that the thread fills the same memory again; they must not be
   * touched any more. It is never necessary, and keeps the process small.
   */
  recycle(chunks: readonly Uint8Array[]): void;
  /** Ends the files and the thread. */
  finish(): Promise<EncodedFile[]>;
  /** Stops the thread at once; calls under way reject. Harmless after `finish`. */
  terminate(): Promise<void>;
}

/** Spent buffers count against the nursery: a small one is cleared often, which keeps the thread tens of MB smaller. */
const LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 4 };

/** Memory for batches is made in multiples of this, so that one batch's fits the next. */
const BATCH_MEMORY = 256 * 1024;

/** Pieces of memory for batches that are kept: about as many as are under way at once. */
const KEPT = 6;

/**
 * Starts one thread that encodes a file of each format. It takes batches at once, and gets to them when its libraries
 * are loaded. One thread, not one a format: another isolate costs its own copy of every library, in memory and in time
 * to load it, two cores have no use for more, and in one thread a batch is decoded and cut into blocks once for all.
 * When the schema has a type a format cannot carry, every call rejects with ExportError (65, load).
 */
export function openRemoteLoader(
  formats: readonly Format[],
  compression: Compression | undefined,
  schema: Schema = JOB_SCHEMA,
): RemoteLoader {
  const task: LoaderTask = { formats, compression, schema: schemaBytes(schema) };
  const line = new LoaderLine(startWorker('load/worker', task, LIMITS));
  return {
    write: (ipc) => line.write(ipc),
    finish: () => line.finish(),
    recycle: (chunks) => line.recycle(chunks),
    terminate: () => line.terminate(),
  };
}

interface Question {
  readonly resolve: (answer: LoaderAnswer) => void;
  readonly reject: (error: ExportError) => void;
}

/** The line to the thread. Matches answers to questions, which come in the same order. */
class LoaderLine {
  readonly #worker: Worker;
  #open: Question[] = [];
  #failure: ExportError | undefined;
  #spare: ArrayBuffer[] = [];

  constructor(worker: Worker) {
    this.#worker = worker;
    this.#expect().catch(() => {});
    worker.on('message', (answer: LoaderAnswer) => {
      if (answer.type === 'failed') this.#fail(postedError(answer.error));
      else this.#open.shift()?.resolve(answer);
    });
    worker.on('error', (thrown) => this.#fail(died(messageOf(thrown), thrown)));
    worker.on('exit', () => this.#fail(died('it ended')));
  }

  async write(ipc: Uint8Array): Promise<Uint8Array[][]> {
    const copy = this.#copy(ipc);
    const answer = await this.#ask({ type: 'write', ipc: copy }, [copy.buffer]);
    if (answer.type !== 'written') throw died(`it answered with '${answer.type}'`);
    if (this.#spare.length < KEPT) this.#spare.push(answer.ipc);
    return answer.chunks;
  }

  async finish(): Promise<EncodedFile[]> {
    const answer = await this.#ask({ type: 'finish' });
    if (answer.type !== 'finished') throw died(`it answered with '${answer.type}'`);
    return answer.files;
  }

  recycle(chunks: readonly Uint8Array[]): void {
    if (this.#failure !== undefined || chunks.length === 0) return;
    const buffers = chunks.map(({ buffer }) => buffer).filter((buffer) => isPiece(buffer));
    const request: LoaderRequest = { type: 'recycle', buffers };
    this.#worker.postMessage(request, buffers);
  }

  async terminate(): Promise<void> {
    this.#fail(died('it was stopped'));
    await this.#worker.terminate();
  }

  /** In memory that travels there and back: it is made once, and collected never. */
  #copy(ipc: Uint8Array): Uint8Array<ArrayBuffer> {
    const spare = this.#spare.pop();
    const memory =
      spare !== undefined && spare.byteLength >= ipc.length
        ? spare
        : new ArrayBuffer(Math.ceil((ipc.length + 1) / BATCH_MEMORY) * BATCH_MEMORY);
    const copy = new Uint8Array(memory, 0, ipc.length);
    copy.set(ipc);
    return copy;
  }

  async #ask(request: LoaderQuestion, transfer: ArrayBuffer[] = []): Promise<LoaderAnswer> {
    if (this.#failure !== undefined) throw this.#failure;
    const answer = this.#expect();
    this.#worker.postMessage(request, transfer);
    return answer;
  }

  #expect(): Promise<LoaderAnswer> {
    return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
  }

  /** Only the first failure counts: those after it are its echo. */
  #fail(error: ExportError): void {
    this.#failure ??= error;
    for (const { reject } of this.#open) reject(this.#failure);
    this.#open = [];
  }
}

function isPiece(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && buffer.byteLength === PIECE_BYTES;
}

function died(how: string, cause?: unknown): ExportError {
  return new ExportError(`the thread that encodes the files failed: ${how}`, {
    exitCode: EXIT.bug,
    stage: 'load',
    cause,
  });
}

function schemaBytes(schema: Schema): Uint8Array {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  return writer.finish().toUint8Array(true);
}
