import type { FileHandle } from 'node:fs/promises';
import { Damage } from './read-back-damage.ts';
import { bytesAt } from './read-back-file.ts';

/** A file that may still be written while it is read, from its start on. */
export class GrowingFile {
  readonly handle: FileHandle;
  readonly #sizes: AsyncIterator<number> | Iterator<number>;
  #size = 0;

  /** @param sizes how many bytes are written so far, until the file is whole */
  constructor(handle: FileHandle, sizes: AsyncIterable<number> | Iterable<number>) {
    this.handle = handle;
    this.#sizes =
      Symbol.asyncIterator in sizes ? sizes[Symbol.asyncIterator]() : sizes[Symbol.iterator]();
  }

  /** Bytes that are known to be written. */
  get size(): number {
    return this.#size;
  }

  /** Waits until so many bytes are written. @returns false when the file is whole and has fewer */
  async reaches(size: number): Promise<boolean> {
    while (this.#size < size) {
      const next = await this.#sizes.next();
      if (next.done) return false;
      this.#size = next.value;
    }
    return true;
  }

  /** The bytes from `start` to `end`, all of them, once they are written. @throws Damage when they never are */
  async bytesAt(start: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!(await this.reaches(end))) throw new Damage('it ends too early');
    return bytesAt(this.handle, start, end);
  }

  /** Waits until the file is whole. @returns its size */
  async whole(): Promise<number> {
    await this.reaches(Number.POSITIVE_INFINITY);
    return this.#size;
  }
}
