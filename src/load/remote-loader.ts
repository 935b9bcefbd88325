import type { ResourceLimits, Worker } from 'node:worker_threads';
import { RecordBatchStreamWriter, type Schema } from 'apache-arrow';
import { JOB_SCHEMA } from '../domain/arrow-schema.ts';
import { EXIT, ExportError, messageOf } from '../domain/errors.ts';
import type { Compression, Format } from '../domain/pipeline.ts';
import { postedError, startWorker } from '../domain/worker.ts';
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
 * A loader in a thread of its own. Several calls may be under way: they are worked off, and resolve, in the order they
 * were made. After a failure every call rejects with the first error.
 */
export interface RemoteLoader {
  /**
   * @param ipc record batches as an Arrow IPC stream or file. Shared, not copied, when it lies in a `SharedArrayBuffer`.
   * @returns chunks to append to the file. The caller owns them.
   */
  write(ipc: Uint8Array): Promise<Uint8Array[]>;
  /**
   * Gives chunks back when they have been written, so that the thread fills the same memory again; they must not be
   * touched any more. It is never necessary, and keeps the process small.
   */
  recycle(chunks: readonly Uint8Array[]): void;
  /** Ends the file and the thread. */
  finish(): Promise<EncodedFile>;
  /** Stops the thread at once; calls under way reject. Harmless after `finish`. */
  terminate(): Promise<void>;
}

/** A loader makes little short-lived garbage: a small nursery is collected often and keeps the thread small. */
const LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 4 };

/**
 * Starts a thread that encodes one file; resolves when it is ready for batches.
 *
 * @throws ExportError (65, load) when the schema has a type the format cannot carry.
 */
export async function openRemoteLoader(
  format: Format,
  compression: Compression | undefined,
  schema: Schema = JOB_SCHEMA,
): Promise<RemoteLoader> {
  const task: LoaderTask = { format, compression, schema: schemaBytes(schema) };
  const thread = new LoaderThread(startWorker('./worker', import.meta.url, task, LIMITS));
  await thread.ready;
  return {
    async write(ipc) {
      const answer = await thread.ask({ type: 'write', ipc });
      return answer.type === 'written' ? answer.chunks : thread.outOfStep(answer);
    },
    async finish() {
      const answer = await thread.ask({ type: 'finish' });
      return answer.type === 'finished' ? answer.file : thread.outOfStep(answer);
    },
    recycle: (chunks) => thread.recycle(chunks),
    terminate: () => thread.terminate(),
  };
}

interface Question {
  readonly resolve: (answer: LoaderAnswer) => void;
  readonly reject: (error: ExportError) => void;
}

/** Matches answers to questions, which come in the same order. */
class LoaderThread {
  readonly ready: Promise<LoaderAnswer>;
  readonly #worker: Worker;
  #open: Question[] = [];
  #failure: ExportError | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    this.ready = this.#expect();
    worker.on('message', (answer: LoaderAnswer) => {
      if (answer.type === 'failed') this.#fail(postedError(answer.error));
      else this.#open.shift()?.resolve(answer);
    });
    worker.on('error', (thrown) => this.#fail(died(messageOf(thrown), thrown)));
    worker.on('exit', () => this.#fail(died('it ended')));
  }

  ask(request: LoaderQuestion): Promise<LoaderAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = this.#expect();
    this.#worker.postMessage(request);
    return answer;
  }

  recycle(chunks: readonly Uint8Array[]): void {
    if (this.#failure !== undefined) return;
    const buffers = chunks.map(({ buffer }) => buffer).filter((buffer) => isPiece(buffer));
    const request: LoaderRequest = { type: 'recycle', buffers };
    this.#worker.postMessage(request, buffers);
  }

  outOfStep(answer: LoaderAnswer): never {
    throw died(`it answered with '${answer.type}'`);
  }

  async terminate(): Promise<void> {
    this.#fail(died('it was stopped'));
    await this.#worker.terminate();
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
  return new ExportError(`the thread that encodes the file failed: ${how}`, {
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
