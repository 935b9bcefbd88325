import { type ResourceLimits, Worker } from 'node:worker_threads';
import { EXIT, ExportError, type ExportErrorOptions, messageOf } from './errors.ts';
import { openFilesError } from './io-errors.ts';

/**
 * Starts a worker thread on a module of this package, whether it runs built or, under tsx, from its sources.
 *
 * @param module in src/, without its extension, e.g. `load/worker`
 * @param data what the worker finds as `workerData`
 */
export function startWorker(
  module: string,
  data: unknown,
  resourceLimits: ResourceLimits = {},
): Worker {
  // Of this file or, in a build, of one as deep below it: esbuild.config.ts.
  const base = import.meta.url;
  const path = `../${module}`;
  const options = { workerData: data, resourceLimits };
  if (!base.endsWith('.ts')) return new Worker(new URL(`${path}.js`, base), options);
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = JSON.stringify(new URL(`${path}.ts`, base).href);
  const bootstrap = `import(${tsx}).then(({ register }) => { register(); return import(${source}); })`;
  return new Worker(bootstrap, { ...options, eval: true });
}

/** An `ExportError` on its way between threads, which carry only the message of an error. */
export interface ErrorMessage extends ExportErrorOptions {
  readonly message: string;
}

/** Anything thrown, ready to be posted to another thread. What is no `ExportError` becomes a bug of `stage`. */
export function errorMessage(thrown: unknown, stage: ExportErrorOptions['stage']): ErrorMessage {
  const known = openFilesError(thrown, stage);
  if (!(known instanceof ExportError))
    return { message: messageOf(thrown), exitCode: EXIT.bug, stage };
  const { message, exitCode, retryable, cause } = known;
  const told = cause instanceof Error ? { cause } : {};
  return { message, exitCode, stage: known.stage, retryable, ...told };
}

/** The error that was posted. */
export function postedError({ message, ...options }: ErrorMessage): ExportError {
  return new ExportError(message, options);
}
