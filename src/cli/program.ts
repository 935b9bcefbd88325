import type { ExitCode } from '../platform/errors.ts';
import { EXIT } from '../platform/errors.ts';
import { parseCommandLine } from './command-line.ts';
import { ALL_FLAGS, COMMANDS } from './commands.ts';
import type { Context } from './context.ts';
import { failureStyle, showFailure } from './failure.ts';
import { describePipelines } from './pipelines.ts';
import { createScreen } from './screen.ts';
import { refuseSecretFlags } from './secret-flags.ts';
import { refuseUnknownVariables, settingsOf } from './settings.ts';

const DEFAULT_COLUMNS = 80;

/**
 * Runs one command line from start to end.
 *
 * @param args without the program's own name
 * @returns the exit code; nothing is thrown
 */
export async function runProgram(
  args: readonly string[],
  version: string,
  context: Context,
): Promise<ExitCode> {
  const { environment, stdout, stderr } = context;
  const screen = createScreen(stdout, stderr, environment);
  try {
    refuseSecretFlags(args);
    const parsed = await parseCommandLine(args, {
      commands: COMMANDS,
      version,
      columns: stdout.columns ?? DEFAULT_COLUMNS,
      pipelines: () => describePipelines(context.pipelines),
    });
    if (parsed.kind === 'text') {
      screen.print(parsed.text);
      return EXIT.ok;
    }
    refuseUnknownVariables(environment, ALL_FLAGS);
    const { command, given, argument } = parsed;
    const settings = settingsOf(given, environment, `pasqal-jobs ${command.name} --help`);
    return await command.run({ settings, argument, context, screen });
  } catch (thrown) {
    return showFailure(thrown, screen, failureStyle(args, environment));
  }
}
