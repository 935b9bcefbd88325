import { join, resolve } from 'node:path';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import { FILTER_OPTIONS, type Option, preset, RUN_OPTIONS } from '../run/options.ts';
import * as values from '../run/values.ts';
import {
  type Command,
  DEFAULT_PIPELINE,
  type Invocation,
  SCREEN_OPTIONS,
  settings,
} from './command.ts';
import { usageError } from './command-line.ts';
import { parseTexts } from './environment.ts';
import { runExportCommand, runPlanCommand } from './run-export.ts';
import { SCRIPT, statusSummary, verifySummary } from './summary.ts';

const PIPELINE = {
  usage: '[pipeline]',
  name: 'pipeline',
  description: `Name of a pipeline, or a file such as ./night.json [default: ${DEFAULT_PIPELINE}]`,
};

const EXPORT_OPTIONS = Object.values<Option>({
  ...FILTER_OPTIONS,
  ...RUN_OPTIONS,
  ...SCREEN_OPTIONS,
});

/** What only `status` knows. */
// biome-ignore format: an option is one line
const STATUS_OPTIONS = {
  output: RUN_OPTIONS.output,
  as: RUN_OPTIONS.pipeline,
  maxAge: preset('max-age', 'The run', values.duration('0s', '3650d'), 'Age from which the newest snapshot is too old: exit code 1', '26h'),
  json: SCREEN_OPTIONS.json,
} as const;

/** What only `verify` knows. */
const VERIFY_OPTIONS = {
  output: STATUS_OPTIONS.output,
  as: STATUS_OPTIONS.as,
  json: SCREEN_OPTIONS.json,
} as const;

/** What only `report` knows. */
// biome-ignore format: an option is one line
const REPORT_OPTIONS = {
  file: preset('file', 'Files', values.path, 'Page to write; a file of that name is replaced, and so is the .sql beside it', 'report.html'),
  timeZone: RUN_OPTIONS.timeZone,
} as const;

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
      usage: '[folder]',
      name: 'folder',
      description: 'A snapshot, such as output/jobs/latest; or --as',
    },
    description: 'Compare a snapshot with its manifest',
    options: Object.values(VERIFY_OPTIONS),
    run: runVerifyCommand,
  },
  {
    name: 'status',
    argument: { ...PIPELINE, description: `Name of a pipeline [default: ${DEFAULT_PIPELINE}]` },
    description: 'List snapshots; is the newest young enough?',
    options: Object.values(STATUS_OPTIONS),
    run: runStatusCommand,
  },
  {
    name: 'report',
    argument: {
      usage: '[folder]',
      name: 'folder',
      description: 'A snapshot [default: output/jobs/latest]',
    },
    description: 'Make a page of a snapshot, to look at',
    options: Object.values(REPORT_OPTIONS),
    run: runReportCommand,
  },
];

/** Every option of every command, once. */
export const ALL_OPTIONS: readonly Option[] = [
  ...new Set(COMMANDS.flatMap(({ options }) => options)),
];

/** `verify`: compares a snapshot with its manifest; differences are printed and end in exit code 65. */
async function runVerifyCommand(invocation: Invocation): Promise<ExitCode> {
  const { given, context, screen, argument } = invocation;
  const { json, output, as } = settings(VERIFY_OPTIONS, given);
  const folder = argument ?? (given.as === undefined ? undefined : join(output, as));
  if (!folder) throw usageError('[folder] is missing, or --as', { name: 'verify' });
  const { verifySnapshot } = await context.engine();
  const verified = await verifySnapshot(resolve(context.folder, folder));
  screen.print(json ? JSON.stringify(verified) : verifySummary(verified));
  return verified.problems.length === 0 ? EXIT.ok : EXIT.data;
}

/** `status`: how a pipeline is doing; exit code 1 when its newest snapshot is too old, or there is none. */
async function runStatusCommand(invocation: Invocation): Promise<ExitCode> {
  const { given, context, screen, argument = DEFAULT_PIPELINE } = invocation;
  const { json, output, as, maxAge } = settings(STATUS_OPTIONS, given);
  const source = { name: '[pipeline]', help: `${SCRIPT} status --help`, folder: context.folder };
  const name =
    given.as === undefined ? String(parseTexts(RUN_OPTIONS.pipeline, [argument], source)) : as;
  const folder = join(resolve(context.folder, output), name);
  const { pipelineStatus } = await context.engine();
  const status = await pipelineStatus(folder, maxAge, context.clock.wall());
  screen.print(json ? JSON.stringify(status) : statusSummary(status));
  return status.stale ? EXIT.stale : EXIT.ok;
}

/** `report`: makes a page of a published snapshot, and prints its path. */
async function runReportCommand(invocation: Invocation): Promise<ExitCode> {
  const { given, context, screen, argument = 'output/jobs/latest' } = invocation;
  const settled = settings(REPORT_OPTIONS, given);
  const file = resolve(context.folder, settled.file);
  const { reportSnapshot } = await context.engine();
  await reportSnapshot(resolve(context.folder, argument), file, settled.timeZone);
  screen.print(file);
  return EXIT.ok;
}
