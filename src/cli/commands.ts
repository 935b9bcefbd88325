import { FILTER_OPTIONS, type Option, RUN_OPTIONS } from '../run/options.ts';
import { type Command, DEFAULT_PIPELINE, SCREEN_OPTIONS, STATUS_OPTIONS } from './command.ts';
import { runExportCommand, runPlanCommand } from './run-export.ts';
import { runStatusCommand, runVerifyCommand } from './run-snapshots.ts';

const PIPELINE = {
  usage: '[pipeline]',
  name: 'pipeline',
  description: `Name of a pipeline, or a file such as ./night.json [default: ${DEFAULT_PIPELINE}]`,
};

const EXPORT_OPTIONS: readonly Option[] = [FILTER_OPTIONS, RUN_OPTIONS, SCREEN_OPTIONS].flatMap(
  (table) => Object.values<Option>(table),
);

/** Every command, in the order in which `--help` shows them. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'export',
    argument: PIPELINE,
    description: 'Export jobs, with a proof that none is missing',
    options: EXPORT_OPTIONS,
    run: runExportCommand,
  },
  {
    name: 'plan',
    argument: PIPELINE,
    description: 'Count jobs and requests; fetch nothing else',
    options: EXPORT_OPTIONS,
    run: runPlanCommand,
  },
  {
    name: 'verify',
    argument: {
      usage: '<folder>',
      name: 'folder',
      description: 'A snapshot, such as output/jobs/latest',
    },
    description: 'Compare a snapshot with its manifest',
    options: [SCREEN_OPTIONS.json],
    run: runVerifyCommand,
  },
  {
    name: 'status',
    argument: { ...PIPELINE, description: `Name of a pipeline [default: ${DEFAULT_PIPELINE}]` },
    description: 'List snapshots; is the newest young enough?',
    options: Object.values(STATUS_OPTIONS),
    run: runStatusCommand,
  },
];

/** Every option of every command, once. */
export const ALL_OPTIONS: readonly Option[] = [
  ...new Map(
    COMMANDS.flatMap(({ options }) => options).map((option) => [option.flag, option]),
  ).values(),
];
