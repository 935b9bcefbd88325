import { createHash, randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { parseChecked } from '../json/checked-json.ts';
import { makeFolders } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import { EXIT, ExportError, errorCode, hasCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { nodeProcesses, type Processes, ProcessIdentity, standingOf } from './processes.ts';

/** What a lock says: a process, when it took the lock, and a word that no other acquisition ever has. */
const Holder = v.object({
  ...ProcessIdentity.entries,
  since: v.string(),
  token: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
});
export type Holder = v.InferOutput<typeof Holder>;

export interface LockOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** Of the lock, e.g. `<output>/<pipeline>/.lock`. Its folder is made when it is missing. */
  readonly path: string;
  readonly processes?: Processes;
  /** Takes over a lock whose holder cannot be seen from here, or that names none. Never that of a run seen alive. */
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

/** Tries before giving up; each further one means that the lock changed hands, or was cleared away, in between. */
const TRIES = 10;

/**
 * Takes the lock of a pipeline. It is a symbolic link that leads nowhere and names its holder: symlink(2) makes it in one
 * step, whole, and fails when the name exists. It is not waited for.
 *
 * The lock of a dead process is cleared away, and only what is there now is: who wants to must first hold a guard, a
 * second lock of the same kind named after what the other says. No two locks ever say the same, so a late guard finds
 * another one and leaves it alone. A starter that dies on the way leaves a stale guard, which is cleared away likewise.
 *
 * @throws ExportError (checkpoint): 75 naming pid, host and time when another run holds it or may hold it, 73 when the
 *   folder cannot be made or written, or there are no symbolic links
 */
export async function acquireLock(options: LockOptions): Promise<Lock> {
  const { path, breakLock = false, processes = nodeProcesses } = options;
  const files = explainIoErrors(options.files, 'checkpoint', 'start');
  await makeFolders(files, dirname(path));
  const self = await processes.self();
  const since = new Date(options.clock.wall()).toISOString();
  const newHolder = () => ({ ...self, since, token: randomUUID() });
  const mine = await acquire({ files, processes, newHolder, lockPath: path, breakLock }, path);
  const working = explainIoErrors(options.files, 'checkpoint', 'work');
  await removeGuards(files, path).catch(async (error: unknown) => {
    await release(working, path, mine).catch(() => undefined);
    throw error;
  });
  return {
    token: mine.token,
    check: () => check(working, path, mine),
    release: () => release(working, path, mine),
  };
}

interface Acquisition {
  readonly files: FileSystem;
  readonly processes: Processes;
  /** With a token of its own each time. */
  readonly newHolder: () => Holder;
  /** Names of guards begin with its. */
  readonly lockPath: string;
  readonly breakLock: boolean;
}

/** @param path of the lock, or of a guard */
async function acquire(acquisition: Acquisition, path: string): Promise<Holder> {
  const { files, newHolder, lockPath, breakLock } = acquisition;
  // Only the one that is there now may be cleared away although its holder may not be dead.
  const broken = breakLock ? await readLock(files, path) : undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const mine = newHolder();
    if (await isMade(files, JSON.stringify(mine), path)) return mine;
    const found = await readLock(files, path);
    if (found === undefined) continue;
    // The server of a network share made it, and its answer got lost.
    if (decodeHolder(found)?.token === mine.token) return mine;
    await refuseUnlessDead(acquisition, path, found, mine, found === broken);
    const id = createHash('sha256').update(found).digest('hex').slice(0, 32);
    const guardPath = `${lockPath}.${id}.guard`;
    const guard = await acquire(acquisition, guardPath);
    try {
      if ((await readLock(files, path)) === found) await files.remove(path);
    } finally {
      await release(files, guardPath, guard);
    }
  }
  throw busy('several runs started at the same moment; run again');
}

/** @returns false when the name is taken */
async function isMade(files: FileSystem, says: string, path: string): Promise<boolean> {
  try {
    await files.symlink(says, path);
    return true;
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) return false;
    // What file systems without symbolic links answer, and Windows to who may not make any.
    if (!hasCode(cause, 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM')) throw cause;
    throw new ExportError(
      `${dirname(path)} is on a file system without symbolic links (${errorCode(cause)}), which name the latest ` +
        'snapshot; choose an output folder on another one (on Windows: turn the developer mode on)',
      { exitCode: EXIT.cannotCreate, stage: 'checkpoint', cause },
    );
  }
}

/** @returns what the lock says, nothing if it is not one of ours; undefined when it is gone */
async function readLock(files: FileSystem, path: string): Promise<string | undefined> {
  return files.readLink(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    if (hasCode(error, 'EINVAL')) return '';
    throw error;
  });
}

/** @returns undefined when a lock of this program does not say so */
export function decodeHolder(found: string): Holder | undefined {
  try {
    return parseChecked(Holder, Buffer.from(found));
  } catch {
    return undefined;
  }
}

async function holderOf(files: FileSystem, path: string): Promise<Holder | undefined> {
  return decodeHolder((await readLock(files, path)) ?? '');
}

async function check(files: FileSystem, path: string, mine: Holder): Promise<void> {
  const holder = await holderOf(files, path);
  if (holder?.token === mine.token) return;
  const taker = holder ? `${described(holder)} has it now` : 'it is gone';
  throw busy(`this run lost the lock ${path}: ${taker}; nothing was published`);
}

async function release(files: FileSystem, path: string, mine: Holder): Promise<void> {
  if ((await holderOf(files, path))?.token === mine.token) await files.remove(path);
}

/** Those of starters that died. That of a starter still at it serves no purpose any more: the lock is taken. */
async function removeGuards(files: FileSystem, path: string): Promise<void> {
  for (const name of await files.list(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !/\.[0-9a-f]{32}\.guard$/.test(name)) continue;
    const guard = join(dirname(path), name);
    if (await holderOf(files, guard)) await files.remove(guard);
  }
}

/** @param mayBreak whether its holder may also be out of sight, or not named */
async function refuseUnlessDead(
  { files, processes }: Acquisition,
  path: string,
  found: string,
  self: Holder,
  mayBreak: boolean,
): Promise<void> {
  const holder = decodeHolder(found);
  const standing = holder && (await standingOf(holder, self, processes));
  if (standing === 'dead') return;
  if (holder === undefined) {
    const { kind, modifiedMs } = (await files.stat(path)) ?? { modifiedMs: 0 };
    if (kind === 'folder') {
      const message = `${path} is a folder; move it away and run again`;
      throw new ExportError(message, { exitCode: EXIT.cannotCreate, stage: 'checkpoint' });
    }
    if (mayBreak) return;
    throw busy(
      `${path} names no holder: something else made it, at ${new Date(modifiedMs).toISOString()}; ` +
        'if no run is active, run again with --break-lock',
    );
  }
  if (mayBreak && standing !== 'alive') return;
  throw busy(
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
  const exit = { exitCode: EXIT.temporary, stage: 'checkpoint', retryable: true } as const;
  return new ExportError(message, exit);
}
