import type { Filters, PipelineDefinition } from '../jobs/pipeline.ts';
import { EXIT, ExportError } from '../platform/errors.ts';
import { defined } from './defined.ts';
import { filtersFrom } from './filters.ts';
import type { Flag } from './flag.ts';
import { FILTER_FLAGS, RUN_FLAGS, SERVER_FLAGS } from './flags.ts';
import type { Kind } from './kinds.ts';
import { hint, quote } from './messages.ts';

const OPTION_FLAGS = {
  formats: RUN_FLAGS.formats,
  compression: RUN_FLAGS.compression,
  concurrency: RUN_FLAGS.concurrency,
  pageSize: SERVER_FLAGS.pageSize,
  maxRejects: RUN_FLAGS.maxRejects,
  keep: RUN_FLAGS.keep,
} satisfies Partial<Record<keyof PipelineDefinition, Flag>>;

/**
 * Checks what a pipeline file exports by the rules of the flags of the same names.
 *
 * @param file its name for messages
 * @throws ExportError (78) naming file and option
 */
export function checkedPipeline(exported: unknown, file: string): PipelineDefinition {
  const source = record(exported, `${file}: expected "export default definePipeline({ ... })"`);
  knownKeys(source, ['description', 'filters', ...Object.keys(OPTION_FLAGS)], file);
  const { description } = source;
  if (typeof description !== 'string' || description.trim() === '') {
    throw refuse(`${file}: description: expected one line of text`);
  }
  const filters = checkedFilters(source.filters ?? {}, `${file}: filters`);
  const option = <T>(name: string, flag: Flag<T>) => checked(source, name, flag.kind, file);
  return defined({
    description,
    filters,
    formats: option('formats', OPTION_FLAGS.formats),
    compression: option('compression', OPTION_FLAGS.compression),
    concurrency: option('concurrency', OPTION_FLAGS.concurrency),
    pageSize: option('pageSize', OPTION_FLAGS.pageSize),
    maxRejects: option('maxRejects', OPTION_FLAGS.maxRejects),
    keep: option('keep', OPTION_FLAGS.keep),
  });
}

function checkedFilters(exported: unknown, place: string): Filters {
  const source = record(exported, `${place}: expected an object`);
  knownKeys(source, Object.keys(FILTER_FLAGS), place);
  return filtersFrom((name, flag) => checked(source, name, flag.kind, place));
}

type Exported = Readonly<Record<string, unknown>>;

function record(value: unknown, otherwise: string): Exported {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse(otherwise);
  return Object.fromEntries(Object.entries(value));
}

function knownKeys(source: Exported, names: readonly string[], place: string): void {
  const unknown = Object.keys(source).find((key) => !names.includes(key));
  if (unknown === undefined) return;
  const next = hint(unknown, names, `known are ${names.join(', ')}`);
  throw refuse(`${place}: no option is called ${quote(unknown)}; ${next}`);
}

function checked<T>(source: Exported, name: string, kind: Kind<T>, place: string): T | undefined {
  const value = source[name];
  if (value === undefined) return undefined;
  const texts = textsOf(value, kind.written);
  const parsed = texts === undefined ? undefined : kind.parse(texts);
  if (parsed === undefined) {
    throw refuse(`${place}: ${name}: expected ${kind.accepts}, got ${quote(value)}`);
  }
  return parsed;
}

/** What a person would have typed for a value of the right type; undefined for another type. */
function textsOf(value: unknown, written: Kind<unknown>['written']): string[] | undefined {
  switch (written) {
    case 'list':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? value
        : undefined;
    case 'switch':
      return typeof value === 'boolean' ? [String(value)] : undefined;
    default:
      return typeof value === written ? [String(value)] : undefined;
  }
}

function refuse(message: string): ExportError {
  return new ExportError(message, { exitCode: EXIT.config, stage: 'cli' });
}
