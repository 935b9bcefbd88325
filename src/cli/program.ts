import type { EventEmitter } from 'node:events';
import { EXIT, type ExitCode, ExportError } from '../platform/errors.ts';
import { Refusal } from '../run/values.ts';
import type { Command, Context } from './command.ts';
import { parseCommandLine, refuseSecretFlags, usageError } from './command-line.ts';
import { ALL_OPTIONS, COMMANDS } from './commands.ts';
import { refuseUnknownVariables, variableValues } from './environment.ts';
import { createScreen, failureStyle, showFailure } from './screen.ts';

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
  const { environment, stdout, stderr, folder, clock } = context;
  const screen = createScreen(stdout, stderr, environment);
  let command: Command | undefined;
  try {
    refuseSecretFlags(args);
    const parsed = await parseCommandLine(args, COMMANDS, version, context);
    if ('text' in parsed) {
      screen.print(parsed.text);
      return EXIT.ok;
    }
    refuseUnknownVariables(environment, ALL_OPTIONS);
    const { flags, argument } = parsed;
    command = parsed.command;
    const given = { ...variableValues(environment, command.options, folder), ...flags };
    return await command.run({ given, argument, context, screen });
  } catch (thrown) {
    const told = thrown instanceof Refusal ? usageError(thrown.message, command) : thrown;
    return showFailure(told, screen, failureStyle(args, environment), clock.wall());
  }
}

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

/**
 * The first SIGINT or SIGTERM aborts the returned signal, so that the run can leave a resumable state; a second one
 * ends the process at once.
 *
 * @param source the process
 * @param exit ends it
 */
export function signalOf(
  source: Pick<EventEmitter, 'on'>,
  exit: (code: ExitCode) => void,
): AbortSignal {
  const controller = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    source.on(name, () => {
      if (controller.signal.aborted) return exit(exitCode);
      controller.abort(
        new ExportError(`interrupted by ${name}; run the same command again: it resumes`, {
          exitCode,
          stage: 'cli',
          retryable: true,
        }),
      );
    });
  }
  return controller.signal;
}
