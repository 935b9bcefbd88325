import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** What is wrong with a file, said without a word of its content. */
export class Damage extends Error {
  override readonly name = 'Damage';
}

/** Opens a file for reading while `work` goes on. */
export async function withFile<T>(
  path: string,
  work: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  const file = await open(path);
  try {
    return await work(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** The bytes from `start` to `end`, all of them. */
export function bytesAt(file: FileHandle, start: number, end: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  for (let done = 0; done < bytes.length; ) {
    done += readSome(file, bytes.subarray(done), start + done);
  }
  return bytes;
}

/**
 * Fills some of `into` with the bytes at `start`, and holds the thread meanwhile: reading is all it is for, and to
 * hand each read to another thread takes more processor time than the read.
 *
 * @returns how many, at least 1
 */
export function readSome(file: FileHandle, into: Uint8Array, start: number): number {
  const read = readSync(file.fd, into, 0, into.length, start);
  if (read === 0) throw new Damage('it ends too early');
  return read;
}

/** The same file for a library that reads by `FileHandle.read`: it gets its bytes as `readSome` reads them. */
export function readAtOnce(file: FileHandle): FileHandle {
  const read = async (into: Uint8Array, offset: number, length: number, start: number) => ({
    bytesRead: readSync(file.fd, into, offset, length, start),
    buffer: into,
  });
  return Object.create(file, { read: { value: read } });
}

/** Checks that a file starts with the given characters, as Parquet and Arrow files do. */
export function checkStart(file: FileHandle, magic: string): void {
  if (textAt(file, 0, magic.length) !== magic) throw new Damage(`it does not start with ${magic}`);
}

/** Checks that a file ends with the same characters as it starts with. */
export function checkEnd(file: FileHandle, size: number, magic: string): void {
  const { length } = magic;
  if (size < 2 * length) throw new Damage('it is too short');
  if (textAt(file, size - length, size) !== magic)
    throw new Damage(`it does not end with ${magic}: it was cut off`);
}

function textAt(file: FileHandle, start: number, end: number): string {
  return Buffer.from(bytesAt(file, start, end)).toString('latin1');
}

/** The size of a file as it grows, for who reads behind the writer. Only the latest size counts. */
export class Growth {
  #size = 0;
  #ended = false;
  #wake: () => void = () => {};

  grow(size: number): void {
    this.#size = size;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *sizes(): AsyncGenerator<number> {
    for (let told = 0; ; ) {
      if (this.#size > told) {
        told = this.#size;
        yield told;
      } else if (this.#ended) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

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

const NEWLINE = 0x0a;

/** Ids are joined before they are hashed: a call to the hash costs more than many short ids. */
const JOINED_BYTES = 64 * 1024;

/** What is known of a file that is to be read. */
export interface CheckOptions {
  /** How many bytes are written so far, until the file is whole. Absent: it is whole. */
  readonly sizes?: AsyncIterable<number>;
  /** What stands before this place is a copy of a file that was read: it is passed over. */
  readonly behind?: {
    readonly row: number;
    readonly byte: number;
    /** Of the rows before it. */
    readonly ids: IdChecksum;
  };
}

/** sha256 over ids in file order, each followed by a newline: one number that every format must agree on. */
export class IdChecksum {
  rows = 0;
  #hash = createHash('sha256');
  readonly #joined = new Uint8Array(JOINED_BYTES);
  #filled = 0;

  /** @param id as UTF-8; not kept */
  add(id: Uint8Array): void {
    this.rows++;
    if (this.#filled + id.length >= JOINED_BYTES) this.#flush();
    if (id.length >= JOINED_BYTES) {
      this.#hash.update(id);
    } else {
      this.#joined.set(id, this.#filled);
      this.#filled += id.length;
    }
    this.#joined[this.#filled++] = NEWLINE;
  }

  /** One that goes on from what was added to this one. */
  copy(): IdChecksum {
    this.#flush();
    const copy = new IdChecksum();
    copy.rows = this.rows;
    copy.#hash = this.#hash.copy();
    return copy;
  }

  /** Nothing may be added afterwards. */
  hex(): string {
    this.#flush();
    return this.#hash.digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#joined.subarray(0, this.#filled));
    this.#filled = 0;
  }
}
