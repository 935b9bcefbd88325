import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Damage } from './read-back-damage.ts';

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
