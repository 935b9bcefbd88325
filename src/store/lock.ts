import { createHash, randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { formatJson, parseChecked } from '../json/checked-json.ts';
import { makeFolders, writeNewFile } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import { EXIT, ExportError, hasCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { nodeProcesses, type Processes, ProcessIdentity, standingOf } from './processes.ts';

/** Content of a lock file: a process, when it took the lock, and a word that no other acquisition ever has. */
const Holder = v.object({
  ...ProcessIdentity.entries,
  // Locks of versions before this one name no machine.
  machine: v.optional(ProcessIdentity.entries.machine, null),
  since: v.string(),
  token: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
});
export type Holder = v.InferOutput<typeof Holder>;

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

/** What file systems without link(2) answer, such as SMB and virtiofs. */
const NO_LINKS = ['EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM'];

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
  const { path, breakLock = false, processes = nodeProcesses } = options;
  const files = explainIoErrors(options.files, 'checkpoint', 'start');
  await makeFolders(files, dirname(path));
  const self = await processes.self();
  const since = new Date(options.clock.wall()).toISOString();
  const newHolder = () => ({ ...self, since, token: randomUUID() });
  const mine = await acquire({ files, processes, newHolder, lockPath: path, breakLock }, path);
  const working = explainIoErrors(options.files, 'checkpoint', 'work');
  await removeLeftOvers(files, path).catch(async (error: unknown) => {
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
  /** What is written beside the lock, to be cleared away by its next holder, has names that begin with its. */
  readonly lockPath: string;
  readonly breakLock: boolean;
}

/** @param path of the lock, or of a guard */
async function acquire(acquisition: Acquisition, path: string): Promise<Holder> {
  const { files, newHolder, lockPath, breakLock } = acquisition;
  // Only the one that is there now may be replaced although its holder may not be dead.
  const broken = breakLock ? (await readLock(files, path))?.id : undefined;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const mine = newHolder();
    const written = `${lockPath}.${mine.token}`;
    await writeNewFile(files, written, formatJson(mine), 'checkpoint');
    try {
      if (await isNamed(files, written, path, mine)) return mine;
      const found = await readLock(files, path);
      // It went meanwhile, or link(2) failed after it had done its work.
      if (found === undefined) continue;
      if (found.holder?.token === mine.token) return mine;
      await refuseUnlessDead(acquisition, path, found, mine, found.id === broken);
      const guardPath = `${lockPath}.${found.id}.guard`;
      const guard = await acquire(acquisition, guardPath);
      try {
        // Otherwise it changed hands meanwhile: look again.
        if ((await readLock(files, path))?.id === found.id) {
          await files.rename(written, path);
          return mine;
        }
      } finally {
        await release(files, guardPath, guard);
      }
    } finally {
      await files.remove(written);
    }
  }
  throw busy('several runs started at the same moment; run again');
}

/** @returns whether `path` is now a name of what was written; false when it is taken */
async function isNamed(files: FileSystem, written: string, path: string, mine: Holder) {
  try {
    await files.link(written, path).catch((error: unknown) => {
      if (!hasCode(error, ...NO_LINKS)) throw error;
      return writeNewFile(files, path, formatJson(mine), 'checkpoint');
    });
    return true;
  } catch (error) {
    // The name is taken; or what was to get it is gone, cleared away by the holder.
    if (hasCode(error, 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
}

interface FoundLock {
  /** Undefined for a torn lock, or one that this program did not write. */
  readonly holder: Holder | undefined;
  /** Changes with the content. */
  readonly id: string;
  readonly content: string;
}

/** @returns undefined when the lock is gone */
async function readLock(files: FileSystem, path: string): Promise<FoundLock | undefined> {
  const bytes = await files.read(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (bytes === undefined) return undefined;
  const id = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  return { holder: decodeHolder(bytes), id, content: Buffer.from(bytes).toString('utf8') };
}

/** @returns undefined when the content is no lock of ours */
export function decodeHolder(content: Uint8Array): Holder | undefined {
  try {
    return parseChecked(Holder, content);
  } catch {
    return undefined;
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
  // A lock of ours, or the start of one whose writer was killed.
  const start = '{\n  "host": "';
  for (const name of await files.list(dirname(path))) {
    const ending = name.startsWith(basename(path)) ? name.slice(basename(path).length) : '';
    if (!/^(?:\.[0-9a-f-]{36}|\.[0-9a-f]{32}\.guard)$/.test(ending)) continue;
    const leftOver = join(dirname(path), name);
    if ((await files.stat(leftOver))?.kind !== 'file') continue;
    const content = (await readLock(files, leftOver))?.content;
    if (content === undefined) continue;
    if (content.startsWith(start) || start.startsWith(content)) await files.remove(leftOver);
  }
}

/** @param mayBreak whether its holder may also be out of sight, or not named */
async function refuseUnlessDead(
  { files, processes }: Acquisition,
  path: string,
  { holder }: FoundLock,
  self: Holder,
  mayBreak: boolean,
): Promise<void> {
  const standing = holder && (await standingOf(holder, self, processes));
  if (standing === 'dead' || (mayBreak && standing !== 'alive')) return;
  if (holder === undefined) {
    const { modifiedMs } = (await files.stat(path)) ?? { modifiedMs: 0 };
    throw busy(
      `${path} names no holder: a run was killed while it wrote it, or something else did, at ` +
        `${new Date(modifiedMs).toISOString()}; if no run is active, run again with --break-lock`,
    );
  }
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
