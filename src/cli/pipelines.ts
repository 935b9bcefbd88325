import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PipelineDefinition } from '../jobs/pipeline.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import { quote } from './messages.ts';
import { checkedPipeline } from './pipeline-check.ts';

/** The pipelines that ship with the program: TypeScript files in a checkout, JavaScript ones in a build. */
export const PIPELINES_FOLDER = fileURLToPath(new URL('../../pipelines/', import.meta.url));

export const DEFAULT_PIPELINE = 'jobs';

const FILE = /^([a-z0-9][a-z0-9_-]*)\.(?:ts|js)$/;

/** What the pipelines of a folder are for, by name. A pipeline is a file: adding one makes its name known. */
export async function describePipelines(folder: string): Promise<Map<string, string>> {
  const descriptions = new Map<string, string>();
  for (const [name, file] of await pipelineFiles(folder)) {
    const description = await loadFile(folder, file).then(
      (pipeline) => pipeline.description,
      () => 'is refused; export it to see why',
    );
    descriptions.set(name, description);
  }
  return descriptions;
}

/**
 * Loads a pipeline by name.
 *
 * @throws ExportError 64 for a name that no file has, 78 for a file that is no valid pipeline
 */
export async function loadPipeline(name: string, folder: string): Promise<PipelineDefinition> {
  const files = await pipelineFiles(folder);
  const file = files.get(name);
  if (file === undefined) {
    const names = [...files.keys()];
    throw new ExportError(
      `unknown pipeline ${quote(name)}; known are ${names.join(', ')}: a file in pipelines/ each`,
      { exitCode: EXIT.usage, stage: 'cli' },
    );
  }
  return loadFile(folder, file);
}

async function loadFile(folder: string, file: string): Promise<PipelineDefinition> {
  return checkedPipeline(await defaultExport(join(folder, file), file), `pipelines/${file}`);
}

async function pipelineFiles(folder: string): Promise<Map<string, string>> {
  const files = (await readdir(folder)).sort();
  return new Map(
    files
      .map((file) => [FILE.exec(file)?.[1] ?? '', file] as const)
      .filter(([name]) => name !== ''),
  );
}

async function defaultExport(path: string, file: string): Promise<unknown> {
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return module.default;
  } catch (cause) {
    const [reason] = messageOf(cause).split('\n');
    throw new ExportError(`pipelines/${file}: cannot be loaded: ${reason}`, {
      exitCode: EXIT.config,
      stage: 'cli',
      cause,
    });
  }
}
