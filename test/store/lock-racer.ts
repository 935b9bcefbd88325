import { once } from 'node:events';
import { ExportError } from '../../src/platform/errors.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { acquireLock } from '../../src/store/lock.ts';
import { nodeProcesses } from '../../src/store/processes.ts';

/**
 * A process that takes the lock named in its arguments when it is told to, and keeps it until its stdin ends. A second
 * argument names the machine, and the boot of it, that the process takes itself to be on.
 */
const [path = '', machine] = process.argv.slice(2);
const self = async () => {
  const identity = await nodeProcesses.self();
  return machine === undefined ? identity : { ...identity, machine, boot: machine };
};
process.stdout.write('ready\n');
await once(process.stdin, 'data');
try {
  const processes = { ...nodeProcesses, self };
  await acquireLock({ files: nodeFiles, clock: { wall: Date.now }, path, processes });
  process.stdout.write('won\n');
} catch (error) {
  process.stdout.write(`${error instanceof ExportError ? error.exitCode : String(error)}\n`);
}
await once(process.stdin.resume(), 'end');
