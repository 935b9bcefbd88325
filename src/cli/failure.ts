import { EXIT, type ExitCode, ExportError, messageOf } from '../platform/errors.ts';
import { openFilesError } from '../platform/io-errors.ts';
import { SCRIPT } from './command-line.ts';
import type { Environment } from './context.ts';
import type { Screen } from './screen.ts';

/** How a failure is shown. Found out without parsing, for the command line itself may be what is wrong. */
export interface FailureStyle {
  readonly json: boolean;
  /** Also shows the stack, and what an error was caused by. */
  readonly debug: boolean;
}

export function failureStyle(args: readonly string[], environment: Environment): FailureStyle {
  return {
    json: args.includes('--json') || /^(?:1|true)$/.test(environment.PASQAL_JOBS_JSON ?? ''),
    debug:
      /--log-level[= ]debug(?: |$)/.test(args.join(' ')) ||
      environment.PASQAL_JOBS_LOG_LEVEL === 'debug',
  };
}

/**
 * Shows why a command failed: one line on stderr, and with `--json` one object on stdout, so that a reader of stdout
 * always gets exactly one.
 */
export function showFailure(thrown: unknown, screen: Screen, style: FailureStyle): ExitCode {
  const { message, exitCode, stage, retryable } = described(thrown);
  screen.note(`${SCRIPT}: ${message}`);
  if (style.debug && thrown instanceof Error) screen.note(stackOf(thrown));
  if (style.json) screen.print(JSON.stringify({ error: { message, exitCode, stage, retryable } }));
  return exitCode;
}

function described(
  thrown: unknown,
): Pick<ExportError, 'message' | 'exitCode' | 'stage' | 'retryable'> {
  const known = openFilesError(thrown);
  if (known instanceof ExportError) return known;
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  const said = messageOf(thrown).split('\n')[0]?.slice(0, 200);
  return {
    message: `${name}: ${said}; this is a bug in ${SCRIPT}: run it again with PASQAL_JOBS_LOG_LEVEL=debug and report what it prints`,
    exitCode: EXIT.bug,
    stage: 'cli',
    retryable: false,
  };
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
