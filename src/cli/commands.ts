import { join, resolve } from 'node:path';
import type { Manifest } from '../index.ts';
import { REGIONS } from '../jobs/options.ts';
import { EXIT, type ExitCode, ExportError } from '../platform/errors.ts';
import {
  checkOptions,
  type ExportOptions,
  FILTER_OPTIONS,
  givenOf,
  type Option,
  option,
  RUN_OPTIONS,
  settings,
} from '../run/options.ts';
import * as values from '../run/values.ts';
import { type Command, type Engine, type Invocation, SCREEN_OPTIONS } from './command.ts';
import { credentialsFrom } from './credentials.ts';
import { proxyFrom } from './environment.ts';
import { writeMetrics } from './metrics.ts';
import { loadPipeline } from './pipelines.ts';
import { openReporter, type Reporter } from './reporter.ts';
import { exportSummary, planSummary, statusSummary, verifySummary } from './summary.ts';

const DEFAULT_PIPELINE = 'jobs';

const PIPELINE = {
  usage: '[pipeline]',
  name: 'pipeline',
  description: `Name of a pipeline, or a file such as ./night.json [default: ${DEFAULT_PIPELINE}]`,
};
const FOLDER = { usage: '[folder]', name: 'folder' };

const TABLE: Readonly<Record<string, Option>> = { ...FILTER_OPTIONS, ...RUN_OPTIONS };
const EXPORT_OPTIONS = Object.values<Option>({ ...TABLE, ...SCREEN_OPTIONS });

/** What only `verify` knows. */
const VERIFY_OPTIONS = {
  output: RUN_OPTIONS.output,
  as: RUN_OPTIONS.pipeline,
  json: SCREEN_OPTIONS.json,
} as const;

/** What only `status` knows. */
// biome-ignore format: an option is one line
const STATUS_OPTIONS = {
  output: RUN_OPTIONS.output,
  as: RUN_OPTIONS.pipeline,
  maxAge: option('max-age', 'The run', values.duration('0s', '3650d'), 'Age from which the newest snapshot is too old: exit code 1', { fallback: '26h' }),
  json: SCREEN_OPTIONS.json,
} as const;

/** What only `report` knows. */
// biome-ignore format: an option is one line
const REPORT_OPTIONS = {
  file: option('file', 'Files', values.path, 'Page to write; a file of that name is replaced, and so is the .sql beside it', { fallback: 'report.html' }),
  timeZone: RUN_OPTIONS.timeZone,
} as const;

/** Every command, in the order in which `--help` shows them. */
export const COMMANDS: readonly Command[] = [
  {
    name: 'export',
    argument: PIPELINE,
    description: 'Export jobs, with a proof that none is missing',
    options: EXPORT_OPTIONS,
    run: runExport,
  },
  {
    name: 'plan',
    argument: PIPELINE,
    description: 'Count jobs and requests; fetch nothing else',
    options: EXPORT_OPTIONS,
    run: runPlan,
  },
  {
    name: 'verify',
    argument: { ...FOLDER, description: 'A snapshot, such as output/jobs/latest; or --as' },
    description: 'Compare a snapshot with its manifest',
    options: Object.values(VERIFY_OPTIONS),
    run: runVerify,
  },
  {
    name: 'status',
    argument: { ...PIPELINE, description: `Name of a pipeline [default: ${DEFAULT_PIPELINE}]` },
    description: 'List snapshots; is the newest young enough?',
    options: Object.values(STATUS_OPTIONS),
    run: runStatus,
  },
  {
    name: 'report',
    argument: { ...FOLDER, description: 'A snapshot [default: output/jobs/latest]' },
    description: 'Make a page of a snapshot, to look at',
    options: Object.values(REPORT_OPTIONS),
    run: runReport,
  },
];

/** Every option of every command, once. */
export const ALL_OPTIONS: readonly Option[] = [
  ...new Set(COMMANDS.flatMap(({ options }) => options)),
];

/** `export`: runs a pipeline and prints what was published. */
function runExport(invocation: Invocation): Promise<ExitCode> {
  const { clock, signal } = invocation.context;
  const { metrics } = settings(SCREEN_OPTIONS, invocation.given);
  const begun = clock.monotonic();
  return reported(invocation, exportSummary, async (engine, options, { emit, log }) => {
    const { pipeline, apiUrl, output } = options;
    const measured = async (exitCode: ExitCode, manifest?: Manifest) => {
      const seconds = (clock.monotonic() - begun) / 1000;
      const run = { pipeline, exitCode, seconds, finishedAt: clock.wall() };
      if (metrics !== undefined) await writeMetrics(metrics, run, manifest);
    };
    log('info', 'export started', { pipeline, apiUrl, output });
    try {
      const result = await engine.runExport(options, { emit }, signal);
      const { rows, seconds, requests, retries, completeness } = result.manifest;
      const more = { proven: completeness.proven, folder: result.folder };
      log('info', 'export finished', { rows, seconds, requests, retries, ...more });
      await measured(EXIT.ok, result.manifest);
      return result;
    } catch (error) {
      // The reason for the failure counts, not that its figures could not be written.
      await measured(error instanceof ExportError ? error.exitCode : EXIT.bug).catch(() => {});
      throw error;
    }
  });
}

/** `plan`: asks the server for the total and prints what an export would take. */
function runPlan(invocation: Invocation): Promise<ExitCode> {
  return reported(invocation, planSummary, (engine, options, { emit }) =>
    engine.planExport(options, { emit }, invocation.context.signal),
  );
}

/** Resolves the options, does the work with its progress on stderr, and prints the result. */
async function reported<Result>(
  invocation: Invocation,
  summary: (result: Result) => string,
  work: (engine: Engine, options: ExportOptions, reporter: Reporter) => Promise<Result>,
): Promise<ExitCode> {
  const { context, screen } = invocation;
  const { json, quiet } = settings(SCREEN_OPTIONS, invocation.given);
  const options = await exportOptions(invocation);
  const reporter = openReporter(invocation);
  try {
    const result = await work(await context.engine(), options, reporter);
    reporter.close();
    if (!quiet) screen.print(json ? JSON.stringify(result) : summary(result));
    return EXIT.ok;
  } finally {
    reporter.close();
  }
}

/**
 * Resolves every option of an export: flags over environment over pipeline file over defaults.
 *
 * @throws ExportError 64 for a refused option or pipeline name; 78 for a refused pipeline file or credentials
 */
async function exportOptions(invocation: Invocation): Promise<ExportOptions> {
  const { given, argument = DEFAULT_PIPELINE, context, screen } = invocation;
  const { environment, folder, clock } = context;
  const { pipelines = context.pipelines } = settings(SCREEN_OPTIONS, given);
  const { name, definition } = await loadPipeline(argument, pipelines, folder);
  const run = {
    region: 'fr',
    pipeline: name,
    ...definition,
    ...givenOf(RUN_OPTIONS, given),
  } as const;
  const server = new URL(run.apiUrl ?? REGIONS[run.region].apiUrl);
  const proxy = proxyFrom(environment);
  return checkOptions(
    {
      ...run,
      output: resolve(folder, run.output ?? RUN_OPTIONS.output.fallback),
      filters: { ...definition.filters, ...givenOf(FILTER_OPTIONS, given) },
      credentials: credentialsFrom(environment, server, folder, screen.redactor),
      ...(proxy && { proxy }),
    },
    clock.wall(),
    (option) => (option in TABLE ? `--${TABLE[option].flag}` : option),
  );
}

/** `verify`: compares a snapshot with its manifest; differences are printed and end in exit code 65. */
async function runVerify({ given, context, screen, argument }: Invocation): Promise<ExitCode> {
  const { json, output, as } = settings(VERIFY_OPTIONS, given);
  const folder = argument ?? (given.as === undefined ? undefined : join(output, as));
  if (!folder) throw new values.Refusal('[folder] is missing, or --as');
  const { verifySnapshot } = await context.engine();
  const verified = await verifySnapshot(resolve(context.folder, folder));
  screen.print(json ? JSON.stringify(verified) : verifySummary(verified));
  return verified.problems.length === 0 ? EXIT.ok : EXIT.data;
}

/** `status`: how a pipeline is doing; exit code 1 when its newest snapshot is too old, or there is none. */
async function runStatus({ given, context, screen, argument }: Invocation): Promise<ExitCode> {
  const { json, output, as, maxAge } = settings(STATUS_OPTIONS, given);
  const named = () => values.name.parse([argument ?? DEFAULT_PIPELINE]);
  const name = given.as === undefined ? values.within('[pipeline]', named) : as;
  const { pipelineStatus } = await context.engine();
  const folder = join(resolve(context.folder, output), name);
  const status = await pipelineStatus(folder, maxAge, context.clock.wall());
  screen.print(json ? JSON.stringify(status) : statusSummary(status));
  return status.stale ? EXIT.stale : EXIT.ok;
}

/** `report`: makes a page of a published snapshot, and prints its path. */
async function runReport({ given, context, screen, argument }: Invocation): Promise<ExitCode> {
  const settled = settings(REPORT_OPTIONS, given);
  const folder = resolve(context.folder, argument ?? 'output/jobs/latest');
  const file = resolve(context.folder, settled.file);
  const { reportSnapshot } = await context.engine();
  await reportSnapshot(folder, file, settled.timeZone);
  screen.print(file);
  return EXIT.ok;
}
