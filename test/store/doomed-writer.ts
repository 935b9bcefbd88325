import { nodeFiles } from '../../src/platform/node-files.ts';
import { openCheckpoint } from '../../src/store/open.ts';
import { faultyFiles, killProcess, parseFault } from '../support/faulty-files.ts';

/** A process that writes three parts into a work folder and suffers the fault that its arguments name. */
const [folder = '', fault = ''] = process.argv.slice(2);
const checkpoint = await openCheckpoint({
  files: faultyFiles(nodeFiles, parseFault(fault), killProcess),
  clock: { wall: () => 0 },
  folder,
  fingerprint: '0123456789abcdef',
  run: 'doomed',
  restart: false,
  resumeWithinMs: 1,
});
for (const text of ['first', 'second', 'third']) {
  await checkpoint.append({ bytes: Buffer.from(text), state: text });
  process.stdout.write(`${text}\n`);
}
await checkpoint.close();
