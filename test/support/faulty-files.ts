import type { FileSystem, OpenFile } from '../../src/platform/file-system.ts';
import { systemError } from './memory-files.ts';

/**
 * What happens at the operation of that number, from 1. `kill-*`: the process ends before it, halfway (a write has
 * written half its bytes, a folder has lost half its names; any other operation did nothing) or after it. `short`: a write takes one byte. Else a system
 * error's code, e.g. `ENOSPC`: this operation fails, or with `onwards` this one and every later one of its kind.
 */
export interface Fault {
  readonly at: number;
  readonly what: 'kill-before' | 'kill-half' | 'kill-after' | 'short' | (string & {});
  readonly onwards?: boolean;
}

export interface Operation {
  readonly name: keyof FileSystem | keyof OpenFile;
  readonly path: string;
}

export interface FaultyFiles extends FileSystem {
  /** Every operation begun, in order. */
  readonly operations: readonly Operation[];
}

/** Thrown by `crash`, and by every operation after it. */
export class Crash extends Error {}

/** Ends the process as `kill -9` does. */
export function killProcess(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => undefined);
}

/** Ends the process in play: this operation and every later one fail. */
export async function crash(): Promise<never> {
  throw new Crash('the process was killed');
}

/**
 * Reads `17:kill-half`, `4:ENOSPC` or `4:ENOSPC:onwards`: how a test tells a child process, through its environment,
 * what to suffer.
 */
export function parseFault(text: string): Fault {
  const [at = '', what = '', onwards] = text.split(':');
  if (!/^\d+$/.test(at) || what === '') throw new Error(`no fault: ${text}`);
  return { at: Number(at), what, onwards: onwards === 'onwards' };
}

/**
 * A file system that counts its operations and fails in one of them.
 *
 * @param die ends the process, really (`killProcess`) or in play (`crash`)
 */
export function faultyFiles(
  files: FileSystem,
  fault: Fault | undefined,
  die: () => Promise<never>,
): FaultyFiles {
  const operations: Operation[] = [];
  let dead = false;

  function kill(): Promise<never> {
    dead = true;
    return die();
  }

  async function step<T>(
    name: Operation['name'],
    path: string,
    action: () => Promise<T>,
    half: () => Promise<unknown> = async () => undefined,
  ): Promise<T> {
    if (dead) return die();
    operations.push({ name, path });
    const what = faultNow(fault, operations);
    if (what === undefined || what === 'short') return action();
    if (what === 'kill-before') return kill();
    if (what === 'kill-half') {
      await half();
      return kill();
    }
    if (what === 'kill-after') {
      await action();
      return kill();
    }
    throw systemError(what, path);
  }

  async function write(file: OpenFile, path: string, bytes: Uint8Array): Promise<number> {
    const half = () => file.write(bytes.subarray(0, bytes.length >> 1));
    return step(
      'write',
      path,
      () => file.write(faultNow(fault, operations) === 'short' ? bytes.subarray(0, 1) : bytes),
      half,
    );
  }

  /** The system closes what a killed process had open; this one lives on. */
  async function closeDead(file: OpenFile): Promise<never> {
    await file.close();
    return die();
  }

  function faulty(file: OpenFile, path: string): OpenFile {
    const close = () => file.close();
    return {
      write: (bytes) => write(file, path, bytes),
      sync: () => step('sync', path, () => file.sync()),
      datasync: () => step('datasync', path, () => file.datasync()),
      size: () => step('size', path, () => file.size()),
      close: () => (dead ? closeDead(file) : step('close', path, close, close)),
    };
  }

  return {
    operations,
    open: (path, mode) =>
      step('open', path, async () => faulty(await files.open(path, mode), path)),
    read: (path) => step('read', path, () => files.read(path)),
    async *readChunks(path) {
      yield* await step('readChunks', path, async () => files.readChunks(path));
    },
    list: (path) => step('list', path, () => files.list(path)),
    stat: (path) => step('stat', path, () => files.stat(path)),
    makeFolder: (path) => step('makeFolder', path, () => files.makeFolder(path)),
    rename: (from, to) => step('rename', to, () => files.rename(from, to)),
    remove: (path) =>
      step(
        'remove',
        path,
        () => files.remove(path),
        () => removeHalf(files, path),
      ),
    symlink: (target, path) => step('symlink', path, () => files.symlink(target, path)),
    readLink: (path) => step('readLink', path, () => files.readLink(path)),
    syncFolder: (path) => step('syncFolder', path, () => files.syncFolder(path)),
  };
}

/** A folder is removed name by name. */
async function removeHalf(files: FileSystem, path: string): Promise<void> {
  if ((await files.stat(path))?.kind !== 'folder') return;
  const names = await files.list(path);
  for (const name of names.slice(0, (names.length + 1) >> 1)) await files.remove(`${path}/${name}`);
}

function faultNow(fault: Fault | undefined, operations: readonly Operation[]): string | undefined {
  if (fault === undefined || operations.length < fault.at) return undefined;
  if (operations.length === fault.at) return fault.what;
  const kind = operations[fault.at - 1]?.name;
  return fault.onwards === true && operations.at(-1)?.name === kind ? fault.what : undefined;
}
