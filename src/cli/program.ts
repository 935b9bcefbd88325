import type { EventEmitter } from 'node:events';
import { EXIT, type ExitCode, ExportError, messageOf } from '../platform/errors.ts';
import type { Context } from './command.ts';
import { parseCommandLine, refuseSecretFlags, SCRIPT } from './command-line.ts';
import { ALL_OPTIONS, COMMANDS } from './commands.ts';
import {
  type Environment,
  refuseUnknownVariables,
  variableOf,
  variableValues,
} from './environment.ts';
import { describePipelines } from './pipelines.ts';
import { logLine } from './reporter.ts';
import { createScreen, type Screen } from './screen.ts';

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
  const { environment, stdout, stderr, folder, clock } = context;
  const screen = createScreen(stdout, stderr, environment);
  try {
    refuseSecretFlags(args);
    const parsed = await parseCommandLine(args, {
      commands: COMMANDS,
      version,
      columns: stdout.columns ?? DEFAULT_COLUMNS,
      folder,
      pipelines: () => describePipelines(context.pipelines),
    });
    if (parsed.kind === 'text') {
      screen.print(parsed.text);
      return EXIT.ok;
    }
    refuseUnknownVariables(environment, ALL_OPTIONS);
    const { command, flags, argument } = parsed;
    const help = `${SCRIPT} ${command.name} --help`;
    const given = { ...variableValues(environment, command.options, { folder, help }), ...flags };
    return await command.run({ given, argument, context, screen });
  } catch (thrown) {
    return showFailure(thrown, screen, failureStyle(args, environment), clock.wall());
  }
}

/** How a failure is shown. Found out without parsing, for the command line itself may be what is wrong. */
export interface FailureStyle {
  readonly json: boolean;
  /** stderr holds one JSON object a line. */
  readonly jsonLog: boolean;
  /** Also shows the stack, and what an error was caused by. */
  readonly debug: boolean;
}

export function failureStyle(args: readonly string[], environment: Environment): FailureStyle {
  const line = ` ${args.join(' ')} `;
  const says = (flag: string, value: string) =>
    new RegExp(` --${flag}[= ]${value} `).test(line) || environment[variableOf({ flag })] === value;
  return {
    json: line.includes(' --json ') || /^(?:1|true)$/.test(environment.PASQAL_JOBS_JSON ?? ''),
    jsonLog: says('log-format', 'json'),
    debug: says('log-level', 'debug'),
  };
}

/**
 * Shows why a command failed: one line on stderr, and with `--json` one object on stdout, so that a reader of stdout
 * always gets exactly one.
 */
export function showFailure(
  thrown: unknown,
  screen: Screen,
  style: FailureStyle,
  wall: number,
): ExitCode {
  const { message, exitCode, stage, retryable } = described(thrown);
  const stack = style.debug && thrown instanceof Error ? stackOf(thrown) : undefined;
  if (style.jsonLog) {
    screen.note(logLine('json', wall, 'error', message, { exitCode, stage, retryable, stack }));
  } else {
    screen.note(`${SCRIPT}: ${message}`);
    if (stack !== undefined) screen.note(stack);
  }
  if (style.json) screen.print(JSON.stringify({ error: { message, exitCode, stage, retryable } }));
  return exitCode;
}

function described(
  thrown: unknown,
): Pick<ExportError, 'message' | 'exitCode' | 'stage' | 'retryable'> {
  if (thrown instanceof ExportError) return thrown;
  const said = messageOf(thrown).split('\n')[0]?.slice(0, 200) ?? '';
  const own = { stage: 'cli', retryable: false } as const;
  if (said.includes('uv_cwd')) {
    const message = 'the working folder is gone; run the same command in another folder';
    return { ...own, message, exitCode: EXIT.cannotCreate };
  }
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return {
    ...own,
    message: `${name}: ${said}; this is a bug in ${SCRIPT}: run it again with PASQAL_JOBS_LOG_LEVEL=debug and report what it prints`,
    exitCode: EXIT.bug,
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
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
