import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { formatJson, parseChecked } from '../json/checked-json.ts';
import { makeFolders, writeNewFile } from '../platform/durable.ts';
import { EXIT, ExportError, errorCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { TOOL } from '../platform/tool.ts';
import { MANIFEST } from './manifest.ts';
import { LATEST, ownManifest, RUN_ID, removeMarked, runIdOf } from './snapshots.ts';

/** A snapshot in the making: a hidden folder beside the published ones, on the same file system. */
export interface Staging {
  /** The pipeline's folder. */
  readonly pipelineFolder: string;
  readonly runId: string;
  /** Absolute path of the staging folder. */
  readonly folder: string;
  /** Removes everything. Never fails: it follows a failure that must not be hidden; the next run clears what stays. */
  abandon(): Promise<void>;
}

/** The file that shows a staging folder to be ours until there is a manifest. */
export const MARK = '.mark.json';
const MARK_SCHEMA = v.object({ tool: v.literal(TOOL.name), runId: v.string() });

/** What file systems without symbolic links answer, and Windows to who may not make any. */
const NO_SYMLINKS: ReadonlySet<string> = new Set(['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']);

/**
 * Finds out whether a snapshot could be published here, before anything is fetched. The caller holds the pipeline's
 * lock.
 *
 * @throws ExportError (73, publish) when the folder cannot be made or written, when `latest` is no link, which could not
 *   be replaced in one step, or where there are no symbolic links
 */
export async function checkOutput(given: FileSystem, pipelineFolder: string): Promise<void> {
  const files = explainIoErrors(given, 'publish', 'start');
  await makeFolders(files, pipelineFolder);
  const latest = join(pipelineFolder, LATEST);
  const found = await files.stat(latest);
  if (found !== undefined && found.kind !== 'link') {
    throw cannotCreate(
      `${latest} is not a link that this program made; move it away and run again`,
    );
  }
  const probe = join(pipelineFolder, `.probe-${randomUUID()}`);
  try {
    await files.symlink(LATEST, probe);
  } catch (error) {
    if (!NO_SYMLINKS.has(errorCode(error) ?? '')) throw error;
    throw cannotCreate(
      `${pipelineFolder} is on a file system without symbolic links (${errorCode(error)}), which name the latest ` +
        'snapshot; choose an output folder on another one (on Windows: turn the developer mode on)',
      error,
    );
  }
  await files.remove(probe);
}

function cannotCreate(message: string, cause?: unknown): ExportError {
  return new ExportError(message, { exitCode: EXIT.cannotCreate, stage: 'publish', cause });
}

/**
 * Opens a staging folder and clears away those of runs that did not finish. The caller holds the pipeline's lock.
 *
 * @param options.owner the lock's token: who lost the lock never works in the folder of who has it
 * @throws ExportError (73, publish) when the folder cannot be made
 */
export async function openStaging(options: {
  readonly files: FileSystem;
  readonly pipelineFolder: string;
  readonly runId: string;
  readonly owner: string;
}): Promise<Staging> {
  const { pipelineFolder, runId, owner } = options;
  const starting = explainIoErrors(options.files, 'publish', 'start');
  await makeFolders(starting, pipelineFolder);
  await removeLeftOvers(starting, pipelineFolder);
  const folder = join(pipelineFolder, `.staging-${runId}-${owner}`);
  await makeMarked(starting, folder, runId);
  const files = explainIoErrors(options.files, 'publish', 'work');
  const remove = async (): Promise<void> => {
    const mark = await markOf(files, folder, runId);
    if (mark !== undefined) await removeMarked(files, folder, mark);
  };
  return { pipelineFolder, runId, folder, abandon: () => remove().catch(() => undefined) };
}

async function makeMarked(files: FileSystem, folder: string, runId: string): Promise<void> {
  await files.makeFolder(folder);
  const mark = formatJson({ tool: TOOL.name, runId });
  await writeNewFile(files, join(folder, MARK), mark, 'publish');
  await files.syncFolder(folder);
}

/** Names of what only an interrupted publication or retention leaves behind. */
const LEFT_OVER = new RegExp(
  `^\\.(staging|removing|latest|probe)-(${RUN_ID})?-?(?:[0-9a-f-]{36})?$`,
);

/**
 * Removes what interrupted publications and retentions left behind. A name is not enough: a folder must carry its mark
 * or manifest, or hold nothing of value yet; a link must lead where ours do.
 */
export async function removeLeftOvers(files: FileSystem, pipelineFolder: string): Promise<void> {
  // A snapshot on its way out must not come back under its old name, after a power loss, with files missing.
  await files.syncFolder(pipelineFolder);
  for (const name of await files.list(pipelineFolder)) {
    const [, kind, runId = ''] = name.match(LEFT_OVER) ?? [];
    if (kind === undefined) continue;
    const path = join(pipelineFolder, name);
    const found = (await files.stat(path))?.kind;
    if (found === 'folder') {
      const mark = await markOf(files, path, runId);
      if (mark !== undefined) await removeMarked(files, path, mark);
    } else if (found === 'link') {
      const target = await files.readLink(path);
      const ours = kind === 'probe' ? target === LATEST : runIdOf(target) === runId;
      if (ours) await files.remove(path);
    }
  }
}

/** @returns the file by which a folder is known as ours; undefined for a foreign one */
async function markOf(
  files: FileSystem,
  folder: string,
  runId: string,
): Promise<string | undefined> {
  if (await ownManifest(files, folder, runId)) return MANIFEST;
  const names = await files.list(folder);
  if (names.every((name) => name === MARK)) return MARK;
  if (!names.includes(MARK)) return undefined;
  try {
    const mark = parseChecked(MARK_SCHEMA, await files.read(join(folder, MARK)));
    return mark.runId === runId ? MARK : undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
