import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Environment } from '../../src/cli/environment.ts';
import { REPOSITORY } from './cli.ts';

/** How a process ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Starts the built command line in a process of its own, with nothing of this one's environment but `environment`.
 * What is built is what people run, and starts in a third of the time: `make test` builds first.
 */
export function start(
  args: readonly string[],
  environment: Environment = {},
): ChildProcessWithoutNullStreams {
  const { PATH, HOME } = process.env;
  return spawn(process.execPath, ['dist/src/cli/main.js', ...args], {
    cwd: REPOSITORY,
    env: { PATH, HOME, ...environment },
  });
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr };
}
