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
import {
  type Command,
  type Context,
  type Engine,
  type Invocation,
  SCREEN_OPTIONS,
} from './command.ts';
import { credentialsFrom } from './credentials.ts';
import { proxyFrom } from './environment.ts';
import { checkMetrics, writeMetrics } from './metrics.ts';
import { loadPipeline } from './pipelines.ts';
import { openReporter, type Reporter } from './reporter.ts';
import { exportSummary, planSummary, statusSummary, verifySummary } from './summary.ts';

const DEFAULT_PIPELINE = 'jobs';

const PIPELINE = {
  name: 'pipeline',
  description: `Name of a pipeline, or a file such as ./night.json [default: ${DEFAULT_PIPELINE}]`,
};

const TABLE: Readonly<Record<string, Option>> = { ...FILTER_OPTIONS, ...RUN_OPTIONS };
const EXPORT_OPTIONS = Object.values<Option>({ ...TABLE, ...SCREEN_OPTIONS });

/** Where the snapshots of a pipeline are. */
const PLACE = { output: RUN_OPTIONS.output, as: RUN_OPTIONS.pipeline } as const;
const VERIFY_OPTIONS = { ...PLACE, json: SCREEN_OPTIONS.json } as const;

/** What only `status` knows. */
// biome-ignore format: an option is one line
const STATUS_OPTIONS = {
  ...PLACE,
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
    run: async (invocation) => {
      const result = await exporting(invocation, runExport);
      return { result, text: exportSummary(result) };
    },
  },
  {
    name: 'plan',
    argument: PIPELINE,
    description: 'Count jobs and requests; fetch nothing else',
    options: EXPORT_OPTIONS,
    run: async (invocation) => {
      const result = await exporting(invocation, ({ engine, options, reporter, signal }) =>
        engine.planExport(options, { emit: reporter.emit }, signal),
      );
      return { result, text: planSummary(result) };
    },
  },
  {
    name: 'verify',
    argument: { name: 'folder', description: 'A snapshot, such as output/jobs/latest; or --as' },
    description: 'Compare a snapshot with its manifest',
    options: Object.values(VERIFY_OPTIONS),
    run: async ({ given, context, argument }) => {
      const { output, as } = settings(VERIFY_OPTIONS, given);
      const folder = argument ?? (given.as === undefined ? undefined : join(output, as));
      if (!folder) throw new values.Refusal('[folder] is missing, or --as');
      const { verifySnapshot } = await context.engine();
      const result = await verifySnapshot(resolve(context.folder, folder));
      const exitCode = result.problems.length === 0 ? EXIT.ok : EXIT.data;
      return { result, text: verifySummary(result), exitCode };
    },
  },
  {
    name: 'status',
    argument: { ...PIPELINE, description: `Name of a pipeline [default: ${DEFAULT_PIPELINE}]` },
    description: 'List snapshots; is the newest young enough?',
    options: Object.values(STATUS_OPTIONS),
    run: async ({ given, context, argument = DEFAULT_PIPELINE }) => {
      const { output, as, maxAge } = settings(STATUS_OPTIONS, given);
      const named = () => values.parse(values.name, [argument]);
      const name = given.as === undefined ? values.within('[pipeline]', named) : as;
      const { pipelineStatus } = await context.engine();
      const folder = join(resolve(context.folder, output), name);
      const result = await pipelineStatus(folder, maxAge, context.clock.wall());
      return { result, text: statusSummary(result), exitCode: result.stale ? EXIT.stale : EXIT.ok };
    },
  },
  {
    name: 'report',
    argument: { name: 'folder', description: 'A snapshot [default: output/jobs/latest]' },
    description: 'Make a page of a snapshot, to look at',
    options: Object.values(REPORT_OPTIONS),
    run: async ({ given, context, argument = 'output/jobs/latest' }) => {
      const { file, timeZone } = settings(REPORT_OPTIONS, given);
      const result = resolve(context.folder, file);
      const { reportSnapshot } = await context.engine();
      await reportSnapshot(resolve(context.folder, argument), result, timeZone);
      return { result, text: result };
    },
  },
];

/** Every option of every command, once. */
export const ALL_OPTIONS: readonly Option[] = [
  ...new Set(COMMANDS.flatMap(({ options }) => options)),
];

/** What an export or a plan of it works with. */
interface Work extends Pick<Context, 'clock' | 'signal'> {
  readonly engine: Engine;
  readonly options: ExportOptions;
  readonly reporter: Reporter;
  /** Where the figures of the run go. */
  readonly metrics: string | undefined;
}

/** Resolves the options and does the work, with its progress on stderr. */
async function exporting<T>(invocation: Invocation, work: (work: Work) => Promise<T>): Promise<T> {
  const { context, given } = invocation;
  const options = await exportOptions(invocation);
  const reporter = openReporter(invocation);
  try {
    const { metrics } = settings(SCREEN_OPTIONS, given);
    return await work({ ...context, engine: await context.engine(), options, reporter, metrics });
  } finally {
    reporter.close();
  }
}

/** Exports, and leaves the figures of the run behind, however it ended. */
async function runExport({ engine, options, reporter, metrics, clock, signal }: Work) {
  const { pipeline, apiUrl, output } = options;
  const begun = clock.monotonic();
  const measured = async (exitCode: ExitCode, manifest?: Manifest) => {
    const seconds = (clock.monotonic() - begun) / 1000;
    const run = { pipeline, exitCode, seconds, finishedAt: clock.wall() };
    if (metrics !== undefined) await writeMetrics(metrics, run, manifest);
  };
  if (metrics !== undefined) await checkMetrics(metrics);
  reporter.log('info', 'export started', { pipeline, apiUrl, output });
  try {
    const result = await engine.runExport(options, { emit: reporter.emit }, signal);
    const { rows, seconds, requests, retries, completeness } = result.manifest;
    const more = { proven: completeness.proven, folder: result.folder };
    reporter.log('info', 'export finished', { rows, seconds, requests, retries, ...more });
    await measured(EXIT.ok, result.manifest);
    return result;
  } catch (error) {
    // The reason for the failure counts, not that its figures could not be written.
    await measured(error instanceof ExportError ? error.exitCode : EXIT.bug).catch(() => {});
    throw error;
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
  const own = { ...definition, ...givenOf(RUN_OPTIONS, given) };
  const {
    region = 'fr',
    apiUrl = REGIONS[region].apiUrl,
    output = RUN_OPTIONS.output.fallback,
  } = own;
  const proxy = proxyFrom(environment);
  return checkOptions(
    {
      ...{ region, pipeline: name, ...own, output: resolve(folder, output) },
      filters: { ...definition.filters, ...givenOf(FILTER_OPTIONS, given) },
      credentials: credentialsFrom(environment, new URL(apiUrl), folder, screen.redactor),
      ...(proxy && { proxy }),
    },
    clock.wall(),
    (option) => (option in TABLE ? `--${TABLE[option].flag}` : option),
  );
}
