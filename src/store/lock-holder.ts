import { Fields } from '../json/json-value.ts';
import type { Processes, ProcessIdentity } from './processes.ts';

/** Content of a lock file. */
export interface Holder extends ProcessIdentity {
  /** Wall time, ISO 8601. */
  readonly since: string;
  /** Unique to this one acquisition. */
  readonly token: string;
}

/** `elsewhere`: it runs, or ran, where this process cannot see it. */
export type Standing = 'alive' | 'dead' | 'elsewhere';

/** Dead is said only when it is certain, and then it is for ever. */
export async function standingOf(
  holder: Holder,
  self: ProcessIdentity,
  processes: Processes,
): Promise<Standing> {
  if (holder.host !== self.host) return 'elsewhere';
  if (holder.boot !== null && self.boot !== null && holder.boot !== self.boot) return 'dead';
  if (holder.pidNamespace !== self.pidNamespace) return 'elsewhere';
  const found = await processes.look(holder.pid);
  if (found === 'gone') return 'dead';
  if (holder.started === null || found.started === null) return 'alive';
  return holder.started === found.started ? 'alive' : 'dead';
}

export function encodeHolder(holder: Holder): Uint8Array {
  return Buffer.from(`${JSON.stringify(holder, null, 2)}\n`, 'utf8');
}

/** @returns undefined when the content is no lock of ours */
export function decodeHolder(content: Uint8Array): Holder | undefined {
  try {
    const fields = new Fields(JSON.parse(Buffer.from(content).toString('utf8')));
    const pid = fields.count('pid');
    const token = fields.text('token');
    if (pid === 0 || !/^[0-9a-f-]{36}$/.test(token)) return undefined;
    return {
      host: fields.text('host'),
      boot: fields.textOrNull('boot'),
      pidNamespace: fields.textOrNull('pidNamespace'),
      pid,
      started: fields.textOrNull('started'),
      since: fields.text('since'),
      token,
    };
  } catch {
    return undefined;
  }
}
