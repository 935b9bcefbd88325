import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { errorCode } from '../platform/errors.ts';

/** What tells one process from every other, past ones included. Null: this system does not say. */
export interface ProcessIdentity {
  readonly host: string;
  /** Id of the machine, kept over boots. Null in a container too, whose image may carry the id of another machine. */
  readonly machine: string | null;
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

/** That of the machine itself. Source: PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h */
const INITIAL_PID_NAMESPACE = 'pid:[4026531836]';

export const nodeProcesses: Processes = {
  async self() {
    const found = await look(process.pid);
    const pidNamespace = await orNull(() => readlink('/proc/self/ns/pid'));
    const contained = pidNamespace !== null && pidNamespace !== INITIAL_PID_NAMESPACE;
    return {
      host: hostname(),
      machine: contained ? null : await machineId(),
      boot: await orNull(() => readWord('/proc/sys/kernel/random/boot_id')),
      pidNamespace,
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
  return (await systemTool('ps', ['-o', 'lstart=', '-p', String(pid)])).trim();
}

/** Source: machine-id(5); ioreg(8) on macOS; MachineGuid of the registry on Windows. */
async function machineId(): Promise<string | null> {
  for (const path of ['/etc/machine-id', '/var/lib/dbus/machine-id', '/etc/hostid']) {
    const id = await orNull(() => readWord(path));
    if (id !== null) return id;
  }
  if (process.platform === 'darwin') {
    return found(/"IOPlatformUUID" = "([^"]+)"/, 'ioreg', ['-rd1', '-c', 'IOPlatformExpertDevice']);
  }
  const key = 'HKLM\\SOFTWARE\\Microsoft\\Cryptography';
  return process.platform === 'win32'
    ? found(/MachineGuid\s+REG_SZ\s+(\S+)/, 'reg', ['query', key, '/v', 'MachineGuid'])
    : null;
}

async function found(pattern: RegExp, tool: string, args: string[]): Promise<string | null> {
  const said = await orNull(() => systemTool(tool, args));
  return said?.match(pattern)?.[1] ?? null;
}

async function systemTool(tool: string, args: string[]): Promise<string> {
  const { execFile } = await import('node:child_process');
  const path = process.platform === 'win32' ? {} : { PATH: '/bin:/usr/bin:/sbin:/usr/sbin' };
  const env = { ...path, LC_ALL: 'C', TZ: 'UTC' };
  return (await promisify(execFile)(tool, args, { env })).stdout;
}

/** @throws when the file is not there or holds no id: machine-id(5) lets an image say `uninitialized` */
async function readWord(path: string): Promise<string> {
  const word = (await readFile(path, 'utf8')).trim();
  if (word === '' || word === 'uninitialized') throw new Error(`${path} holds no id`);
  return word;
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch {
    return null;
  }
}
