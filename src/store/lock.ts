import { createHash, randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { makeFolders, writeNewFile } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { decodeHolder, encodeHolder, type Holder, isOurs, standingOf } from './lock-holder.ts';
import { nodeProcesses, type Processes } from './processes.ts';

export interface LockOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** The lock file, e.g. `<output>/<pipeline>/.lock`. Its folder is made when it is missing. */
  readonly path: string;
  readonly processes?: Processes;
  /** Takes over a lock whose holder cannot be seen from here, or that is torn. Never that of a run seen alive. */
  readonly breakLock?: boolean;
}

export interface Lock {
  /** Unique to this acquisition; names what its holder alone works on. */
  readonly token: string;
  /** @throws ExportError (75, checkpoint) when somebody took the lock away: to be asked right before publishing */
  check(): Promise<void>;
  /** Gives the lock up. A lock that somebody took away is left alone. */
  release(): Promise<void>;
}

/** Tries before giving up; each further one means that another starter changed the lock in between. */
const TRIES = 10;

/** The name is taken; or what was to get it is gone, cleared away by the holder. */
const NOT_FIRST: ReadonlySet<string> = new Set(['EEXIST', 'ENOENT']);

/** What file systems without link(2) answer, such as SMB and virtiofs. */
const NO_LINKS: ReadonlySet<string> = new Set([
  'EMLINK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
]);

/**
 * Takes the lock of a pipeline. It is a file that names its holder, whole from its first instant (a written file gets
 * its name by link(2), which fails when the name exists; where there is no link(2) it is created exclusively, and may be
 * found torn). It is not waited for.
 *
 * The lock of a dead process is taken over, and of any number of starters only one can: who wants to replace a lock
 * must first hold a guard, a second lock of the same kind named after the content of the one to be replaced. A content
 * is never written twice, so a late guard finds another one in the lock and gives up. A starter that dies during a
 * takeover leaves a stale guard, which is taken over in the same way.
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
  const acquisition = {
    files,
    processes,
    newHolder: () => ({ ...self, since, token: randomUUID() }),
    sidePath: (name: string) => `${options.path}.${name}`,
  };
  const broken = options.breakLock ? (await readLock(files, options.path))?.id : undefined;
  const mine = await acquire(acquisition, options.path, broken);
  const working = explainIoErrors(options.files, 'checkpoint', 'work');
  const lock = {
    token: mine.token,
    check: () => check(working, options.path, mine),
    release: () => release(working, options.path, mine),
  };
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

/** @param broken the one lock to be replaced although its holder may not be dead */
async function acquire(acquisition: Acquisition, path: string, broken?: string): Promise<Holder> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const mine = acquisition.newHolder();
    if (await tryOnce(acquisition, path, mine, broken)) return mine;
  }
  throw busy('several runs started at the same moment; run again');
}

/** @returns false when the lock changed hands meanwhile: look again */
async function tryOnce(
  acquisition: Acquisition,
  path: string,
  mine: Holder,
  broken: string | undefined,
): Promise<boolean> {
  const { files } = acquisition;
  const written = acquisition.sidePath(mine.token);
  await writeNewFile(files, written, encodeHolder(mine), 'checkpoint');
  try {
    if (await named(files, written, path, mine)) return true;
    const found = await readLock(files, path);
    if (found === undefined) return false;
    const { holder } = found;
    if (holder?.token === mine.token) return true;
    const standing = holder && (await standingOf(holder, mine, acquisition.processes));
    if (standing !== 'dead' && (standing === 'alive' || found.id !== broken)) {
      throw await held(files, path, holder, standing);
    }
    return await takeOver(acquisition, path, found.id, written, broken !== undefined);
  } finally {
    await files.remove(written);
  }
}

async function named(
  files: FileSystem,
  written: string,
  path: string,
  mine: Holder,
): Promise<boolean> {
  try {
    await files.link(written, path);
    return true;
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (NOT_FIRST.has(code)) return false;
    if (!NO_LINKS.has(code)) throw error;
  }
  try {
    await writeNewFile(files, path, encodeHolder(mine), 'checkpoint');
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function takeOver(
  acquisition: Acquisition,
  path: string,
  id: string,
  written: string,
  breaking: boolean,
): Promise<boolean> {
  const { files } = acquisition;
  const guardPath = acquisition.sidePath(`${id}.guard`);
  const abandoned = breaking ? (await readLock(files, guardPath))?.id : undefined;
  const guard = await acquire(acquisition, guardPath, abandoned);
  try {
    if ((await readLock(files, path))?.id !== id) return false;
    await files.rename(written, path);
    return true;
  } finally {
    await release(files, guardPath, guard);
  }
}

interface FoundLock {
  /** Undefined for a torn lock, or one that this program did not write. */
  readonly holder: Holder | undefined;
  /** Changes with the content. */
  readonly id: string;
}

/** @returns undefined when the lock is gone */
async function readLock(files: FileSystem, path: string): Promise<FoundLock | undefined> {
  const content = await contentOf(files, path);
  if (content === undefined) return undefined;
  const id = createHash('sha256').update(content).digest('hex').slice(0, 32);
  return { holder: decodeHolder(content), id };
}

async function contentOf(files: FileSystem, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function check(files: FileSystem, path: string, mine: Holder): Promise<void> {
  const found = await readLock(files, path);
  if (found?.holder?.token === mine.token) return;
  const taker = found?.holder ? `${described(found.holder)} has it now` : 'it is gone';
  throw busy(`this run lost the lock ${path}: ${taker}; nothing was published`);
}

async function release(files: FileSystem, path: string, mine: Holder): Promise<void> {
  const found = await readLock(files, path);
  if (found?.holder?.token === mine.token) await files.remove(path);
}

/** Files and guards of starters that died. Those of a starter still at it serve no purpose any more: the lock is taken. */
async function removeLeftOvers(files: FileSystem, path: string): Promise<void> {
  for (const name of await files.list(dirname(path))) {
    const ending = name.startsWith(basename(path)) ? name.slice(basename(path).length) : '';
    if (!/^(?:\.[0-9a-f-]{36}|\.[0-9a-f]{32}\.guard)$/.test(ending)) continue;
    const leftOver = join(dirname(path), name);
    if ((await files.stat(leftOver))?.kind !== 'file') continue;
    const content = await contentOf(files, leftOver);
    if (content !== undefined && isOurs(content)) await files.remove(leftOver);
  }
}

async function held(
  files: FileSystem,
  path: string,
  holder: Holder | undefined,
  standing: 'alive' | 'elsewhere' | undefined,
): Promise<ExportError> {
  if (holder === undefined) {
    const { modifiedMs } = (await files.stat(path)) ?? { modifiedMs: 0 };
    return busy(
      `${path} names no holder: a run was killed while it wrote it, or something else did, at ` +
        `${new Date(modifiedMs).toISOString()}; if no run is active, run again with --break-lock`,
    );
  }
  return busy(
    standing === 'alive'
      ? `another run holds the lock ${path}: ${described(holder)}; run again when it has ended`
      : `${described(holder)} holds the lock ${path} and cannot be seen from here (another machine or container); ` +
          'if that run is over, run again with --break-lock',
  );
}

function described({ pid, host, since }: Holder): string {
  return `pid ${pid} on host ${host} since ${since}`;
}

function busy(message: string): ExportError {
  return new ExportError(message, {
    exitCode: EXIT.temporary,
    stage: 'checkpoint',
    retryable: true,
  });
}
