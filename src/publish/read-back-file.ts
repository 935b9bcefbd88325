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
export async function bytesAt(
  file: FileHandle,
  start: number,
  end: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Math.max(0, end - start));
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
    if (bytesRead === 0) throw new Damage('it ends too early');
    done += bytesRead;
  }
  return bytes;
}

/** Checks that a file starts and ends with the same characters, as Parquet and Arrow files do. */
export async function checkMagic(file: FileHandle, size: number, magic: string): Promise<void> {
  const { length } = magic;
  if (size < 2 * length) throw new Damage('it is too short');
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  if (text(await bytesAt(file, 0, length)) !== magic) {
    throw new Damage(`it does not start with ${magic}`);
  }
  if (text(await bytesAt(file, size - length, size)) !== magic) {
    throw new Damage(`it does not end with ${magic}: it was cut off`);
  }
}
