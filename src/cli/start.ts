import { EXIT, type ExitCode, errorCode } from '../platform/errors.ts';
import { TOOL } from '../platform/tool.ts';
import { PIPELINES_FOLDER } from './pipelines.ts';
import { SHOW_CURSOR } from './reporter.ts';
import { createScreen, failureStyle, showFailure } from './screen.ts';

const args = process.argv.slice(2);

/** A reader that has gone away (`| head`) is no failure of the work that goes on behind it; a full disk is. */
function outliveReader(stream: NodeJS.WriteStream): void {
  stream.on('error', (error) => {
    if (errorCode(error) === 'EPIPE') return;
    process.exitCode = EXIT.io;
    if (stream === process.stdout) {
      process.stderr.write(`pasqal-jobs: cannot write to stdout (${errorCode(error)})\n`);
    }
  });
}

function endAtOnce(code: ExitCode): void {
  // A progress bar that is cut off leaves the cursor hidden.
  if (process.stderr.isTTY) process.stderr.write(SHOW_CURSOR);
  process.exit(code);
}

function endWithBug(thrown: unknown): void {
  const screen = createScreen(process.stdout, process.stderr, process.env);
  endAtOnce(showFailure(thrown, screen, failureStyle(args, process.env), Date.now()));
}

outliveReader(process.stdout);
outliveReader(process.stderr);
process.on('uncaughtException', endWithBug);
process.on('unhandledRejection', endWithBug);
// Only for who wants to see stacks: reading the maps takes time at the start.
if (failureStyle(args, process.env).debug) process.setSourceMapsEnabled(true);

/** yargs asks for the working folder as soon as it is loaded, and it may be gone. */
async function main(): Promise<void> {
  const { runProgram, signalOf } = await import('./program.ts');
  const code = await runProgram(args, TOOL.version, {
    environment: process.env,
    folder: process.cwd(),
    pipelines: PIPELINES_FOLDER,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: { wall: Date.now, monotonic: () => performance.now() },
    signal: signalOf(process, endAtOnce),
    engine: () => import('../index.ts'),
  });
  process.exitCode ??= code;
}

await main().catch(endWithBug);
