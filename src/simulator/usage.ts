import { EXIT, ExportError } from '../platform/errors.ts';

/** The error for a wrong option or a wrong call of the simulator: exit code 64. */
export function usageError(problem: string): ExportError {
  return new ExportError(`simulator: ${problem}`, { exitCode: EXIT.usage, stage: 'simulate' });
}
