import { EXIT, ExportError } from '../platform/errors.ts';

const VARIABLE_FOR = new Map([
  ['tokenurl', 'PASQAL_TOKEN_URL'],
  ['token', 'PASQAL_TOKEN'],
  ['bearer', 'PASQAL_TOKEN'],
  ['authorization', 'PASQAL_TOKEN'],
  ['apikey', 'PASQAL_TOKEN'],
  ['password', 'PASQAL_PASSWORD'],
  ['passwd', 'PASQAL_PASSWORD'],
  ['secret', 'PASQAL_CLIENT_SECRET'],
  ['clientid', 'PASQAL_CLIENT_ID'],
  ['username', 'PASQAL_USERNAME'],
]);

/**
 * Refuses a secret on the command line, where every user of the machine could read it. Nothing of what was given is
 * repeated: the name of a flag may hold its value (`--tokenabc`).
 *
 * @throws ExportError (64) naming the variable to set instead
 */
export function refuseSecretFlags(args: readonly string[]): void {
  for (const arg of args) {
    if (arg === '--') return;
    if (!arg.startsWith('-')) continue;
    const name = (arg.split('=')[0] ?? '').toLowerCase().replace(/[-_]/g, '');
    for (const [word, variable] of VARIABLE_FOR) {
      if (name.includes(word)) throw refusal(word, variable);
    }
  }
}

function refusal(word: string, variable: string): ExportError {
  return new ExportError(
    `a flag with "${word}" in its name: credentials are not taken from the command line, which other users of this machine can read; set the variable ${variable} instead`,
    { exitCode: EXIT.usage, stage: 'cli' },
  );
}
