import type { Format } from '../jobs/pipeline.ts';
import type { PublishedFile } from '../publish/manifest.ts';
import type { ReadBack } from '../publish/read-back.ts';
import type { RejectsFile } from './rejects.ts';

/** The end of a file and what the whole of it amounts to. */
export interface FileEnd {
  readonly chunks: Uint8Array[];
  readonly sha256: string;
  readonly rows: number;
}

/** A loader that lives elsewhere (in a worker thread) and makes a file of each format. */
export interface OutputLoader {
  /** @param ipc record batches @returns what each file grows by, in the order of the formats */
  write(ipc: Uint8Array): Promise<Uint8Array[][]>;
  finish(): Promise<FileEnd[]>;
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
export const BATCHES_BEHIND = 4;

/** One format on its way from record batches to a file; batches are encoded and written in order. */
export class Output {
  readonly #format: Format;
  readonly #name: string;
  readonly #file: OutputFile;
  readonly #loader: Pick<OutputLoader, 'recycle'>;
  readonly #tellSize: (bytes: number) => void;
  #bytes = 0;
  readonly #behind: Promise<void>[] = [];
  #last: Promise<void> = Promise.resolve();

  /** @param tellSize told the bytes that are written, each time they are more */
  constructor(
    format: Format,
    name: string,
    file: OutputFile,
    loader: Pick<OutputLoader, 'recycle'>,
    tellSize: (bytes: number) => void,
  ) {
    this.#tellSize = tellSize;
    this.#format = format;
    this.#name = name;
    this.#loader = loader;
    this.#file = file;
  }

  /**
   * Appends what the loader makes of a batch. Resolves once the output is not too far behind to take another.
   *
   * @param encoded what the loader makes of a batch for all formats; this one's is at index `at`
   */
  async write(encoded: Promise<Uint8Array[][]>, at: number): Promise<void> {
    this.#last = this.#last.then(async () => this.#append((await encoded)[at]));
    this.#last.catch(() => {});
    this.#behind.push(this.#last);
    if (this.#behind.length > BATCHES_BEHIND) await this.#behind.shift();
  }

  async #append(chunks: Uint8Array[]): Promise<void> {
    if (chunks.length === 0) return;
    for (const { byteLength } of chunks) this.#bytes += byteLength;
    await this.#file.write(chunks);
    this.#tellSize(this.#bytes);
    this.#loader.recycle(chunks);
  }

  /** Waits until everything is written that was given. */
  async settle(): Promise<void> {
    await this.#last;
  }

  /** Appends the end of the file. */
  async end({ chunks }: FileEnd): Promise<void> {
    await this.#append(chunks);
  }

  /** Makes the file durable. */
  async finish({ sha256, rows }: FileEnd): Promise<PublishedFile> {
    const bytes = await this.#file.finish();
    return { format: this.#format, name: this.#name, rows, bytes, sha256 };
  }
}

/** All files of a snapshot in the making. */
export class Outputs {
  readonly #loader: OutputLoader;
  readonly #outputs: readonly Output[];
  readonly #rejects: RejectsFile;
  readonly #follower: OutputReader;
  #found: Promise<readonly ReadBack[]> | undefined;

  constructor(
    loader: OutputLoader,
    outputs: readonly Output[],
    rejects: RejectsFile,
    follower: OutputReader,
  ) {
    this.#loader = loader;
    this.#outputs = outputs;
    this.#rejects = rejects;
    this.#follower = follower;
  }

  /** @param ipc a record batch, or undefined when every row of it was set aside */
  async write(ipc: Uint8Array | undefined, rejects: Uint8Array): Promise<void> {
    if (ipc) {
      const encoded = this.#loader.write(ipc);
      encoded.catch(() => {});
      await Promise.all(this.#outputs.map((output, at) => output.write(encoded, at)));
    }
    await this.#rejects.write(rejects);
  }

  /** Ends every file. @returns what was written, the rejects last */
  async finish(): Promise<PublishedFile[]> {
    const ending = this.#loader.finish();
    ending.catch(() => {});
    await Promise.all(this.#outputs.map((output) => output.settle()));
    const ends = await ending;
    await Promise.all(this.#outputs.map((output, at) => output.end(ends[at])));
    // What is read back is read while the disk takes the rest.
    this.#found = this.#follower.finish();
    this.#found.catch(() => {});
    const written = await Promise.all(this.#outputs.map((output, at) => output.finish(ends[at])));
    const rejects = await this.#rejects.finish();
    return rejects ? [...written, { ...rejects, format: 'rejects' }] : written;
  }

  /** What independent readers find in the finished data files, in their order. */
  async readBack(): Promise<readonly ReadBack[]> {
    if (this.#found === undefined) throw new Error('read back before the files were finished');
    return this.#found;
  }

  /** Ends what is under way, whatever its state; for good. */
  async close(): Promise<void> {
    await this.#loader.terminate();
    await Promise.allSettled(this.#outputs.map((output) => output.settle()));
    await this.#follower.terminate();
  }
}
