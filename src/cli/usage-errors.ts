import { EXIT, ExportError } from '../platform/errors.ts';
import type { Command } from './command.ts';
import { hint, quote } from './messages.ts';

/** A wrong command line: what is wrong, and where to read on. */
export function usageError(problem: string, command?: Pick<Command, 'name'>): ExportError {
  const help = ['pasqal-jobs', command?.name, '--help'].filter(Boolean).join(' ');
  return new ExportError(`${problem}; see ${help}`, { exitCode: EXIT.usage, stage: 'cli' });
}

/** Says in this program's words what yargs found wrong with the command line. */
export function yargsComplaint(
  message: string,
  args: readonly string[],
  commands: readonly Command[],
): ExportError {
  const command = commands.find(({ name }) => args.includes(name));
  const unknown = /^Unknown (?:argument|command)s?: (.*)$/s.exec(message)?.[1];
  if (unknown !== undefined && command) return unknownArgument(unknown, args, command);
  const meant = /^Did you mean (.*)\?$/.exec(message)?.[1];
  const word = args.find((arg) => !arg.startsWith('-'));
  if (word !== undefined && (meant || unknown?.split(', ').includes(word))) {
    const names = commands.map(({ name }) => name).join(', ');
    const next = meant ? `did you mean ${meant}?` : `known are ${names}`;
    return usageError(`unknown command ${quote(word)}; ${next}`);
  }
  const starving = /^Not enough arguments following: (.*)$/s.exec(message)?.[1];
  if (starving !== undefined) return usageError(`--${starving} needs a value`, command);
  if (message.startsWith('Not enough non-option arguments') && command?.argument) {
    return usageError(`${command.argument.usage} is missing`, command);
  }
  const [first = message] = message.split('\n');
  return usageError(first, command);
}

/** Of an unknown flag the name is repeated and never the value; of a cluster of short ones only the first letter. */
function unknownArgument(list: string, args: readonly string[], command: Command): ExportError {
  const [name = list] = list.split(', ');
  if (args.some((arg) => isLongFlag(arg, name))) {
    const names = command.flags.map((flag) => flag.name);
    const next = hint(name, names, '', '--');
    return usageError(`unknown flag --${name}${next && `; ${next}`}`, command);
  }
  if (!args.includes(name)) return usageError(`unknown flag -${name.slice(0, 1)}`, command);
  return usageError(`got a word too many: ${quote(name)}`, command);
}

function isLongFlag(arg: string, name: string): boolean {
  return arg === `--${name}` || arg.startsWith(`--${name}=`) || arg === `--no-${name}`;
}

/**
 * yargs takes `--errors=maybe` for false, and `--no-page-size` for a page size of "false".
 *
 * @throws ExportError (64) for either
 */
export function refuseSwitchValues(args: readonly string[], command: Command): void {
  for (const { name, kind } of command.flags) {
    const isSwitch = kind.written === 'switch';
    const value = args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
    if (isSwitch && value !== undefined && value !== 'true' && value !== 'false') {
      throw usageError(`--${name}: expected ${kind.accepts}, got ${quote(value)}`, command);
    }
    if (!isSwitch && args.includes(`--no-${name}`)) {
      throw usageError(`--${name} needs a value`, command);
    }
  }
}
