import { resolve } from 'node:path';
import type { Manifest } from '../index.ts';
import { EXIT, type ExitCode, ExportError } from '../platform/errors.ts';
import { checkOptions } from '../run/check-options.ts';
import {
  collect,
  type ExportOptions,
  FILTER_OPTIONS,
  type Option,
  REGIONS,
  type Rows,
  RUN_OPTIONS,
} from '../run/options.ts';
import {
  DEFAULT_PIPELINE,
  type Engine,
  type Invocation,
  SCREEN_OPTIONS,
  settings,
} from './command.ts';
import { credentialsFrom } from './credentials.ts';
import { proxyFrom } from './environment.ts';
import { writeMetrics } from './metrics.ts';
import { loadPipeline } from './pipelines.ts';
import { openReporter, type Reporter } from './reporter.ts';
import { exportSummary, planSummary } from './summary.ts';

/** `export`: runs a pipeline and prints what was published. */
export function runExportCommand(invocation: Invocation): Promise<ExitCode> {
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
export function runPlanCommand(invocation: Invocation): Promise<ExitCode> {
  const { signal } = invocation.context;
  return reported(invocation, planSummary, (engine, options, { emit }) =>
    engine.planExport(options, { emit }, signal),
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
  const reporter = await openReporter(invocation);
  try {
    const engine = await context.engine();
    const result = await work(engine, options, reporter);
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
  const named = <Table extends Rows>(table: Table) => collect(table, ({ flag }) => given[flag]);
  const run = { region: 'fr', pipeline: name, ...definition, ...named(RUN_OPTIONS) } as const;
  const server = new URL(run.apiUrl ?? REGIONS[run.region].apiUrl);
  const proxy = proxyFrom(environment);
  return checkOptions(
    {
      ...run,
      output: resolve(folder, run.output ?? RUN_OPTIONS.output.fallback),
      filters: { ...definition.filters, ...named(FILTER_OPTIONS) },
      credentials: await credentialsFrom(environment, server, folder, screen.redactor),
      ...(proxy && { proxy }),
    },
    clock.wall(),
    flagOf,
  );
}

const TABLE: Readonly<Record<string, Option>> = { ...FILTER_OPTIONS, ...RUN_OPTIONS };

function flagOf(name: string): string {
  const flag = TABLE[name]?.flag;
  return flag === undefined ? name : `--${flag}`;
}
