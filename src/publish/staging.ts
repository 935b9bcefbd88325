import { join } from 'node:path';
import { makeFolders } from '../platform/durable.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { DataFile } from './data-file.ts';
import { checkLatest } from './latest.ts';

/** A file of the snapshot in the making. Calls must not overlap. */
export interface StagedFile {
  write(chunks: readonly Uint8Array[]): Promise<void>;
  /** Makes its bytes durable and closes it. @returns its size in bytes */
  finish(): Promise<number>;
}

/** A snapshot in the making: a hidden folder beside the published ones, on the same file system. */
export interface Staging {
  /** The pipeline's folder. */
  readonly pipelineFolder: string;
  readonly runId: string;
  /** Absolute path of the staging folder. */
  readonly folder: string;
  /** @throws ExportError (74, publish) when the name is taken */
  createFile(name: string): Promise<StagedFile>;
  /** Removes every file, so that the snapshot can be written anew. */
  reset(): Promise<void>;
  /** Removes everything. Never fails: it follows a failure that must not be hidden; the next run clears what stays. */
  abandon(): Promise<void>;
}

/** Names that only an interrupted publication or retention leaves behind. */
const LEFT_OVER = /^\.(?:staging|latest|removing)-/;

/**
 * Opens a staging folder and clears away those of runs that did not finish. The caller holds the pipeline's lock.
 *
 * @throws ExportError (publish): 73 when the folder cannot be made or `latest` is in the way
 */
export async function openStaging(options: {
  readonly files: FileSystem;
  readonly pipelineFolder: string;
  readonly runId: string;
}): Promise<Staging> {
  const { pipelineFolder, runId } = options;
  const starting = explainIoErrors(options.files, 'publish', 'start');
  await makeFolders(starting, pipelineFolder);
  await checkLatest(starting, pipelineFolder);
  await removeLeftOvers(starting, pipelineFolder);
  const folder = join(pipelineFolder, `.staging-${runId}`);
  await starting.makeFolder(folder);
  return staging(explainIoErrors(options.files, 'publish', 'work'), pipelineFolder, runId, folder);
}

export async function removeLeftOvers(files: FileSystem, pipelineFolder: string): Promise<void> {
  for (const name of await files.list(pipelineFolder)) {
    if (LEFT_OVER.test(name)) await files.remove(join(pipelineFolder, name));
  }
}

function staging(
  files: FileSystem,
  pipelineFolder: string,
  runId: string,
  folder: string,
): Staging {
  const open = new Set<DataFile>();

  async function createFile(name: string): Promise<StagedFile> {
    const path = join(folder, name);
    const file = new DataFile(await files.open(path, 'create'), path);
    open.add(file);
    return {
      write: (chunks) => file.write(chunks),
      async finish() {
        const bytes = await file.sync();
        open.delete(file);
        await file.close();
        return bytes;
      },
    };
  }

  async function closeAll(): Promise<void> {
    const files = [...open];
    open.clear();
    await Promise.allSettled(files.map((file) => file.close()));
  }

  return {
    pipelineFolder,
    runId,
    folder,
    createFile,
    async reset() {
      await closeAll();
      await files.remove(folder);
      await files.makeFolder(folder);
    },
    async abandon() {
      await closeAll();
      await files.remove(folder).catch(() => undefined);
    },
  };
}
