import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { count, parseChecked } from '../json/checked-json.ts';
import { makeFolders, replaceFile } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
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
  version: v.literal(2),
  fingerprint: v.string(),
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
export type Header = v.InferOutput<typeof HeaderSchema>;

/** How the work began: nothing was there, it goes on, `--restart` discarded it, it was too old or had been refused. */
export type Opening = 'new' | 'resumed' | 'restarted' | 'stale' | 'refused';

export interface WorkOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** The work folder of this run, see `workFolder`. Made when it is missing. */
  readonly folder: string;
  readonly fingerprint: string;
  /** For new work; resumed work keeps its own. */
  readonly runId: string;
  /** Discards work that is there. */
  readonly restart: boolean;
  /** Work that began longer ago, milliseconds, is started afresh. */
  readonly resumeWithinMs: number;
  /** For new work; resumed work keeps its own. */
  readonly dates?: Readonly<Record<string, string>>;
  /** Whether to go on with work that was refused. */
  readonly takesRefused: boolean;
}

/** Where a run's unfinished work is: `<output>/<pipeline>/.work/<fingerprint>`. */
export function workFolder(pipelineFolder: string, fingerprint: string): string {
  return join(pipelineFolder, WORK, fingerprint);
}

/**
 * The durable work of one run: a header and a file a part. What `append` confirmed survives a kill and a power loss; a
 * part that is torn, altered or missing ends the usable run of parts.
 */
export interface Work {
  readonly folder: string;
  readonly opening: Opening;
  readonly header: Header;
  /** How many parts are durable. */
  readonly parts: number;
  /** Parts found that could not be used, and all behind the first such: they are fetched again. */
  readonly droppedParts: number;
  /**
   * Adds a part. Calls may overlap: they take effect one after the other, in the order they were made.
   *
   * @param bytes as `PartEncoder` makes them; not to be changed until this resolves
   * @returns its number
   * @throws ExportError (74, checkpoint) naming the path; the run is resumable
   */
  append(bytes: Uint8Array): Promise<number>;
  /** @throws ExportError (74, checkpoint) when the part changed since it was checked or written */
  read(index: number): Promise<Part>;
  /** Marks the work as not to be published unless somebody asks for it. @throws ExportError (74, checkpoint) */
  refuse(): Promise<void>;
  /** Waits for what was begun. */
  settle(): Promise<void>;
  /** Removes the work: the snapshot is published. */
  discard(): Promise<void>;
}

/**
 * Opens the unfinished work of a run, or begins it. The caller holds the pipeline's lock.
 *
 * @throws ExportError (checkpoint): 73 when the folder cannot be made or written, 74 when its header is damaged or
 *   belongs to another run
 */
export async function openWork(options: WorkOptions): Promise<Work> {
  const { folder, fingerprint, runId, clock, dates } = options;
  const path = join(folder, HEADER);
  const starting = explainIoErrors(options.files, 'checkpoint', 'start');
  const files = explainIoErrors(options.files, 'checkpoint', 'work');
  await makeFolders(starting, folder);
  const found = await findHeader(starting, path, options);
  const isNew = typeof found === 'string';
  if (isNew) await starting.remove(path);
  let parts = 0;
  while (!isNew && (await isUsable(starting, folder, parts))) parts++;
  const names = await starting.list(folder);
  const usable = names.filter((name) => PART.test(name)).slice(0, parts);
  const surplus = names.filter((name) => isNew || !(name === HEADER || usable.includes(name)));
  // From the last: killed halfway, no part stands behind a gap that a later one would fill.
  for (const name of surplus.toReversed()) await starting.remove(join(folder, name));
  const begun = { version: 2, fingerprint, runId, startedAt: clock.wall(), resumed: 0 } as const;
  const header: Header = isNew
    ? { ...begun, ...(dates && { dates }) }
    : { ...found, resumed: found.resumed + 1 };
  const writeHeader = (door: FileSystem, content: Header): Promise<void> =>
    replaceFile(door, path, Buffer.from(`${JSON.stringify(content)}\n`), 'checkpoint');
  await writeHeader(starting, header);

  /** The last part begun. It rejects once one has failed, and with it all that are chained to it. */
  let last: Promise<unknown> = Promise.resolve();
  const settle = async (): Promise<void> => {
    await last.catch(() => undefined);
  };
  return {
    folder,
    opening: isNew ? found : 'resumed',
    header,
    get parts() {
      return parts;
    },
    droppedParts: isNew ? 0 : surplus.filter((name) => PART.test(name)).length,
    append(bytes) {
      const appended = last.then(async () => {
        const { partName } = await partFile();
        await replaceFile(files, join(folder, partName(parts)), bytes, 'checkpoint');
        return parts++;
      });
      last = appended;
      appended.catch(() => {});
      return appended;
    },
    async read(index) {
      const { partName, readPart } = await partFile();
      return readPart(files, join(folder, partName(index)), 'checkpoint');
    },
    async refuse() {
      await settle();
      await writeHeader(files, { ...header, refused: true });
    },
    settle,
    async discard() {
      await settle();
      await removeWork(files, folder);
    },
  };
}

async function findHeader(
  files: FileSystem,
  path: string,
  { fingerprint, restart, clock, resumeWithinMs, takesRefused }: WorkOptions,
): Promise<Header | Exclude<Opening, 'resumed'>> {
  if ((await files.stat(path)) === undefined) return 'new';
  if (restart) return 'restarted';
  const header = parseHeader(await files.read(path));
  if (header?.fingerprint !== fingerprint) {
    throw new ExportError(
      `cannot resume from ${path}: ${header ? 'it belongs to another run' : 'it is damaged'}; run the command again with --restart to discard the unfinished work`,
      { exitCode: EXIT.io, stage: 'checkpoint' },
    );
  }
  if (header.refused && !takesRefused) return 'refused';
  // A clock that was set back must not keep work alive for ever: an age in the future counts like one in the past.
  return Math.abs(clock.wall() - header.startedAt) > resumeWithinMs ? 'stale' : header;
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

/** Unfinished work of the same pipeline under other flags, or from another snapshot on. */
export interface OtherWork {
  readonly folder: string;
  /** When it began, wall time, milliseconds since the epoch. */
  readonly startedAt: number;
  /** True when it was too old, or its run is published, and is gone now. */
  readonly removed: boolean;
}

/**
 * Looks at the unfinished work of other runs of a pipeline, removes what is too old and leaves the rest alone. The caller
 * holds the pipeline's lock.
 *
 * @param own fingerprint of this run
 * @param keptForMs age from which it goes, if not at `KEPT_FOR_MS` already
 */
export async function ageOtherWork(options: {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  readonly pipelineFolder: string;
  readonly own: string;
  readonly keptForMs?: number | undefined;
  /** The run that was published last: killed behind that, it left its work. */
  readonly published?: string | undefined;
}): Promise<OtherWork[]> {
  const { clock, own, keptForMs = KEPT_FOR_MS, published } = options;
  const parent = join(options.pipelineFolder, WORK);
  const files = explainIoErrors(options.files, 'checkpoint', 'work');
  if ((await files.stat(parent)) === undefined) return [];
  const found: OtherWork[] = [];
  for (const name of await files.list(parent)) {
    const folder = join(parent, name);
    if (name === own || !/^[0-9a-f]{16}$/.test(name)) continue;
    const stat = await files.stat(folder);
    if (stat?.kind !== 'folder') continue;
    const path = join(folder, HEADER);
    const header = (await files.stat(path)) && parseHeader(await files.read(path));
    const startedAt = header?.startedAt ?? stat.modifiedMs;
    const isOld = clock.wall() - startedAt > Math.min(keptForMs, KEPT_FOR_MS);
    const removed = isOld || (header !== undefined && header.runId === published);
    if (removed) await removeWork(files, folder);
    found.push({ folder, startedAt, removed });
  }
  return found;
}
