#!/usr/bin/env node
import type { ExitCode } from '../platform/errors.ts';

/** What ends the program before it can say so itself: every module is a file to open. So nothing but types is imported here. */
const REFUSALS: Readonly<Record<string, readonly [exitCode: ExitCode, sentence: string]>> = {
  EMFILE: [74, 'too many open files (EMFILE); raise the limit (ulimit -n) and run again'],
  ENFILE: [
    74,
    'too many open files in the whole system (ENFILE); close other programs and run again',
  ],
};

try {
  await import('./start.ts');
} catch (error) {
  const said: unknown[] = error instanceof Error ? Object.values(error) : [];
  const refusal = Object.entries(REFUSALS).find(([word]) => said.includes(word))?.[1];
  if (refusal === undefined) throw error;
  const [exitCode, sentence] = refusal;
  process.stderr.write(`pasqal-jobs: ${sentence}\n`);
  process.exitCode = exitCode;
}
