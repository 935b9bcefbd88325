import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Sink } from './loader.ts';

/** One gzip stream, fed chunk by chunk. The header carries no time, so that equal input gives equal bytes. */
export class GzipStream {
  readonly #gzip;

  constructor(level: number, out: Sink) {
    this.#gzip = createGzip({ level, chunkSize: 64 * 1024 });
    // The call that met the error rejects; without a listener it would end the process as well.
    this.#gzip.on('error', () => {});
    this.#gzip.on('data', out);
  }

  /** Resolves when the chunk is compressed, and what has come out handed on. */
  write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#gzip.write(chunk, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Ends the stream. */
  async end(): Promise<void> {
    this.#gzip.end();
    await finished(this.#gzip);
  }
}
