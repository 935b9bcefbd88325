import type { Environment, Output } from './context.ts';
import { createRedactor, type Redactor } from './redact.ts';
import { HIDDEN_VARIABLES } from './secrets.ts';

/** The two standard streams, each behind the redactor. */
export interface Screen {
  readonly redactor: Redactor;
  /** A line on stdout: what the command is for. */
  readonly print: (line: string) => void;
  /** A line on stderr: everything else. */
  readonly note: (line: string) => void;
}

/** @param environment whose secrets are hidden from the first line on */
export function createScreen(stdout: Output, stderr: Output, environment: Environment): Screen {
  const redactor = createRedactor();
  for (const name of HIDDEN_VARIABLES) redactor.hide(environment[name] ?? '');
  const lineTo = (stream: Output) => (line: string) => {
    stream.write(`${redactor.clean(line)}\n`);
  };
  return { redactor, print: lineTo(stdout), note: lineTo(stderr) };
}
