import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeNewFile } from '../platform/durable.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import type { PartRecord, StoredFile } from './records.ts';

/** What reading a lost or broken file fails with; other errors say nothing about the file itself. */
const LOST: ReadonlySet<string> = new Set(['ENOENT', 'EISDIR', 'EIO']);

export function partFileName(index: number, content: 'rows' | 'rejects'): string {
  const number = String(index).padStart(6, '0');
  return content === 'rows' ? `part-${number}.arrow` : `part-${number}.rejects`;
}

/**
 * Writes a file of the work folder under its final name only when it is whole and on the disk. The name itself is
 * durable after a `syncFolder`, and the file counts only once the journal names it.
 */
export async function storeFile(
  files: FileSystem,
  folder: string,
  name: string,
  bytes: Uint8Array,
): Promise<StoredFile> {
  const temporary = join(folder, `${name}.tmp`);
  await writeNewFile(files, temporary, bytes, 'checkpoint');
  await files.rename(temporary, join(folder, name));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { name, bytes: bytes.length, sha256 };
}

/** Whether both files of a part are there, byte for byte. Holds one chunk in memory. */
export async function isIntact(
  files: FileSystem,
  folder: string,
  part: PartRecord,
): Promise<boolean> {
  for (const stored of part.rejects === null ? [part.rows] : [part.rows, part.rejects]) {
    try {
      const hash = createHash('sha256');
      for await (const chunk of files.readChunks(join(folder, stored.name))) hash.update(chunk);
      if (hash.digest('hex') !== stored.sha256) return false;
    } catch (error) {
      if (LOST.has(errorCode(error) ?? '')) return false;
      throw error;
    }
  }
  return true;
}

/** @throws ExportError (74, checkpoint) when the file changed since it was checked */
export async function readStored(
  files: FileSystem,
  folder: string,
  stored: StoredFile,
): Promise<Uint8Array> {
  const path = join(folder, stored.name);
  const bytes = await files.read(path);
  if (createHash('sha256').update(bytes).digest('hex') === stored.sha256) return bytes;
  throw new ExportError(
    `${path} was altered during the run; run the same command again: what is lost is fetched again`,
    { exitCode: EXIT.io, stage: 'checkpoint', retryable: true },
  );
}
