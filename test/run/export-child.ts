import { runExport } from '../../src/index.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { faultyFiles, killProcess, parseFault } from '../support/faulty-files.ts';

/** An export in a process of its own that is killed, really, at one of its file operations. */
const { EXPORT_OPTIONS = '', EXPORT_FAULT = '' } = process.env;
const options: ExportOptions = JSON.parse(EXPORT_OPTIONS);
const fault = EXPORT_FAULT === '' ? undefined : parseFault(EXPORT_FAULT);
await runExport(options, { files: faultyFiles(nodeFiles, fault, killProcess) });
