import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { errorCode } from '../platform/errors.ts';

/** What tells one process from every other, past ones included. Null: this system does not say. */
export interface ProcessIdentity {
  readonly host: string;
  /** Id of the machine's current boot. */
  readonly boot: string | null;
  /** The numbering that `pid` belongs to: containers of one host have their own. */
  readonly pidNamespace: string | null;
  readonly pid: number;
  /** When the process started, in the system's own form: a pid used again shows by it. */
  readonly started: string | null;
}

/** The processes of this machine. */
export interface Processes {
  self(): Promise<ProcessIdentity>;
  /** `running` when a process has this pid; a zombie, which runs no more, is `gone`. */
  look(pid: number): Promise<'gone' | { readonly started: string | null }>;
}

export const nodeProcesses: Processes = {
  async self() {
    const found = await look(process.pid);
    return {
      host: hostname(),
      boot: await orNull(async () =>
        (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
      ),
      pidNamespace: await orNull(() => readlink('/proc/self/ns/pid')),
      pid: process.pid,
      started: found === 'gone' ? null : found.started,
    };
  },
  look,
};

async function look(pid: number): Promise<'gone' | { readonly started: string | null }> {
  if (!exists(pid)) return 'gone';
  if (process.platform !== 'linux') return { started: await orNull(() => startBySystemTool(pid)) };
  const stat = await orNull(() => readFile(`/proc/${pid}/stat`, 'utf8'));
  return stat === null ? { started: null } : readProcStat(stat);
}

/** Signal 0 only asks. EPERM: it exists and is another user's. */
function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

/**
 * @param stat content of `/proc/<pid>/stat`. The second field, the command in parentheses, may hold anything, so fields
 *   are counted from the last parenthesis: 3 is the state, 22 the start in clock ticks since boot. Source: proc(5)
 */
export function readProcStat(stat: string): 'gone' | { readonly started: string | null } {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  return state === 'Z' || state === 'X' ? 'gone' : { started: fields[19] ?? null };
}

/** macOS and the BSDs: the start as a date, in the C locale. */
async function startBySystemTool(pid: number): Promise<string> {
  const { execFile } = await import('node:child_process');
  const run = promisify(execFile);
  const env = { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' };
  const { stdout } = await run('ps', ['-o', 'lstart=', '-p', String(pid)], { env });
  return stdout.trim();
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}
