import type { ExportOptions } from '../jobs/options.ts';
import type { Effects } from '../platform/effects.ts';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import type { Invocation } from './command.ts';
import type { Engine } from './context.ts';
import { exportOptions } from './export-options.ts';
import { LOG_FLAGS } from './flags.ts';
import { openReporter } from './reporter.ts';
import { exportSummary, planSummary } from './summary.ts';

/** `export`: runs a pipeline and prints what was published. */
export function runExportCommand(invocation: Invocation): Promise<ExitCode> {
  const { signal } = invocation.context;
  return reported(
    invocation,
    (engine, options, effects) => engine.runExport(options, effects, signal),
    exportSummary,
  );
}

/** `plan`: asks the server for the total and prints what an export would take. */
export function runPlanCommand(invocation: Invocation): Promise<ExitCode> {
  const { signal } = invocation.context;
  return reported(
    invocation,
    (engine, options, effects) => engine.planExport(options, effects, signal),
    planSummary,
  );
}

/** Resolves the options, does the work with its progress on stderr, and prints the result. */
async function reported<Result>(
  invocation: Invocation,
  work: (engine: Engine, options: ExportOptions, effects: Partial<Effects>) => Promise<Result>,
  summary: (result: Result) => string,
): Promise<ExitCode> {
  const { settings, context, screen, argument } = invocation;
  const json = settings.get(LOG_FLAGS.json) ?? false;
  const { redactor } = screen;
  const options = await exportOptions({ ...context, settings, pipeline: argument, redactor });
  const reporter = await openReporter(invocation);
  try {
    const result = await work(await context.engine(), options, { emit: reporter.emit });
    reporter.close();
    screen.print(json ? JSON.stringify(result) : summary(result));
    return EXIT.ok;
  } finally {
    reporter.close();
  }
}
