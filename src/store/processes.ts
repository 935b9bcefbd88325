import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { errorCode } from '../platform/errors.ts';

const known = v.nullable(v.string());

/** What tells one process from every other, past ones included. Null: this system does not say. */
export const ProcessIdentity = v.object({
  host: v.string(),
  /** Id of the machine, kept over boots. Null in a container too, whose image may carry the id of another machine. */
  machine: known,
  /** Id of the machine's current boot. */
  boot: known,
  /** The numbering that `pid` belongs to: containers of one host have their own. */
  pidNamespace: known,
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  /** When the process started, in the system's own form: a pid used again shows by it. */
  started: known,
});
export type ProcessIdentity = v.InferOutput<typeof ProcessIdentity>;

/** `elsewhere`: it runs, or ran, where this process cannot see it. */
export type Standing = 'alive' | 'dead' | 'elsewhere';

/** `gone`, a zombie too, which runs no more; else what `started` of the process with this pid is. */
type Look = 'gone' | { readonly started: string | null };

/** The processes of this machine. */
export interface Processes {
  self(): Promise<ProcessIdentity>;
  look(pid: number): Promise<Look>;
}

/**
 * Dead is said only when it is certain, and then it is for ever. A name of a host proves nothing, two machines may have the
 * same; it takes one machine id, or one boot, to look a pid up or to conclude from a later boot that all before it ended.
 */
export async function standingOf(
  one: ProcessIdentity,
  self: ProcessIdentity,
  processes: Processes,
): Promise<Standing> {
  const areOneMachine = same(one.machine, self.machine) ?? same(one.boot, self.boot) ?? false;
  if (one.host !== self.host || !areOneMachine) return 'elsewhere';
  if (same(one.boot, self.boot) === false) return 'dead';
  if (one.pidNamespace !== self.pidNamespace) return 'elsewhere';
  const found = await processes.look(one.pid);
  return found === 'gone' || same(one.started, found.started) === false ? 'dead' : 'alive';
}

/** @returns null when it cannot be told */
function same(one: string | null, other: string | null): boolean | null {
  return one === null || other === null ? null : one === other;
}

/** That of the machine itself. Source: PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

export const nodeProcesses: Processes = {
  async self() {
    const found = await look(process.pid);
    const pidNamespace = await orNull(() => readlink('/proc/self/ns/pid'));
    const isContained = pidNamespace !== null && pidNamespace !== INITIAL_PID_NAMESPACE;
    return {
      host: hostname(),
      machine: isContained ? null : await machineId(),
      boot: await orNull(() => readWord('/proc/sys/kernel/random/boot_id')),
      pidNamespace,
      pid: process.pid,
      started: found === 'gone' ? null : found.started,
    };
  },
  look,
};

async function look(pid: number): Promise<Look> {
  if (!exists(pid)) return 'gone';
  if (process.platform === 'linux') {
    const stat = await orNull(() => readFile(`/proc/${pid}/stat`, 'utf8'));
    return stat === null ? { started: null } : readProcStat(stat);
  }
  // macOS and the BSDs: the start as a date.
  const started = await orNull(() => systemTool('ps', '-o', 'lstart=', '-p', String(pid)));
  return { started: started?.trim() ?? null };
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
export function readProcStat(stat: string): Look {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return /^[ZX]$/.test(fields[0] ?? '') ? 'gone' : { started: fields[19] ?? null };
}

/** Source: machine-id(5); ioreg(8) on macOS. */
async function machineId(): Promise<string | null> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id', '/etc/hostid']) {
    const id = await orNull(() => readWord(path));
    if (id !== null) return id;
  }
  if (process.platform !== 'darwin') return null;
  const said = await orNull(() => systemTool('ioreg', '-rd1', '-c', 'IOPlatformExpertDevice'));
  return said?.match(/"IOPlatformUUID" = "([^"]+)"/)?.[1] ?? null;
}

async function systemTool(tool: string, ...args: string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  const env = { PATH: '/bin:/usr/bin:/sbin:/usr/sbin', LC_ALL: 'C', TZ: 'UTC' };
  return (await promisify(execFile)(tool, args, { env })).stdout;
}

/** @throws when the file is not there or holds no id: machine-id(5) lets an image say `uninitialized` */
async function readWord(path: string): Promise<string> {
  const word = (await readFile(path, 'utf8')).trim();
  if (word === '' || word === 'uninitialized') throw new Error(`${path} holds no id`);
  return word;
}

function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  return read().catch(() => null);
}
