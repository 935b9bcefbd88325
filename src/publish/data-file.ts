import { syncAndCheck } from '../platform/durable.ts';
import type { OpenFile } from '../platform/file-system.ts';

/**
 * Bytes after which the disk is told to take what it was given, while more is written: at the end there is little left
 * to wait for.
 */
export const SYNC_BYTES = 8 * 1024 * 1024;

/** An open file of which the disk takes the start while the rest is written. */
export class DataFile {
  readonly #file: OpenFile;
  readonly #path: string;
  #bytes = 0;
  /** Bytes that were there when the last sync began. */
  #syncBegunAt = 0;
  #isSyncing = false;
  /** The last sync begun. Once one has failed none follows: it could succeed although bytes were lost. */
  #synced: Promise<void> = Promise.resolve();

  constructor(file: OpenFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) this.#bytes += await this.#file.write(chunk);
    if (this.#isSyncing || this.#bytes - this.#syncBegunAt < SYNC_BYTES) return;
    await this.#synced;
    this.#isSyncing = true;
    this.#syncBegunAt = this.#bytes;
    this.#synced = this.#file.datasync().finally(() => {
      this.#isSyncing = false;
    });
    this.#synced.catch(() => {});
  }

  /** Makes every byte durable. @returns how many */
  async sync(): Promise<number> {
    await this.#synced;
    await syncAndCheck(this.#file, this.#path, this.#bytes, 'publish');
    return this.#bytes;
  }

  async close(): Promise<void> {
    await this.#synced.catch(() => undefined);
    await this.#file.close();
  }
}
