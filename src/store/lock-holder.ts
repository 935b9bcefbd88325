import * as v from 'valibot';
import { formatJson, parseChecked } from '../json/checked-json.ts';
import type { Processes, ProcessIdentity } from './processes.ts';

const known = v.nullable(v.string());

/** Content of a lock file: a process, when it took the lock, and a word that no other acquisition ever has. */
const HOLDER = v.object({
  host: v.string(),
  // Locks of versions before this one name no machine.
  machine: v.optional(known, null),
  boot: known,
  pidNamespace: known,
  pid: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  started: known,
  since: v.string(),
  token: v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/)),
});
export type Holder = v.InferOutput<typeof HOLDER>;

/** `elsewhere`: it runs, or ran, where this process cannot see it. */
export type Standing = 'alive' | 'dead' | 'elsewhere';

/**
 * Dead is said only when it is certain, and then it is for ever. A name of a host proves nothing, two machines may have the
 * same; it takes one machine id, or one boot, to look a pid up or to conclude from a later boot that all before it ended.
 */
export async function standingOf(
  holder: Holder,
  self: ProcessIdentity,
  processes: Processes,
): Promise<Standing> {
  const machine = comparison(holder.machine, self.machine);
  const boot = comparison(holder.boot, self.boot);
  if (holder.host !== self.host || machine === 'differs') return 'elsewhere';
  if (machine === 'unknown' && boot !== 'same') return 'elsewhere';
  if (boot === 'differs') return 'dead';
  if (holder.pidNamespace !== self.pidNamespace) return 'elsewhere';
  const found = await processes.look(holder.pid);
  if (found === 'gone') return 'dead';
  return comparison(holder.started, found.started) === 'differs' ? 'dead' : 'alive';
}

function comparison(one: string | null, other: string | null): 'same' | 'differs' | 'unknown' {
  if (one === null || other === null) return 'unknown';
  return one === other ? 'same' : 'differs';
}

export function encodeHolder(holder: Holder): Uint8Array {
  return formatJson(holder);
}

/** @returns undefined when the content is no lock of ours */
export function decodeHolder(content: Uint8Array): Holder | undefined {
  try {
    return parseChecked(HOLDER, content);
  } catch {
    return undefined;
  }
}

/** True for a lock of ours, and for the start of one whose writer was killed. */
export function isOurs(content: Uint8Array): boolean {
  const start = '{\n  "host": "';
  const text = Buffer.from(content).toString('utf8');
  return decodeHolder(content) !== undefined || text.startsWith(start) || start.startsWith(text);
}
