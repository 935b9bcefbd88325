import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** One gzip stream, fed chunk by chunk. The header carries no time, so that equal input gives equal bytes. */
export class GzipStream {
  readonly #gzip;
  #ready: Uint8Array[] = [];

  constructor(level: number) {
    this.#gzip = createGzip({ level, chunkSize: 64 * 1024 });
    // The call that met the error rejects; without a listener it would end the process as well.
    this.#gzip.on('error', () => {});
    this.#gzip.on('data', (chunk: Uint8Array) => this.#ready.push(chunk));
  }

  /** Compresses the chunks; resolves to what has come out so far. */
  async write(chunks: readonly Uint8Array[]): Promise<Uint8Array[]> {
    for (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        this.#gzip.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    return this.#take();
  }

  /** Ends the stream; resolves to its last bytes. */
  async end(): Promise<Uint8Array[]> {
    this.#gzip.end();
    await finished(this.#gzip);
    return this.#take();
  }

  #take(): Uint8Array[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }
}
