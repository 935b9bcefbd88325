import { join, resolve } from 'node:path';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import * as values from '../run/values.ts';
import {
  DEFAULT_PIPELINE,
  type Invocation,
  SCREEN_OPTIONS,
  STATUS_OPTIONS,
  settings,
} from './command.ts';
import { usageError } from './command-line.ts';
import { statusSummary, verifySummary } from './summary.ts';

/** `verify`: compares a snapshot with its manifest; differences are printed and end in exit code 65. */
export async function runVerifyCommand(invocation: Invocation): Promise<ExitCode> {
  const { given, context, screen, argument } = invocation;
  if (argument === undefined || argument === '')
    throw usageError('<folder> is missing', { name: 'verify' });
  const { json } = settings({ json: SCREEN_OPTIONS.json }, given);
  const { verifySnapshot } = await context.engine();
  const verified = await verifySnapshot(resolve(context.folder, argument));
  screen.print(json ? JSON.stringify(verified) : verifySummary(verified));
  return verified.problems.length === 0 ? EXIT.ok : EXIT.data;
}

/** `status`: how a pipeline is doing; exit code 1 when its newest snapshot is too old, or there is none. */
export async function runStatusCommand(invocation: Invocation): Promise<ExitCode> {
  const { given, context, screen, argument = DEFAULT_PIPELINE } = invocation;
  const { json, output, maxAge } = settings(STATUS_OPTIONS, given);
  const folder = join(resolve(context.folder, output), pipelineName(argument));
  const { pipelineStatus } = await context.engine();
  const status = await pipelineStatus(folder, maxAge, context.clock.wall());
  screen.print(json ? JSON.stringify(status) : statusSummary(status));
  return status.stale ? EXIT.stale : EXIT.ok;
}

function pipelineName(given: string): string {
  try {
    return values.name.parse([given]);
  } catch (error) {
    if (!(error instanceof values.Refusal)) throw error;
    throw usageError(`[pipeline]: ${error.message}`, { name: 'status' });
  }
}
