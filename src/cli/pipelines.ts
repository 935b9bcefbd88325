import { readdir, readFile } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PipelineDefinition } from '../jobs/pipeline.ts';
import { EXIT, ExportError, errorCode, messageOf } from '../platform/errors.ts';
import { checkDefinition } from '../run/options.ts';
import { quote } from '../run/values.ts';
import { withoutMark } from './environment.ts';

/** The pipelines that ship with the program: TypeScript files in a checkout, JavaScript ones in a build. */
export const PIPELINES_FOLDER = fileURLToPath(new URL('../../pipelines/', import.meta.url));

const FILE = /^([a-z0-9][a-z0-9_-]*)\.(?:ts|js|mjs|json)$/;

/** What the pipelines of a folder are for, by name. A pipeline is a file: adding one makes its name known. */
export async function describePipelines(folder: string): Promise<Map<string, string>> {
  const descriptions = new Map<string, string>();
  for (const [name, file] of await pipelineFiles(folder)) {
    const description = await loadFile(join(folder, file), `pipelines/${file}`).then(
      (pipeline) => pipeline.description,
      () => 'is refused; export it to see why',
    );
    descriptions.set(name, description);
  }
  return descriptions;
}

/**
 * Loads a pipeline by its name in a folder, or a file that is named by a path (`./night.json`). No other file is ever
 * run, whatever folder one happens to stand in. The name is that of its folder in the output folder.
 *
 * @param workingFolder where a relative path starts
 * @throws ExportError 64 for a name that no file has, 78 for a file that is no valid pipeline
 */
export async function loadPipeline(given: string, folder: string, workingFolder: string) {
  const [, stem] = FILE.exec(basename(given)) ?? [];
  if (stem !== undefined && /[\\/]/.test(given)) {
    return { name: stem, definition: await loadFile(resolve(workingFolder, given), given) };
  }
  const files = await pipelineFiles(folder);
  const file = files.get(given);
  if (file === undefined) {
    const known = `known are ${[...files.keys()].join(', ')}: a file in pipelines/ each`;
    throw new ExportError(
      `unknown pipeline ${quote(given)}; ${known}; a file of your own is named by its path, such as ./night.json`,
      { exitCode: EXIT.usage, stage: 'cli' },
    );
  }
  return { name: given, definition: await loadFile(join(folder, file), `pipelines/${file}`) };
}

async function pipelineFiles(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder).catch((cause) => {
    const why = errorCode(cause) ?? 'unreadable';
    throw refused(`cannot read the folder of pipelines ${folder} (${why})`, cause);
  });
  const files = names.sort().map((file) => [FILE.exec(file)?.[1] ?? '', file] as const);
  return new Map(files.filter(([name]) => name !== ''));
}

/** @param shown the path as messages name it */
async function loadFile(path: string, shown: string): Promise<PipelineDefinition> {
  const read = async (): Promise<unknown> => {
    if (extname(path) === '.json') return JSON.parse(withoutMark(await readFile(path, 'utf8')));
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return module.default;
  };
  const exported = await read().catch((cause) => {
    const why =
      errorCode(cause) === 'ERR_UNKNOWN_FILE_EXTENSION'
        ? 'this Node.js runs no TypeScript (22.18 and newer do); write it as .json or .mjs'
        : messageOf(cause).split('\n')[0];
    throw refused(`${shown}: cannot be loaded: ${why}`, cause);
  });
  return checkDefinition(exported, shown);
}

function refused(message: string, cause: unknown): ExportError {
  return new ExportError(message, { exitCode: EXIT.config, stage: 'cli', cause });
}
