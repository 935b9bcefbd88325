import type { JsonValue } from '../json/json-value.ts';
import { usingFile } from '../platform/durable.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { writeFully } from '../platform/io-errors.ts';
import { encodeLine } from './journal-codec.ts';

/** The open journal. Calls must not overlap, and none may follow one that failed: the file may end in half a line. */
export interface Journal {
  /** Resolves when the record is on the disk. */
  append(record: JsonValue): Promise<void>;
  close(): Promise<void>;
}

/** @param lines records the journal holds already */
export async function openJournal(
  files: FileSystem,
  path: string,
  lines: number,
): Promise<Journal> {
  const file = await files.open(path, 'append');
  let number = lines;
  return {
    async append(record) {
      await writeFully(file, encodeLine(number++, record));
      await file.datasync();
    },
    close: () => file.close(),
  };
}

/** Forgets everything behind `end`, durably: a line appended later must not continue half a line. */
export async function cutJournal(files: FileSystem, path: string, end: number): Promise<void> {
  await usingFile(await files.open(path, 'append'), async (file) => {
    if ((await file.size()) === end) return;
    await file.truncate(end);
    await file.sync();
  });
}
