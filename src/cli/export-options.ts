import { resolve } from 'node:path';
import type { ExportOptions } from '../jobs/options.ts';
import type { PipelineDefinition } from '../jobs/pipeline.ts';
import { EXIT } from '../platform/errors.ts';
import type { Environment } from './context.ts';
import { credentialsFrom } from './credentials.ts';
import { defined } from './defined.ts';
import { filtersFrom, refuseEmptyRanges } from './filters.ts';
import { RUN_FLAGS, SERVER_FLAGS } from './flags.ts';
import { DEFAULT_PIPELINE, loadPipeline } from './pipelines.ts';
import type { Redactor } from './redact.ts';
import { REGION_FACTS } from './regions.ts';
import { baseUrl, serverUrl } from './server-url.ts';
import type { Settings } from './settings.ts';

export interface ExportSources {
  readonly settings: Settings;
  /** Name of the pipeline as given. Default `jobs`. */
  readonly pipeline: string | undefined;
  readonly environment: Environment;
  /** Working folder: relative paths start here. */
  readonly folder: string;
  /** Folder of the pipeline files. */
  readonly pipelines: string;
  readonly redactor: Redactor;
}

/**
 * Resolves every option of an export: flags over environment over pipeline file over defaults.
 *
 * @throws ExportError 64 for a refused flag, variable or pipeline name; 78 for a refused pipeline file or credentials
 */
export async function exportOptions(sources: ExportSources): Promise<ExportOptions> {
  const { settings, environment, folder } = sources;
  const name = sources.pipeline ?? DEFAULT_PIPELINE;
  const pipeline = await loadPipeline(name, sources.pipelines);
  const { server, endpoint } = serverOf(settings);
  const options = defined({
    pipeline: name,
    apiUrl: baseUrl(server),
    filters: mergedFilters(settings, pipeline),
    formats: settings.resolve(RUN_FLAGS.formats, pipeline.formats),
    output: resolve(folder, settings.resolve(RUN_FLAGS.output)),
    concurrency: settings.resolve(RUN_FLAGS.concurrency, pipeline.concurrency),
    pageSize: settings.resolve(SERVER_FLAGS.pageSize, pipeline.pageSize),
    compression: settings.get(RUN_FLAGS.compression) ?? pipeline.compression,
    maxRejects: settings.resolve(RUN_FLAGS.maxRejects, pipeline.maxRejects),
    allowIncomplete: settings.get(RUN_FLAGS.allowIncomplete) ?? false,
    restart: settings.get(RUN_FLAGS.restart) ?? false,
    resumeWithinMs: settings.resolve(RUN_FLAGS.resumeWithin),
    keep: settings.get(RUN_FLAGS.keep) ?? pipeline.keep,
    deadlineMs: settings.get(RUN_FLAGS.deadline),
  });
  const credentials = await credentialsFrom(
    environment,
    server,
    endpoint,
    folder,
    sources.redactor,
  );
  return { ...options, credentials };
}

function serverOf(settings: Settings) {
  const { apiUrl, endpoint } = REGION_FACTS[settings.resolve(SERVER_FLAGS.region)];
  const given = settings.get(SERVER_FLAGS.apiUrl) ?? apiUrl;
  return { server: serverUrl(given, settings.nameOf(SERVER_FLAGS.apiUrl), EXIT.usage), endpoint };
}

/** Filter by filter: a flag replaces the pipeline's filter of the same name and leaves the others. */
function mergedFilters(settings: Settings, pipeline: PipelineDefinition) {
  const filters = { ...pipeline.filters, ...filtersFrom((_, flag) => settings.get(flag)) };
  refuseEmptyRanges(filters);
  return filters;
}
