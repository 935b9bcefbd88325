import type { ExitCode } from '../platform/errors.ts';
import type { Context } from './context.ts';
import type { Flag } from './flag.ts';
import type { Screen } from './screen.ts';
import type { Settings } from './settings.ts';

/** What a command gets once its line was understood. */
export interface Invocation {
  readonly settings: Settings;
  /** The one positional argument, if given. */
  readonly argument: string | undefined;
  readonly context: Context;
  readonly screen: Screen;
}

export interface Command {
  readonly name: string;
  /** The positional argument as yargs writes it: `[pipeline]` is optional, `<folder>` is not. */
  readonly argument?: {
    readonly usage: string;
    readonly name: string;
    readonly description: string;
  };
  readonly description: string;
  readonly flags: readonly Flag[];
  /** Imports what the command needs, and runs it. */
  readonly run: (invocation: Invocation) => Promise<ExitCode>;
}
