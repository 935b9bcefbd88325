import { resolve } from 'node:path';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import type { Invocation } from './command.ts';
import { LOG_FLAGS } from './flags.ts';
import { verifySummary } from './summary.ts';
import { usageError } from './usage-errors.ts';

/** `verify`: compares a snapshot with its manifest; differences are printed and end in exit code 65. */
export async function runVerifyCommand(invocation: Invocation): Promise<ExitCode> {
  const { settings, context, screen, argument } = invocation;
  if (argument === undefined || argument === '')
    throw usageError('<folder> is missing', { name: 'verify' });
  const json = settings.get(LOG_FLAGS.json) ?? false;
  const { verifySnapshot } = await context.engine();
  const verified = await verifySnapshot(resolve(context.folder, argument));
  screen.print(json ? JSON.stringify(verified) : verifySummary(verified));
  return verified.problems.length === 0 ? EXIT.ok : EXIT.data;
}
