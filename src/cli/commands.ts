import type { Command } from './command.ts';
import type { Flag } from './flag.ts';
import { FILTER_FLAGS, LOG_FLAGS, RUN_FLAGS, SERVER_FLAGS } from './flags.ts';
import { runExportCommand, runPlanCommand } from './run-pipeline.ts';
import { runVerifyCommand } from './run-verify.ts';

const PIPELINE = {
  usage: '[pipeline]',
  name: 'pipeline',
  description: 'Name of a file in pipelines/ [default: jobs]',
};

const EXPORT_FLAGS: readonly Flag[] = Object.values({
  ...FILTER_FLAGS,
  ...SERVER_FLAGS,
  ...RUN_FLAGS,
  ...LOG_FLAGS,
});

/** Every command, in the order in which `--help` shows them. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'export',
    argument: PIPELINE,
    description: 'Export jobs to files, with a proof that none is missing',
    flags: EXPORT_FLAGS,
    run: runExportCommand,
  },
  {
    name: 'plan',
    argument: PIPELINE,
    description: 'Count the jobs and the requests an export would take; fetch nothing else',
    flags: EXPORT_FLAGS,
    run: runPlanCommand,
  },
  {
    name: 'verify',
    argument: {
      usage: '<folder>',
      name: 'folder',
      description: 'A snapshot, such as output/jobs/latest',
    },
    description: 'Read a snapshot back and compare it with its manifest',
    flags: [LOG_FLAGS.json],
    run: runVerifyCommand,
  },
];

/** Every flag of every command, once. */
export const ALL_FLAGS: readonly Flag[] = [
  ...new Map(COMMANDS.flatMap(({ flags }) => flags).map((flag) => [flag.name, flag])).values(),
];
