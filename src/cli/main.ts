#!/usr/bin/env node

/** What ends the program before it can say so itself: every module is a file to open. So nothing is imported here. */
const SENTENCES = {
  EMFILE: 'too many open files (EMFILE); raise the limit (ulimit -n) and run again',
  ENFILE: 'too many open files in the whole system (ENFILE); close other programs and run again',
};

try {
  await import('./start.ts');
} catch (error) {
  const said: unknown[] = error instanceof Error ? Object.values(error) : [];
  const sentence = Object.entries(SENTENCES).find(([code]) => said.includes(code))?.[1];
  if (sentence === undefined) throw error;
  process.stderr.write(`pasqal-jobs: ${sentence}\n`);
  process.exitCode = 74;
}
