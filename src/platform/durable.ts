import { dirname } from 'node:path';
import { EXIT, ExportError, hasCode, type Stage } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { writeFully } from './io-errors.ts';

/**
 * Writes a new file; when this resolves its bytes are on the disk. Its name is only after a `syncFolder`.
 *
 * @throws what the file system throws; ExportError (74) when the file then has another size than was written
 */
export async function writeNewFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
  stage: Stage,
): Promise<void> {
  await usingFile(await files.open(path, 'create'), async (file) => {
    await writeFully(file, bytes);
    await syncAndCheck(file, path, bytes.length, stage);
  });
}

/**
 * Replaces a small file in one step: whoever reads it finds all of the old content or all of the new one, after a power
 * loss too. Only one process at a time may.
 *
 * @throws as `writeNewFile` does
 */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: Uint8Array,
  stage: Stage,
): Promise<void> {
  const aside = `${path}.new`;
  await files.remove(aside);
  try {
    await writeNewFile(files, aside, bytes, stage);
    await files.rename(aside, path);
  } catch (error) {
    await files.remove(aside).catch(() => undefined);
    throw error;
  }
  await files.syncFolder(dirname(path));
}

/**
 * Makes sure, before the work for it, that `replaceFile` can be done with a path that somebody chose: neither a link or
 * a device is replaced nor a folder removed.
 *
 * @throws ExportError (73) for what is no file; what the file system throws where none can be made
 */
export async function checkReplaceable(
  files: FileSystem,
  path: string,
  stage: Stage,
): Promise<void> {
  const aside = `${path}.new`;
  for (const name of [path, aside]) {
    const { kind } = (await files.stat(name)) ?? { kind: 'file' };
    if (kind === 'file') continue;
    const what = kind === 'other' ? 'no file' : `a ${kind}`;
    throw new ExportError(`cannot replace ${name}: it is ${what}; choose another path`, {
      exitCode: EXIT.cannotCreate,
      stage,
    });
  }
  await files.remove(aside);
  await usingFile(await files.open(aside, 'create'), () => Promise.resolve());
  await files.remove(aside);
}

/** fsync, then a look at the size: a file system may lose bytes without a word, for example on a full network share. */
export async function syncAndCheck(
  file: OpenFile,
  path: string,
  expected: number,
  stage: Stage,
): Promise<void> {
  await file.sync();
  const size = await file.size();
  if (size === expected) return;
  throw new ExportError(
    `${path} has ${size} bytes after ${expected} were written: the disk lost some; check it and run the same command again`,
    { exitCode: EXIT.io, stage, retryable: true },
  );
}

/** Runs `action` and closes the file in every case; a failure to close never hides the action's own. */
export async function usingFile<T>(
  file: OpenFile,
  action: (file: OpenFile) => Promise<T>,
): Promise<T> {
  const result = await action(file).catch(async (error: unknown) => {
    await file.close().catch(() => undefined);
    throw error;
  });
  await file.close();
  return result;
}

/**
 * Makes a folder and those above it that are missing, each one durable before the next. Safe when another process does
 * the same at the same time.
 */
export async function makeFolders(files: FileSystem, path: string): Promise<void> {
  const parent = dirname(path);
  const isThere = await canHoldFiles(files, path);
  if (!isThere) {
    await makeFolders(files, parent);
    await files.makeFolder(path).catch(async (error: unknown) => {
      if (!hasCode(error, 'EEXIST') || !(await canHoldFiles(files, path))) throw error;
    });
  }
  // Also where it is there: an earlier run may have been killed right after it made the folder.
  await files.syncFolder(parent).catch((error: unknown) => {
    // Who cannot read the folder above has not made this one.
    if (!isThere || !hasCode(error, 'EACCES', 'EPERM')) throw error;
  });
}

/** A link may lead to a folder: what is done inside will tell. */
async function canHoldFiles(files: FileSystem, path: string): Promise<boolean> {
  const stat = await files.stat(path);
  return stat?.kind === 'folder' || stat?.kind === 'link';
}
