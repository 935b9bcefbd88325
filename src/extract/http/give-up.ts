import type { Clock } from '../../platform/effects.ts';
import { EXIT, type ExitCode, ExportError } from '../../platform/errors.ts';
import { FAULT_TRAITS, type Fault } from './faults.ts';
import type { Decision } from './retry-policy.ts';

/** An error of this stage: `request` (method, path, offset), what happened, what to do next. */
export function failure(
  request: string,
  what: string,
  exitCode: ExitCode,
  cause?: Error,
): ExportError {
  const retryable = exitCode === EXIT.temporary || exitCode === EXIT.unavailable;
  return new ExportError(`${request}: ${what}`, { exitCode, stage: 'extract', retryable, cause });
}

/** The end of a request that was retried, or could not be. */
export function gaveUp(
  request: string,
  fault: Fault,
  attempts: number,
  decision: Decision & { kind: 'stop' },
  clock: Clock,
): ExportError {
  const { advice } = FAULT_TRAITS[fault.kind];
  const end = {
    attempts: () => (attempts === 1 ? advice : `Gave up after ${attempts} attempts. ${advice}`),
    budget: () =>
      'Too many requests of this run failed, its retry budget is used up. Run the same command again later: it resumes.',
    deadline: () =>
      'The deadline leaves no time to ask again. Run the same command again: it resumes.',
    'wait-past-deadline': () => waitText(decision.at, clock),
  }[decision.why]();
  return failure(request, `${fault.what}. ${end}`, decision.exitCode, fault.cause);
}

/** The end of a request that could not be sent before the deadline. */
export function tooLate(request: string, resumesAt: number, clock: Clock): ExportError {
  const now = clock.monotonic();
  const text =
    resumesAt > now
      ? waitText(resumesAt, clock)
      : 'the deadline has passed. Run the same command again: it resumes.';
  return failure(request, text, EXIT.temporary);
}

function waitText(at: number, clock: Clock): string {
  const when = new Date(clock.wall() + at - clock.monotonic()).toISOString();
  return `the server asks to stay away until ${when}, which is past the deadline. Run the same command again after that: it resumes.`;
}
