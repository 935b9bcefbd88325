import {
  MessageChannel,
  type MessagePort,
  type ResourceLimits,
  type Worker,
} from 'node:worker_threads';
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
 * A loader in another thread. Several calls may be under way: they are worked off, and resolve, in the order they
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

/** Spent buffers count against the nursery: a small one is cleared often, which keeps the thread tens of MB smaller. */
const LIMITS: ResourceLimits = { maxYoungGenerationSizeMb: 4 };

/**
 * Starts one thread that encodes a file of each format; resolves when all are ready for batches. One thread, not one a
 * format: another isolate costs its own copy of every library, in memory and in time to load it, and two cores have no
 * use for more.
 *
 * @throws ExportError (65, load) when the schema has a type a format cannot carry.
 */
export async function openRemoteLoaders(
  formats: readonly Format[],
  compression: Compression | undefined,
  schema: Schema = JOB_SCHEMA,
): Promise<RemoteLoader[]> {
  const channels = formats.map((format) => ({ format, ...new MessageChannel() }));
  const tasks = channels.map(
    ({ format, port2: port }): LoaderTask => ({
      format,
      compression,
      port,
      schema: schemaBytes(schema),
    }),
  );
  const ports = channels.map(({ port2 }) => port2);
  const thread = new LoaderThread(
    startWorker('./worker', import.meta.url, tasks, LIMITS, ports),
    formats.length,
  );
  const lines = channels.map(({ port1 }) => new LoaderLine(port1, thread));
  const ready = await Promise.allSettled(lines.map((line) => line.ready));
  const failed = ready.find((result) => result.status === 'rejected');
  if (failed) {
    await Promise.all(lines.map((line) => line.terminate()));
    throw failed.reason;
  }
  return lines.map(remoteLoader);
}

function remoteLoader(line: LoaderLine): RemoteLoader {
  return {
    async write(ipc) {
      const answer = await line.ask({ type: 'write', ipc });
      return answer.type === 'written' ? answer.chunks : line.outOfStep(answer);
    },
    async finish() {
      const answer = await line.ask({ type: 'finish' });
      return answer.type === 'finished' ? answer.file : line.outOfStep(answer);
    },
    recycle: (chunks) => line.recycle(chunks),
    terminate: () => line.terminate(),
  };
}

/** The thread behind a few loaders; it is stopped once none of them needs it. */
class LoaderThread {
  readonly #worker: Worker;
  #users: number;

  constructor(worker: Worker, users: number) {
    this.#worker = worker;
    this.#worker.setMaxListeners(2 * users + 2);
    this.#users = users;
  }

  onEnd(listener: (error: ExportError) => void): void {
    this.#worker.on('error', (thrown) => listener(died(messageOf(thrown), thrown)));
    this.#worker.on('exit', () => listener(died('it ended')));
  }

  async leave(): Promise<void> {
    if (--this.#users === 0) await this.#worker.terminate();
  }
}

interface Question {
  readonly resolve: (answer: LoaderAnswer) => void;
  readonly reject: (error: ExportError) => void;
}

/** The line to one loader of the thread. Matches answers to questions, which come in the same order. */
class LoaderLine {
  readonly ready: Promise<LoaderAnswer>;
  readonly #port: MessagePort;
  readonly #thread: LoaderThread;
  #open: Question[] = [];
  #failure: ExportError | undefined;
  #left: Promise<void> | undefined;

  constructor(port: MessagePort, thread: LoaderThread) {
    this.#port = port;
    this.#thread = thread;
    this.ready = this.#expect();
    port.on('message', (answer: LoaderAnswer) => {
      if (answer.type === 'failed') this.#fail(postedError(answer.error));
      else this.#open.shift()?.resolve(answer);
    });
    thread.onEnd((error) => this.#fail(error));
  }

  ask(request: LoaderQuestion): Promise<LoaderAnswer> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const answer = this.#expect();
    this.#port.postMessage(request);
    return answer;
  }

  recycle(chunks: readonly Uint8Array[]): void {
    if (this.#failure !== undefined) return;
    const buffers = chunks.map(({ buffer }) => buffer).filter((buffer) => isPiece(buffer));
    const request: LoaderRequest = { type: 'recycle', buffers };
    this.#port.postMessage(request, buffers);
  }

  outOfStep(answer: LoaderAnswer): never {
    throw died(`it answered with '${answer.type}'`);
  }

  async terminate(): Promise<void> {
    this.#fail(died('it was stopped'));
    this.#port.close();
    this.#left ??= this.#thread.leave();
    await this.#left;
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
