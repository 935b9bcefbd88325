import { EXIT, ExportError, errorCode, messageOf, type Stage } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';

/**
 * `start`: the output is being set up and nothing was fetched yet. `work`: everything after, resumable. `verify`: a
 * snapshot is only read.
 */
export type IoPhase = 'start' | 'work' | 'verify';

export interface IoPlace {
  readonly stage: Stage;
  readonly phase: IoPhase;
  /** What was done, a verb: `write`, `rename`. */
  readonly operation: string;
  readonly path: string;
}

interface Meaning {
  readonly reason: string;
  /** What to do before running again. */
  readonly remedy?: string;
  /** It says "not here", whoever tries: before the first request, a wrong choice of folder. */
  readonly isHere?: true;
}

const MEANINGS: Readonly<Record<string, Meaning>> = {
  EACCES: { reason: 'permission denied', isHere: true },
  EDQUOT: { reason: 'disk quota used up', remedy: 'free space' },
  EEXIST: { reason: 'something else has this name', isHere: true },
  EIO: { reason: 'the disk failed', remedy: 'check the disk' },
  EISDIR: { reason: 'it is a folder', isHere: true },
  ELOOP: { reason: 'system error', isHere: true },
  EMFILE: { reason: 'too many open files', remedy: 'raise the limit (ulimit -n)' },
  ENAMETOOLONG: { reason: 'the name is too long', isHere: true },
  ENFILE: { reason: 'too many open files in the whole system', remedy: 'close other programs' },
  ENOENT: { reason: 'no such file or folder', isHere: true },
  ENOSPC: { reason: 'no space left on the disk', remedy: 'free space' },
  ENOTDIR: { reason: 'a part of the path is not a folder', isHere: true },
  ENOTSUP: { reason: 'the file system cannot do this', isHere: true },
  EPERM: { reason: 'not permitted', isHere: true },
  EROFS: { reason: 'the file system is read-only', isHere: true },
};

/**
 * A system error of the disk as an `ExportError` that names the path and what to do: exit 73 when the output cannot be
 * set up, 74 otherwise. The code stays readable through `errorCode`. Anything that is no system error comes back as it
 * is. docs: faults "Process and disk".
 */
export function ioError(thrown: unknown, { stage, phase, operation, path }: IoPlace): unknown {
  const code = errorCode(thrown);
  if (thrown instanceof ExportError || code === undefined || !/^E[A-Z0-9]+$/.test(code)) {
    return thrown;
  }
  const { reason, remedy = 'see to it', isHere } = MEANINGS[code] ?? { reason: 'system error' };
  const what = `cannot ${operation} ${path}: ${reason} (${code})`;
  if (phase === 'start' && isHere) {
    const message = `${what}; choose another output folder or change its permissions`;
    return new ExportError(message, { exitCode: EXIT.cannotCreate, stage, cause: thrown });
  }
  const again = phase === 'verify' ? 'run again' : 'run the same command again: it resumes';
  const message = `${what}; ${remedy} and ${again}`;
  return new ExportError(message, { exitCode: EXIT.io, stage, retryable: true, cause: thrown });
}

/**
 * Too few open files, met outside of the file-system door (by a module or a socket), is no bug of the program and no
 * fault of the server: an `ExportError` (74). Anything else comes back as it is.
 */
export function openFilesError(thrown: unknown, stage: Stage): unknown {
  // A thread that cannot start has a code of its own, and the reason in its message.
  const code = /\b(?:EMFILE|ENFILE)\b/.exec(`${errorCode(thrown)} ${messageOf(thrown)}`)?.[0];
  if (thrown instanceof ExportError || code === undefined) return thrown;
  const { reason, remedy } = MEANINGS[code];
  const message = `${reason} (${code}); ${remedy} and run the same command again`;
  return new ExportError(message, { exitCode: EXIT.io, stage, retryable: true, cause: thrown });
}

/**
 * The same file system with two promises more: every failure is an `ExportError` made by `ioError`, and a write is
 * whole or fails.
 */
export function explainIoErrors(files: FileSystem, stage: Stage, phase: IoPhase): FileSystem {
  const failed = (error: unknown, operation: string, path: string) =>
    ioError(error, { stage, phase, operation, path });

  async function attempt<T>(operation: string, path: string, action: () => Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (error) {
      throw failed(error, operation, path);
    }
  }

  async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
    try {
      yield* files.readChunks(path);
    } catch (error) {
      throw failed(error, 'read', path);
    }
  }

  function explained(file: OpenFile, path: string): OpenFile {
    return {
      write: (bytes) => attempt('write', path, () => writeFully(file, bytes)),
      sync: () => attempt('sync', path, () => file.sync()),
      datasync: () => attempt('sync', path, () => file.datasync()),
      size: () => attempt('read', path, () => file.size()),
      close: () => attempt('close', path, () => file.close()),
    };
  }

  return {
    open: (path, mode) =>
      attempt('open', path, async () => explained(await files.open(path, mode), path)),
    read: (path) => attempt('read', path, () => files.read(path)),
    readChunks,
    list: (path) => attempt('list', path, () => files.list(path)),
    stat: (path) => attempt('read', path, () => files.stat(path)),
    makeFolder: (path) => attempt('create', path, () => files.makeFolder(path)),
    rename: (from, to) => attempt('rename to', to, () => files.rename(from, to)),
    remove: (path) => attempt('remove', path, () => files.remove(path)),
    symlink: (target, path) => attempt('link', path, () => files.symlink(target, path)),
    readLink: (path) => attempt('read', path, () => files.readLink(path)),
    syncFolder: (path) => attempt('sync', path, () => files.syncFolder(path)),
  };
}

/**
 * Writes all of `bytes`, however short each single write is.
 *
 * @returns the length of `bytes`
 * @throws a system error of the file; `EIO` when a write makes no progress, which would otherwise go on for ever
 */
export async function writeFully(file: OpenFile, bytes: Uint8Array): Promise<number> {
  for (let done = 0; done < bytes.length; ) {
    const written = await file.write(bytes.subarray(done));
    if (written <= 0) throw Object.assign(new Error('EIO: no byte was taken'), { code: 'EIO' });
    done += written;
  }
  return bytes.length;
}
