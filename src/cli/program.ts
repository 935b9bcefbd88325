import type { EventEmitter } from 'node:events';
import yargs, { type Argv, type Options } from 'yargs';
import { EXIT, type ExitCode, ExportError, messageOf } from '../platform/errors.ts';
import type { Given, Option } from '../run/options.ts';
import { hint, quote, Refusal } from '../run/values.ts';
import type { Command, Context } from './command.ts';
import { ALL_OPTIONS, COMMANDS } from './commands.ts';
import { refuseUnknownVariables, valuesOf, variablesOf } from './environment.ts';
import { describePipelines } from './pipelines.ts';
import { createScreen, failureStyle, showFailure } from './screen.ts';
import { SCRIPT } from './summary.ts';

/**
 * Runs one command line from start to end.
 *
 * @param args without the program's own name
 * @returns the exit code; nothing is thrown
 */
export async function runProgram(
  line: readonly string[],
  version: string,
  context: Context,
): Promise<ExitCode> {
  const args = line[0] === 'help' ? [...line.slice(1), '--help'] : line;
  const { environment, stdout, stderr, folder, clock } = context;
  const screen = createScreen(stdout, stderr, environment);
  let selected: Command | undefined;
  try {
    refuseSecretFlags(args);
    refuseInherited(args);
    let text = '';
    const parser = await parserOf(args, version, context, (command) => {
      selected = command;
    });
    const flags: Given = await parser
      .fail((message, error) => {
        throw new Refusal(complaint(message ?? messageOf(error)));
      })
      .parseAsync([...args], {}, (_error, _argv, output) => {
        text = output;
      });
    if (selected || args[0] === COMPLETION) refuseFlags(args, selected ?? { options: [] });
    if (selected === undefined) {
      if (text || args[0] !== COMPLETING) screen.print(text || refuseCommand(args));
      return EXIT.ok;
    }
    const [, extra] = [flags._].flat();
    if (extra !== undefined) {
      throw new Refusal(`got a word too many${args.includes('--') ? '' : `: ${quote(extra)}`}`);
    }
    refuseUnknownVariables(environment, ALL_OPTIONS);
    const given = {
      ...valuesOf(selected.options, folder, variablesOf(environment)),
      ...valuesOf(selected.options, folder, flagsToldBy(flags)),
    };
    const word = flags[selected.argument.name];
    const argument = word === undefined ? undefined : String(word);
    const outcome = await selected.run({ given, argument, context, screen });
    if (!given.quiet) screen.print(given.json ? JSON.stringify(outcome.result) : outcome.text);
    return outcome.exitCode ?? EXIT.ok;
  } catch (thrown) {
    const command = selected ?? COMMANDS.find(({ name }) => args.includes(name));
    const help = [SCRIPT, command?.name, '--help'].filter(Boolean).join(' ');
    const usage = { exitCode: EXIT.usage, stage: 'cli' } as const;
    const told =
      thrown instanceof Refusal ? new ExportError(`${thrown.message}; see ${help}`, usage) : thrown;
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

/** How shells ask yargs for completions: the script it prints calls the program with this first. */
const COMPLETING = '--get-yargs-completions';
/** The command that yargs makes. */
const COMPLETION = 'completion';

const EPILOGUE = `Every flag is also a variable: --page-size is PASQAL_JOBS_PAGE_SIZE. Credentials come from variables only.

Exit codes: 0 done, 1 snapshot too old (status), 64 wrong usage, 65 data, 69 server unreachable, 70 a bug, 73 output cannot be created, 74 disk, 75 run it again, 76 API broke its contract, 77 credentials refused, 78 configuration, 130 and 143 interrupted.`;

const DEFAULT_COLUMNS = 80;

/** The command line as yargs reads it. @param select is told the command that is asked for */
async function parserOf(
  args: readonly string[],
  version: string,
  { pipelines: pipelinesFolder, stdout }: Context,
  select: (command: Command) => void,
): Promise<Argv> {
  const completing = args[0] === COMPLETING;
  const shown = completing || args.some((arg) => /^-h$|^-V$|help|version|completion/.test(arg));
  const pipelines = shown ? await describePipelines(pipelinesFolder) : new Map<string, string>();
  const lines = [...pipelines].map(([pipeline, says]) => `  ${pipeline}: ${says}`);
  const parser = yargs()
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
    .wrap(Math.min(100, stdout.columns ?? DEFAULT_COLUMNS))
    .usage(
      `${SCRIPT} <command>\n\nExports the jobs of Pasqal Cloud to Parquet, Arrow and NDJSON files.`,
    )
    .epilogue(EPILOGUE)
    .version(version)
    .alias('version', 'V')
    .help()
    .alias('help', 'h')
    .completion(COMPLETION, 'Print a completion script for the shell in use');
  for (const command of COMMANDS) {
    const { name, argument, description, options } = command;
    const isPipeline = argument.name === 'pipeline' && pipelines.size > 0;
    const choices = completing && isPipeline ? { choices: [...pipelines.keys()] } : {};
    const builder = (y: Argv) => {
      y.positional(argument.name, {
        ...{ type: 'string', description: argument.description, ...choices },
      });
      if (isPipeline) y.epilogue(['Pipelines:', ...lines].join('\n'));
      for (const option of options) y.option(option.flag, yargsOption(option, completing));
      return y;
    };
    parser.command(`${name} [${argument.name}]`, description, builder, () => select(command));
  }
  return parser;
}

/**
 * Texts are checked like those of variables, behind yargs; choices are declared for completion only. `nargs` takes what
 * follows a flag as its value even when that begins with a dash and a digit (`--start-date -7d`).
 */
function yargsOption({ kind, group, help, shownDefault }: Option, completing: boolean): Options {
  return {
    ...{ group: `${group}:`, description: help, defaultDescription: shownDefault },
    ...(kind.written === 'switch' ? { type: 'boolean' } : { nargs: 1 }),
    ...(completing && { choices: kind.choices }),
  };
}

/** What flags tell. Of a flag that is repeated yargs makes a list, and `--no-` makes it false. */
function flagsToldBy(flags: Given) {
  return ({ flag, kind }: Option) => {
    const raw = flags[flag];
    if (raw === undefined) return undefined;
    if (raw === false && kind.written !== 'switch') throw new Refusal(`--${flag} needs a value`);
    return [`--${flag}`, [raw].flat().map(String)] as const;
  };
}

/** What yargs found wrong, in this program's words. */
function complaint(message: string): string {
  const starving = /^Not enough arguments following: (.*)$/s.exec(message)?.[1];
  return starving === undefined ? (message.split('\n')[0] ?? '') : `--${starving} needs a value`;
}

/** @throws Refusal */
function refuseCommand(args: readonly string[]): never {
  const word = args.find((arg) => !arg.startsWith('-'));
  const names = COMMANDS.map(({ name }) => name);
  const next = hint(String(word), names, `known are ${names.join(', ')}`);
  throw new Refusal(`unknown command ${quote(word)}; ${next}`);
}

/** What stands before `--`, behind which there are words only. */
function beforeWords(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return args.slice(0, end < 0 ? undefined : end);
}

/**
 * Refuses what yargs lets pass: flags that nobody knows, a switch that is neither true nor false (`--errors=maybe`), and
 * one that is turned off with a value. Of an unknown flag the name is repeated and never the value; of a cluster of
 * short ones only the first letter.
 *
 * @throws Refusal
 */
function refuseFlags(args: readonly string[], { options }: Pick<Command, 'options'>): void {
  const line = beforeWords(args);
  for (let at = 0; at < line.length; at++) {
    const arg = line[at] ?? '';
    if (!arg.startsWith('-') || /^(?:-h|-V|--help|--version)$/.test(arg)) continue;
    const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const known = value === undefined ? name.replace(/^no-/, '') : name;
    const option = options.find(({ flag }) => flag === known);
    if (option === undefined) throw unknownFlag(name, arg, options);
    const { written, accepts } = option.kind;
    if (written !== 'switch') {
      // What follows is its value, though that may begin with a dash and a digit.
      if (value === undefined) at++;
    } else if (value !== undefined && !/^(?:true|false)$/.test(value))
      throw new Refusal(`--${name}: expected ${accepts}, got ${quote(value)}`);
  }
}

/** Refuses what yargs must not see: it looks names up in objects, which have these. @throws Refusal */
function refuseInherited(args: readonly string[]): void {
  for (const arg of beforeWords(args)) {
    const [, name = ''] = /^--([^=]+)/.exec(arg) ?? [];
    if (name.replace(/^no-/, '') in {}) throw unknownFlag(name, arg, []);
  }
}

function unknownFlag(name: string, arg: string, options: readonly Option[]): Refusal {
  const flags = options.map(({ flag }) => flag);
  const next = hint(name, flags, '', '--');
  const shown = name === '' ? arg.slice(0, 2) : `--${name}`;
  return new Refusal(`unknown flag ${shown}${name && next && `; ${next}`}`);
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
 * @throws Refusal naming the variable to set instead
 */
function refuseSecretFlags(args: readonly string[]): void {
  for (const flag of beforeWords(args).filter((arg) => arg.startsWith('-'))) {
    const name = (flag.split('=')[0] ?? '').toLowerCase().replace(/[-_]/g, '');
    const [pattern, variable] = VARIABLE_FOR.find(([word]) => word.test(name)) ?? [];
    if (pattern === undefined) continue;
    throw new Refusal(
      `a flag with "${pattern.exec(name)?.[0]}" in its name: credentials are not taken from the command line, which other users of this machine can read; set the variable ${variable} instead`,
    );
  }
}
