import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { count, parseChecked } from '../json/checked-json.ts';
import { makeFolders, replaceFile } from '../platform/durable.ts';
import type { Clock, Effects } from '../platform/effects.ts';
import { EXIT, ExportError, hasCode } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import type { Part } from '../platform/part-file.ts';

/** Unfinished work that nobody resumed is kept this long at most, milliseconds. */
export const KEPT_FOR_MS = 7 * 24 * 3600 * 1000;

/** Loads the Arrow library: when there is a part, not before the first request. */
const partFile = () => import('../platform/part-file.ts');

/** In a pipeline's folder, holds one folder a run. */
const WORK = '.work';
const HEADER = 'work.json';
const PART = /^part-\d{6,}\.arrow$/;

const HeaderSchema = v.object({
  runId: v.string(),
  /** Wall time, milliseconds since the epoch. */
  startedAt: count,
  /** How often the run was started before. */
  resumed: count,
  /** What dates that are relative to the start stand for. */
  dates: v.exactOptional(v.record(v.string(), v.string())),
  /** Set when what was fetched was not to be published: only who asks for it goes on with it. */
  refused: v.exactOptional(v.literal(true)),
});

/** `work.json`: what run the parts beside it belong to. */
type Header = v.InferOutput<typeof HeaderSchema>;

export interface WorkOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** The work folder of this run, see `workFolder`. Made when it is missing. */
  readonly folder: string;
  /** Of new work; resumed work keeps its own. */
  readonly runId: string;
  readonly dates?: Readonly<Record<string, string>>;
  /** Discards work that is there. */
  readonly restart: boolean;
  /** Work that began longer ago, milliseconds, is started afresh. */
  readonly resumeWithinMs: number;
  /** Whether to go on with work that was refused. */
  readonly takesRefused: boolean;
  /** The last run that published. What began before its end has older rows, and is started afresh, unless it is that run. */
  readonly published?: { readonly runId: string; readonly finishedAt: string } | undefined;
}

/**
 * Where a run's unfinished work is: `<output>/<pipeline>/.work/<fingerprint>`.
 *
 * @param fingerprint 16 hex digits, the same for runs that may go on with each other's work
 */
export function workFolder(pipelineFolder: string, fingerprint: string): string {
  return join(pipelineFolder, WORK, fingerprint);
}

/**
 * The durable work of one run: a header and a file a part. What `append` confirmed survives a kill and a power loss; a
 * part that is torn, altered or missing ends the usable run of parts.
 */
export type Work = Awaited<ReturnType<typeof openWork>>;

/**
 * Opens the unfinished work of a run, or begins it. The caller holds the pipeline's lock.
 *
 * @throws ExportError (checkpoint): 73 when the folder cannot be made or written, 74 when its header is damaged
 */
export async function openWork(options: WorkOptions) {
  const { folder, runId, clock, dates } = options;
  const path = join(folder, HEADER);
  const starting = explainIoErrors(options.files, 'checkpoint', 'start');
  const files = explainIoErrors(options.files, 'checkpoint', 'work');
  await makeFolders(starting, folder);
  const found = await findHeader(starting, path, options);
  if (found === undefined) await starting.remove(path);
  let parts = 0;
  while (found && (await isUsable(starting, folder, parts))) parts++;
  const names = await starting.list(folder);
  const usable = names.filter((name) => PART.test(name)).slice(0, parts);
  const surplus = names.filter((name) => !found || !(name === HEADER || usable.includes(name)));
  // From the last: killed halfway, no part stands behind a gap that a later one would fill.
  for (const name of surplus.toReversed()) await starting.remove(join(folder, name));
  const begun = { runId, startedAt: clock.wall(), resumed: 0, ...(dates && { dates }) };
  const header: Header = found ? { ...found, resumed: found.resumed + 1 } : begun;
  const writeHeader = (door: FileSystem, content: Header): Promise<void> =>
    replaceFile(door, path, Buffer.from(`${JSON.stringify(content)}\n`), 'checkpoint');
  await writeHeader(starting, header);

  return {
    folder,
    header,
    /** How many parts are durable. */
    get parts() {
      return parts;
    },
    /** Parts found that could not be used, and all behind the first such: they are fetched again. */
    droppedParts: found ? surplus.filter((name) => PART.test(name)).length : 0,
    /**
     * Adds a part. To be waited for before the next is added.
     *
     * @param bytes as `PartEncoder` makes them; not to be changed until this resolves
     * @returns its number
     * @throws ExportError (74, checkpoint) naming the path; the run is resumable
     */
    async append(bytes: Uint8Array): Promise<number> {
      const { partName } = await partFile();
      await replaceFile(files, join(folder, partName(parts)), bytes, 'checkpoint');
      return parts++;
    },
    /** @throws ExportError (74, checkpoint) when the part changed since it was checked or written */
    async read(index: number): Promise<Part> {
      const { partName, readPart } = await partFile();
      return readPart(files, join(folder, partName(index)), 'checkpoint');
    },
    /** Marks the work as not to be published unless somebody asks for it. @throws ExportError (74, checkpoint) */
    refuse: () => writeHeader(files, { ...header, refused: true }),
    /** Removes the work: the snapshot is published. */
    discard: () => removeWork(files, folder),
  };
}

/** @returns undefined where there is nothing to go on with */
async function findHeader(
  files: FileSystem,
  path: string,
  { restart, clock, resumeWithinMs, takesRefused, published }: WorkOptions,
): Promise<Header | undefined> {
  if (restart || (await files.stat(path)) === undefined) return undefined;
  const header = parseHeader(await files.read(path));
  if (header === undefined) {
    throw new ExportError(
      `cannot resume from ${path}: it is damaged; run the command again with --restart to discard the unfinished work`,
      { exitCode: EXIT.io, stage: 'checkpoint' },
    );
  }
  // A clock that was set back must not keep work alive for ever: an age in the future counts like one in the past.
  const isStale = Math.abs(clock.wall() - header.startedAt) > resumeWithinMs;
  const end = published && published.runId !== header.runId && Date.parse(published.finishedAt);
  // The same of an end in the future: it says nothing.
  const isSuperseded = end && header.startedAt < end && end <= clock.wall();
  return isStale || isSuperseded || (header.refused && !takesRefused) ? undefined : header;
}

function parseHeader(bytes: Uint8Array): Header | undefined {
  try {
    return parseChecked(HeaderSchema, bytes);
  } catch {
    return undefined;
  }
}

async function isUsable(files: FileSystem, folder: string, index: number): Promise<boolean> {
  const { decodePart, partName } = await partFile();
  try {
    return decodePart(await files.read(join(folder, partName(index)))) !== undefined;
  } catch (error) {
    // It is lost or broken; other errors say nothing about the file itself.
    if (hasCode(error, 'ENOENT', 'EISDIR', 'EIO')) return false;
    throw error;
  }
}

/** The header goes first: a kill halfway leaves no work, rather than half of it. */
async function removeWork(files: FileSystem, folder: string): Promise<void> {
  await files.remove(join(folder, HEADER));
  await files.remove(folder);
  await files.syncFolder(dirname(folder));
}

/**
 * Looks at the unfinished work of other runs of a pipeline, under other flags or from another snapshot on, removes what
 * is too old and leaves the rest alone. The caller holds the pipeline's lock.
 *
 * @param own work folder of this run
 * @param published the run that was published last: killed behind that, it left its work
 * @param keptForMs age from which it goes, if not at a week already
 * @returns the folders, and which of them are gone now
 */
export async function ageOtherWork(
  { files: given, clock }: Pick<Effects, 'files' | 'clock'>,
  own: string,
  published: string | undefined,
  keptForMs = KEPT_FOR_MS,
): Promise<{ readonly folder: string; readonly removed: boolean }[]> {
  const parent = dirname(own);
  const files = explainIoErrors(given, 'checkpoint', 'work');
  const found: { folder: string; removed: boolean }[] = [];
  for (const name of await files.list(parent)) {
    const folder = join(parent, name);
    if (folder === own || !/^[0-9a-f]{16}$/.test(name)) continue;
    const stat = await files.stat(folder);
    if (stat?.kind !== 'folder') continue;
    const path = join(folder, HEADER);
    const header = (await files.stat(path)) && parseHeader(await files.read(path));
    const age = clock.wall() - (header?.startedAt ?? stat.modifiedMs);
    const isPublished = header !== undefined && header.runId === published;
    const removed = isPublished || age > Math.min(keptForMs, KEPT_FOR_MS);
    if (removed) await removeWork(files, folder);
    found.push({ folder, removed });
  }
  return found;
}
