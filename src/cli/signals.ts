import type { EventEmitter } from 'node:events';
import { EXIT, type ExitCode, ExportError } from '../platform/errors.ts';

const EXIT_CODES = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

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
  for (const [name, exitCode] of Object.entries(EXIT_CODES)) {
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
