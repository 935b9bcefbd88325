import type { Clock } from '../platform/effects.ts';
import type { ExitCode } from '../platform/errors.ts';
import { type Given, OFF, type Option, option, type Rows } from '../run/options.ts';
import * as values from '../run/values.ts';
import type { Environment } from './environment.ts';
import type { Output, Screen } from './screen.ts';

/** The pipeline itself, imported only by the commands that need it: it brings the heavy libraries along. */
export type Engine = typeof import('../index.ts');

/** All of the process that a command may touch. */
export interface Context {
  readonly environment: Environment;
  /** Working folder: relative paths start here. */
  readonly folder: string;
  /** Folder of the pipeline files, unless `--pipelines` names another. */
  readonly pipelines: string;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Pick<Clock, 'wall' | 'monotonic'>;
  /** Aborted by SIGINT and SIGTERM with the ExportError to end with. */
  readonly signal: AbortSignal;
  readonly engine: () => Promise<Engine>;
}

/** What a command gets once its line was understood. */
export interface Invocation {
  /** Flags over variables. */
  readonly given: Given;
  /** The one positional argument, if given. */
  readonly argument: string | undefined;
  readonly context: Context;
  readonly screen: Screen;
}

/** What a command found, for programs and for people. */
export interface Outcome {
  readonly result: unknown;
  readonly text: string;
  /** Default 0. */
  readonly exitCode?: ExitCode;
}

export interface Command {
  readonly name: string;
  /** The positional argument, which may be left out. */
  readonly argument: { readonly name: string; readonly description: string };
  readonly description: string;
  readonly options: readonly Option[];
  /** Imports what the command needs, and runs it. */
  readonly run: (invocation: Invocation) => Promise<Outcome>;
}

export const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** What only the command line knows. */
// biome-ignore format: an option is one line
export const SCREEN_OPTIONS = {
  pipelines: option('pipelines', 'Files', values.path, 'Folder of the pipeline files', { shownDefault: 'pipelines beside the program' }),
  metrics: option('metrics', 'Files', values.path, 'Write the figures of the run for Prometheus, for node_exporter to pick up', {}),
  json: option('json', 'What is printed', values.switched, 'Print one JSON object on stdout instead of text', OFF),
  quiet: option('quiet', 'What is printed', values.switched, 'Print nothing unless the command fails', OFF),
  progress: option('progress', 'What is printed', values.switched, 'Draw a progress bar on stderr', { shownDefault: 'on a terminal' }),
  logLevel: option('log-level', 'What is printed', values.choice(LEVELS), 'Log lines from this level up, on stderr', { shownDefault: 'info; warn beside a progress bar; error with --quiet' }),
  logFormat: option('log-format', 'What is printed', values.choice(['text', 'json'] as const), 'Log lines as text or as JSON objects', { fallback: 'text' }),
} as const satisfies Rows;
