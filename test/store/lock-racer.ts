import { once } from 'node:events';
import { ExportError } from '../../src/platform/errors.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { acquireLock } from '../../src/store/lock.ts';

/** A process that takes the lock named in its arguments when it is told to, and keeps it until its stdin ends. */
const [path = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
try {
  await acquireLock({ files: nodeFiles, clock: { wall: Date.now }, path });
  process.stdout.write('won\n');
} catch (error) {
  process.stdout.write(`${error instanceof ExportError ? error.exitCode : String(error)}\n`);
}
await once(process.stdin.resume(), 'end');
