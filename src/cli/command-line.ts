import yargs, { type Argv, type Options } from 'yargs';
import { messageOf } from '../platform/errors.ts';
import type { Command } from './command.ts';
import type { Flag } from './flag.ts';
import type { Given } from './settings.ts';
import { refuseSwitchValues, usageError, yargsComplaint } from './usage-errors.ts';

export const SCRIPT = 'pasqal-jobs';

/** What a command line asks for: a command, or a text to print (help, version, a completion script). */
export type Parsed =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'command';
      readonly command: Command;
      readonly given: Given;
      readonly argument: string | undefined;
    };

export interface ParseOptions {
  readonly commands: readonly Command[];
  readonly version: string;
  /** Width of the terminal, for `--help`. */
  readonly columns: number;
  /** What `[pipeline]` may be: descriptions by name. Asked for only by `--help` and by completion. */
  readonly pipelines: () => Promise<ReadonlyMap<string, string>>;
}

/** How shells ask yargs for completions: the script it prints calls the program with this first. */
const COMPLETING = '--get-yargs-completions';

/**
 * Reads a command line with yargs. Values stay the texts they are: numbers, dates and lists are checked in one place
 * whether they come from here, the environment or a pipeline file.
 *
 * @throws ExportError (64) saying what is wrong with the line
 */
export async function parseCommandLine(
  args: readonly string[],
  options: ParseOptions,
): Promise<Parsed> {
  const { commands } = options;
  const completing = args[0] === COMPLETING;
  const shown = completing || args.some((arg) => /help|version|completion/.test(arg));
  const pipelines = shown ? await options.pipelines() : undefined;
  let selected: Command | undefined;
  const parser = shown ? describedParser(options) : silentParser();
  for (const command of commands) {
    parser.command({
      command: [command.name, command.argument?.usage].filter(Boolean).join(' '),
      describe: shown && command.description,
      builder: (y: Argv) => declare(y, command, { completing, shown, pipelines }),
      handler: () => {
        selected = command;
      },
    });
  }
  let text = '';
  const given: Given = await parser
    .completion('completion', shown && 'Print a completion script for the shell in use')
    .fail((message, error) => {
      throw yargsComplaint(message ?? messageOf(error), args, commands);
    })
    .parseAsync([...args], {}, (_error, _argv, output) => {
      text = output;
    });
  if (selected === undefined) return { kind: 'text', text };
  refuseSwitchValues(args, selected);
  return { kind: 'command', command: selected, given, argument: argumentOf(selected, given) };
}

/** Parses, and has nothing to show: yargs lays out the help of every command it runs, asked for or not. */
function silentParser(): Argv {
  return yargs()
    .scriptName(SCRIPT)
    .locale('en')
    .parserConfiguration({
      'boolean-negation': true,
      'camel-case-expansion': false,
      'dot-notation': false,
      'greedy-arrays': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .demandCommand(1, 'no command given')
    .strict()
    .recommendCommands()
    .version(false)
    .help(false)
    .exitProcess(false);
}

function describedParser({ version, columns }: ParseOptions): Argv {
  return silentParser()
    .wrap(Math.min(100, columns))
    .usage(
      `${SCRIPT} <command>\n\nExports the jobs of Pasqal Cloud to Parquet, Arrow and NDJSON files.`,
    )
    .epilogue(
      'Every flag is also a variable: --page-size is PASQAL_JOBS_PAGE_SIZE. Credentials come from variables only: see the README.',
    )
    .version(version)
    .help();
}

/** What the declarations are for, besides parsing. */
interface Purpose {
  /** A shell asks for completions. */
  readonly completing: boolean;
  /** Flags may be shown to somebody. */
  readonly shown: boolean;
  readonly pipelines: ReadonlyMap<string, string> | undefined;
}

function declare(parser: Argv, { flags, argument }: Command, purpose: Purpose): Argv {
  const { completing, pipelines } = purpose;
  const known = argument?.name === 'pipeline' ? pipelines : undefined;
  if (argument) {
    parser.positional(argument.name, {
      type: 'string',
      description: argument.description,
      ...(completing && known ? { choices: [...known.keys()] } : {}),
    });
  }
  if (known) parser.epilogue(pipelineList(known));
  for (const flag of flags) parser.option(flag.name, yargsOption(flag, purpose));
  return parser;
}

function pipelineList(pipelines: ReadonlyMap<string, string>): string {
  const lines = [...pipelines].map(([name, description]) => `  ${name}: ${description}`);
  return ['Pipelines:', ...lines].join('\n');
}

/**
 * Choices are declared for completion only: outside it they are checked like every other value. Without a type yargs
 * hands over the text as it stands, as a list when a flag is repeated.
 */
function yargsOption(flag: Flag, { completing, shown }: Purpose): Options {
  const { kind, group, description, shownDefault } = flag;
  return {
    ...(shown ? { group: `${group}:`, description } : { hidden: true }),
    ...(kind.written === 'switch' ? { type: 'boolean' } : { requiresArg: true }),
    ...(shownDefault === undefined ? {} : { defaultDescription: shownDefault }),
    ...(completing && kind.choices ? { choices: kind.choices } : {}),
  };
}

function argumentOf(command: Command, given: Given): string | undefined {
  const { argument } = command;
  const words = Array.isArray(given._) ? given._ : [];
  if (words.length > 1) throw usageError('got a word too many', command);
  const value = argument === undefined ? undefined : given[argument.name];
  return typeof value === 'string' ? value : undefined;
}
