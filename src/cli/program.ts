import type { EventEmitter } from 'node:events';
import yargs, { type Argv, type Options } from 'yargs';
import { EXIT, type ExitCode, ExportError, messageOf } from '../platform/errors.ts';
import type { Given, Option } from '../run/options.ts';
import { hint, quote, Refusal, within } from '../run/values.ts';
import type { Command, Context } from './command.ts';
import { ALL_OPTIONS, COMMANDS } from './commands.ts';
import { parseTexts, refuseUnknownVariables, variableValues } from './environment.ts';
import { describePipelines } from './pipelines.ts';
import { createScreen, failureStyle, showFailure } from './screen.ts';
import { SCRIPT } from './summary.ts';

/**
 * Runs one command line from start to end.
 *
 * @param args without the program's own name
 * @returns the exit code; nothing is thrown
 */
export async function runProgram(args: readonly string[], version: string, context: Context) {
  const { environment, stdout, stderr, folder, clock } = context;
  const screen = createScreen(stdout, stderr, environment);
  let command: Command | undefined;
  try {
    refuseSecretFlags(args);
    const parsed = await parseCommandLine(args, version, context);
    if ('text' in parsed) {
      screen.print(parsed.text);
      return EXIT.ok;
    }
    refuseUnknownVariables(environment, ALL_OPTIONS);
    const { flags, argument } = parsed;
    command = parsed.command;
    const given = { ...variableValues(environment, command.options, folder), ...flags };
    return await command.run({ given, argument, context, screen });
  } catch (thrown) {
    const told = thrown instanceof Refusal ? usageError(thrown.message, command) : thrown;
    return showFailure(told, screen, failureStyle(args, environment), clock.wall());
  }
}

const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated } as const;

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
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    source.on(name, () => {
      if (controller.signal.aborted) return exit(exitCode);
      const message = `interrupted by ${name}; run the same command again: it resumes`;
      controller.abort(new ExportError(message, { exitCode, stage: 'cli', retryable: true }));
    });
  }
  return controller.signal;
}

/** What a command line asks for: a command, or a text to print (help, version, a completion script). */
type Parsed =
  | { readonly text: string }
  | {
      readonly command: Command;
      /** Checked values by flag. */
      readonly flags: Given;
      readonly argument: string | undefined;
    };

/** How shells ask yargs for completions: the script it prints calls the program with this first. */
const COMPLETING = '--get-yargs-completions';

/** The command that yargs makes. */
const COMPLETION = 'completion';

const DEFAULT_COLUMNS = 80;

/**
 * Reads a command line with yargs.
 *
 * @throws ExportError (64) saying what is wrong with the line
 */
async function parseCommandLine(
  given: readonly string[],
  version: string,
  { folder, pipelines: pipelinesFolder, stdout }: Context,
): Promise<Parsed> {
  const args = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const completing = args[0] === COMPLETING;
  const shown = completing || args.some((arg) => /^-h$|^-V$|help|version|completion/.test(arg));
  const pipelines = shown ? await describePipelines(pipelinesFolder) : new Map<string, string>();
  let selected: Command | undefined;
  const parser = parserOf(version, stdout.columns ?? DEFAULT_COLUMNS);
  for (const command of COMMANDS) {
    const { name, argument, description, options } = command;
    parser.command({
      command: `${name} ${argument.usage}`,
      describe: description,
      builder: (y: Argv) => {
        declareArgument(y, argument, completing, pipelines);
        for (const option of options) {
          y.option(option.flag, yargsOption(option, completing, folder));
        }
        return y;
      },
      handler: () => {
        selected = command;
      },
    });
  }
  let text = '';
  const flags: Given = await parser
    .completion(COMPLETION, 'Print a completion script for the shell in use')
    .fail((message, error) => {
      const command = COMMANDS.find(({ name }) => args.includes(name));
      throw usageError(complaint(message ?? messageOf(error)), command);
    })
    .parseAsync([...args], {}, (_error, _argv, output) => {
      text = output;
    });
  if (selected !== undefined) {
    refuseUnknown(flags, selected, args);
    const value = flags[selected.argument.name];
    return { command: selected, flags, argument: typeof value === 'string' ? value : undefined };
  }
  if (args[0] === COMPLETION) refuseUnknown(flags, { name: '', options: [] }, args);
  if (text !== '') return { text };
  const word = args.find((arg) => !arg.startsWith('-'));
  const names = COMMANDS.map(({ name }) => name);
  const next = hint(String(word), names, `known are ${names.join(', ')}`);
  throw usageError(`unknown command ${quote(word)}; ${next}`);
}

const EPILOGUE = `Every flag is also a variable: --page-size is PASQAL_JOBS_PAGE_SIZE. Credentials come from variables only.

Exit codes: 0 done, 1 snapshot too old (status), 64 wrong usage, 65 data, 69 server unreachable, 70 a bug, 73 output cannot be created, 74 disk, 75 run it again, 76 API broke its contract, 77 credentials refused, 78 configuration, 130 and 143 interrupted.`;

function parserOf(version: string, columns: number): Argv {
  return yargs()
    .scriptName(SCRIPT)
    .locale('en')
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .demandCommand(1, 'no command given')
    .exitProcess(false)
    .wrap(Math.min(100, columns))
    .usage(
      `${SCRIPT} <command>\n\nExports the jobs of Pasqal Cloud to Parquet, Arrow and NDJSON files.`,
    )
    .epilogue(EPILOGUE)
    .version(version)
    .alias('version', 'V')
    .help()
    .alias('help', 'h');
}

function declareArgument(
  parser: Argv,
  { name, description }: Command['argument'],
  completing: boolean,
  pipelines: ReadonlyMap<string, string>,
): void {
  const isPipeline = name === 'pipeline' && pipelines.size > 0;
  const choices = completing && isPipeline ? { choices: [...pipelines.keys()] } : {};
  parser.positional(name, { type: 'string', description, ...choices });
  const lines = [...pipelines].map(([pipeline, says]) => `  ${pipeline}: ${says}`);
  if (isPipeline) parser.epilogue(['Pipelines:', ...lines].join('\n'));
}

/**
 * Choices are declared for completion only: outside it they are checked like every other value. `nargs` takes what
 * follows a flag as its value even when that begins with a dash and a digit (`--start-date -7d`).
 */
function yargsOption(option: Option, completing: boolean, folder: string): Options {
  const { kind, group, help, shownDefault, flag } = option;
  // Of a flag that is repeated yargs makes a list, and `--no-` makes it false.
  const coerce = (raw: unknown) => {
    if (raw === false) throw new Error(`--${flag} needs a value`);
    const texts = [raw].flat().map(String);
    return within(`--${flag}`, () => parseTexts(option, texts, folder));
  };
  const checked = completing ? { choices: kind.choices } : { coerce };
  return {
    group: `${group}:`,
    description: help,
    ...(kind.written === 'switch' ? { type: 'boolean' } : { nargs: 1, ...checked }),
    defaultDescription: shownDefault,
  };
}

/** A wrong command line: what is wrong, and where to read on. */
function usageError(problem: string, command?: Pick<Command, 'name'>): ExportError {
  const help = [SCRIPT, command?.name, '--help'].filter(Boolean).join(' ');
  return new ExportError(`${problem}; see ${help}`, { exitCode: EXIT.usage, stage: 'cli' });
}

/** What yargs found wrong, in this program's words. */
function complaint(message: string): string {
  const starving = /^Not enough arguments following: (.*)$/s.exec(message)?.[1];
  return starving === undefined ? (message.split('\n')[0] ?? '') : `--${starving} needs a value`;
}

/**
 * Refuses what yargs lets pass: flags that nobody knows, words too many, a switch that is neither true nor false
 * (`--errors=maybe`). Of an unknown flag the name is repeated and never the value; of a cluster of short ones only the
 * first letter.
 *
 * @throws ExportError (64)
 */
function refuseUnknown(
  flags: Given,
  command: Pick<Command, 'name' | 'options'> & Partial<Pick<Command, 'argument'>>,
  args: readonly string[],
): void {
  const { argument, options } = command;
  const names = options.map(({ flag }) => flag);
  const known = new Set([...names, argument?.name, ...['_', '$0', 'help', 'h', 'version', 'V']]);
  const unknown = Object.keys(flags).find((name) => !known.has(name));
  if (unknown !== undefined) {
    const long = [`--${unknown}`, `--no-${unknown}`];
    const isLong = args.some((arg) => long.includes(arg.split('=', 1)[0] ?? ''));
    const next = hint(unknown, names, '', '--');
    const problem = isLong ? `--${unknown}${next && `; ${next}`}` : `-${unknown.slice(0, 1)}`;
    throw usageError(`unknown flag ${problem}`, command);
  }
  const [, extra] = [flags._].flat();
  if (extra !== undefined) {
    const word = args.includes('--') ? '' : `: ${quote(extra)}`;
    throw usageError(`got a word too many${word}`, command);
  }
  for (const { flag, kind } of options) {
    const value = args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3);
    if (kind.written === 'switch' && value !== undefined && !/^(?:true|false)$/.test(value)) {
      throw usageError(`--${flag}: expected ${kind.accepts}, got ${quote(value)}`, command);
    }
  }
}

const VARIABLE_FOR: readonly (readonly [word: RegExp, variable: string])[] = [
  [/tokenurl/, 'PASQAL_TOKEN_URL'],
  [/token|bearer|authorization|apikey/, 'PASQAL_TOKEN'],
  [/password|passwd/, 'PASQAL_PASSWORD'],
  [/secret/, 'PASQAL_CLIENT_SECRET'],
  [/clientid/, 'PASQAL_CLIENT_ID'],
  [/username/, 'PASQAL_USERNAME'],
];

/**
 * Refuses a secret on the command line, where every user of the machine could read it. Nothing of what was given is
 * repeated: the name of a flag may hold its value (`--tokenabc`).
 *
 * @throws ExportError (64) naming the variable to set instead
 */
function refuseSecretFlags(args: readonly string[]): void {
  const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  for (const flag of flags.filter((arg) => arg.startsWith('-'))) {
    const name = (flag.split('=')[0] ?? '').toLowerCase().replace(/[-_]/g, '');
    const [pattern, variable] = VARIABLE_FOR.find(([word]) => word.test(name)) ?? [];
    if (pattern === undefined) continue;
    throw new ExportError(
      `a flag with "${pattern.exec(name)?.[0]}" in its name: credentials are not taken from the command line, which other users of this machine can read; set the variable ${variable} instead`,
      { exitCode: EXIT.usage, stage: 'cli' },
    );
  }
}
