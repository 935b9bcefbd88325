import { nodeFiles } from '../../src/platform/node-files.ts';
import { faultyFiles, killProcess, parseFault } from '../support/faulty-files.ts';
import { openWork, partOf } from './sample.ts';

/** A process that writes three parts into a work folder and suffers the fault that its arguments name. */
const [folder = '', fault = ''] = process.argv.slice(2);
const files = faultyFiles(nodeFiles, parseFault(fault), killProcess);
const work = await openWork(files, { folder, runId: 'doomed' });
for (const text of ['first', 'second', 'third']) {
  await work.append(partOf(text));
  process.stdout.write(`${text}\n`);
}
