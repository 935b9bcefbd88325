import type { PublishedFile } from '../domain/manifest.ts';
import type { Format } from '../domain/pipeline.ts';
import type { ReadBack } from '../publish/read-back.ts';
import type { RejectsFile } from './rejects.ts';

/** A loader that lives elsewhere (in a worker thread): record batches go in as Arrow IPC bytes. */
export interface OutputLoader {
  write(ipc: Uint8Array): Promise<Uint8Array[]>;
  finish(): Promise<{
    readonly chunks: Uint8Array[];
    readonly sha256: string;
    readonly rows: number;
  }>;
  /** Gives the memory of chunks back that were written: the loader fills it again. */
  recycle(chunks: readonly Uint8Array[]): void;
  terminate(): Promise<void>;
}

/** A file of the snapshot in the making. */
export interface OutputFile {
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes it durable. @returns its size in bytes */
  finish(): Promise<number>;
}

/** Reads the data files back behind their writers. */
export interface OutputReader {
  finish(): Promise<readonly ReadBack[]>;
  terminate(): Promise<void>;
}

/** Batches a format may be behind with before the fetching has to wait for it. */
const BATCHES_BEHIND = 4;

/** One format on its way from record batches to a file; batches are encoded and written in order. */
export class Output {
  readonly #format: Format;
  readonly #name: string;
  readonly #loader: OutputLoader;
  readonly #file: OutputFile;
  readonly #tellSize: (bytes: number) => void;
  #bytes = 0;
  readonly #behind: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();

  /** @param tellSize told the bytes that are written, each time they are more */
  constructor(
    format: Format,
    name: string,
    loader: OutputLoader,
    file: OutputFile,
    tellSize: (bytes: number) => void,
  ) {
    this.#tellSize = tellSize;
    this.#format = format;
    this.#name = name;
    this.#loader = loader;
    this.#file = file;
  }

  /** Resolves once the output is not too far behind to take another batch. */
  async write(ipc: Uint8Array): Promise<void> {
    const encoded = this.#loader.write(ipc);
    encoded.catch(() => {});
    this.#last = this.#last.then(async () => this.#append(await encoded));
    this.#last.catch(() => {});
    this.#behind.push(this.#last);
    if (this.#behind.length > BATCHES_BEHIND) await this.#behind.shift();
  }

  async #append(chunks: Uint8Array[]): Promise<void> {
    for (const { byteLength } of chunks) this.#bytes += byteLength;
    await this.#file.write(chunks);
    this.#tellSize(this.#bytes);
    this.#loader.recycle(chunks);
  }

  async finish(): Promise<PublishedFile> {
    await this.#last;
    const { chunks, sha256, rows } = await this.#loader.finish();
    await this.#append(chunks);
    const bytes = await this.#file.finish();
    return { format: this.#format, name: this.#name, rows, bytes, sha256 };
  }

  /** Ends the loader; waits for what was being written. */
  async close(): Promise<void> {
    await this.#loader.terminate();
    await this.#last.catch(() => {});
  }
}

/** All files of a snapshot in the making. */
export class Outputs {
  readonly #outputs: readonly Output[];
  readonly #rejects: RejectsFile;
  readonly #follower: OutputReader;

  constructor(outputs: readonly Output[], rejects: RejectsFile, follower: OutputReader) {
    this.#outputs = outputs;
    this.#rejects = rejects;
    this.#follower = follower;
  }

  /** @param ipc a record batch, or undefined when every row of it was set aside */
  async write(ipc: Uint8Array | undefined, rejects: Uint8Array): Promise<void> {
    if (ipc) await Promise.all(this.#outputs.map((output) => output.write(ipc)));
    await this.#rejects.write(rejects);
  }

  /** Ends every file. @returns what was written, the rejects last */
  async finish(): Promise<PublishedFile[]> {
    const written = await Promise.all(this.#outputs.map((output) => output.finish()));
    const rejects = await this.#rejects.finish();
    return rejects ? [...written, { ...rejects, format: 'rejects' }] : written;
  }

  /** What independent readers find in the finished data files, in their order. */
  readBack(): Promise<readonly ReadBack[]> {
    return this.#follower.finish();
  }

  /** Ends what is under way, whatever its state; for good. */
  async close(): Promise<void> {
    await Promise.all(this.#outputs.map((output) => output.close()));
    await this.#follower.terminate();
  }
}
