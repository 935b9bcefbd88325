import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { makeFolders, writeNewFile } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { decodeHolder, encodeHolder, type Holder, standingOf } from './lock-holder.ts';
import { nodeProcesses, type Processes } from './processes.ts';

export interface LockOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** The lock file, e.g. `<output>/<pipeline>/.lock`. Its folder is made when it is missing. */
  readonly path: string;
  readonly processes?: Processes;
}

export interface Lock {
  /** Gives the lock up. A lock that somebody took away by hand is left alone. */
  release(): Promise<void>;
}

/** Tries before giving up; each further one means that another starter changed the lock in between. */
const TRIES = 10;

/** The name is taken; or what was to get it is gone, cleared away by the holder. */
const NOT_FIRST: ReadonlySet<string> = new Set(['EEXIST', 'ENOENT']);

/**
 * Takes the lock of a pipeline. It is a file that names its holder, whole from its first instant (a written file gets
 * its name by link(2), which fails when the name exists). It is not waited for.
 *
 * The lock of a dead process is taken over, and of any number of starters only one can: who wants to replace a lock
 * must first hold a guard, a second lock of the same kind named after the token of the one to be replaced. A token is
 * never used twice, so a late guard finds another token in the lock and gives up. A starter that dies during a takeover
 * leaves a stale guard, which is taken over in the same way.
 *
 * @throws ExportError (checkpoint): 75 naming pid, host and time when another run holds it or may hold it, 73 when the
 *   folder cannot be made or written
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const files = explainIoErrors(options.files, 'checkpoint', 'start');
  const processes = options.processes ?? nodeProcesses;
  await makeFolders(files, dirname(options.path));
  const self = await processes.self();
  const since = new Date(options.clock.wall()).toISOString();
  const newHolder = () => ({ ...self, since, token: randomUUID() });
  const sidePath = (name: string) => `${options.path}.${name}`;
  const mine = await acquire({ files, processes, newHolder, sidePath }, options.path);
  const lock = { release: () => release(files, options.path, mine) };
  try {
    await removeLeftOvers(files, options.path);
  } catch (error) {
    await lock.release().catch(() => undefined);
    throw error;
  }
  return lock;
}

interface Acquisition {
  readonly files: FileSystem;
  readonly processes: Processes;
  /** A token of its own each time. */
  readonly newHolder: () => Holder;
  /** Names beside the lock, which its next holder clears away. */
  readonly sidePath: (name: string) => string;
}

async function acquire(acquisition: Acquisition, path: string): Promise<Holder> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const mine = acquisition.newHolder();
    if (await tryOnce(acquisition, path, mine)) return mine;
  }
  throw busy('several runs started at the same moment; run again');
}

/** @returns false when the lock changed hands meanwhile: look again */
async function tryOnce(acquisition: Acquisition, path: string, mine: Holder): Promise<boolean> {
  const { files } = acquisition;
  const written = acquisition.sidePath(mine.token);
  await writeNewFile(files, written, encodeHolder(mine), 'checkpoint');
  try {
    if (await linked(files, written, path)) return true;
    const holder = await readHolder(files, path);
    if (holder === undefined) return false;
    if (holder.token === mine.token) return true;
    const standing = await standingOf(holder, mine, acquisition.processes);
    if (standing !== 'dead') throw held(path, holder, standing);
    return await takeOver(acquisition, path, holder, written);
  } finally {
    await files.remove(written);
  }
}

async function linked(files: FileSystem, written: string, path: string): Promise<boolean> {
  try {
    await files.link(written, path);
    return true;
  } catch (error) {
    if (NOT_FIRST.has(errorCode(error) ?? '')) return false;
    throw error;
  }
}

async function takeOver(
  acquisition: Acquisition,
  path: string,
  dead: Holder,
  written: string,
): Promise<boolean> {
  const { files } = acquisition;
  const guardPath = acquisition.sidePath(`${dead.token}.guard`);
  const guard = await acquire(acquisition, guardPath);
  try {
    const holder = await readHolder(files, path);
    if (holder?.token !== dead.token) return false;
    await files.rename(written, path);
    return true;
  } finally {
    await release(files, guardPath, guard);
  }
}

/** @returns undefined when the lock is gone */
async function readHolder(files: FileSystem, path: string): Promise<Holder | undefined> {
  let content: Uint8Array;
  try {
    content = await files.read(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  const holder = decodeHolder(content);
  if (holder !== undefined) return holder;
  throw busy(`${path} is no lock that this program wrote; remove it if no run is active`);
}

async function release(files: FileSystem, path: string, mine: Holder): Promise<void> {
  const holder = await readHolder(files, path);
  if (holder?.token === mine.token) await files.remove(path);
}

/** Files and guards of starters that died. Those of a starter still at it serve no purpose any more: the lock is taken. */
async function removeLeftOvers(files: FileSystem, path: string): Promise<void> {
  const folder = dirname(path);
  for (const name of await files.list(folder)) {
    if (name.startsWith(`${basename(path)}.`)) await files.remove(join(folder, name));
  }
}

function held(path: string, holder: Holder, standing: 'alive' | 'elsewhere'): ExportError {
  const who = `pid ${holder.pid} on host ${holder.host} since ${holder.since}`;
  return busy(
    standing === 'alive'
      ? `another run holds the lock ${path}: ${who}; run again when it has ended`
      : `${who} holds the lock ${path} and cannot be seen from here; remove it if that run is over`,
  );
}

function busy(message: string): ExportError {
  return new ExportError(message, {
    exitCode: EXIT.temporary,
    stage: 'checkpoint',
    retryable: true,
  });
}
