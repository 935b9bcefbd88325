import type { JsonValue } from '../json/json-value.ts';
import { makeFolders } from '../platform/durable.ts';
import type { Clock } from '../platform/effects.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors } from '../platform/io-errors.ts';
import { Checkpoint, type Found, type Opening } from './checkpoint.ts';
import { journalPath, removeLeftOvers } from './folder.ts';
import { type History, readHistory } from './history.ts';
import { cutJournal, openJournal } from './journal.ts';
import { isIntact } from './parts.ts';
import { type Header, headerRecord } from './records.ts';

export interface CheckpointOptions {
  readonly files: FileSystem;
  readonly clock: Pick<Clock, 'wall'>;
  /** The work folder of this run, see `workFolder`. Made when it is missing. */
  readonly folder: string;
  readonly fingerprint: string;
  /** Kept in the header of new work, e.g. the run id; resumed work keeps its own. */
  readonly run: JsonValue;
  /** Discards work that is there. */
  readonly restart: boolean;
  /** Work that began longer ago, milliseconds, is started afresh. */
  readonly resumeWithinMs: number;
}

/**
 * Opens the unfinished work of a run, or begins it. The caller holds the pipeline's lock.
 *
 * Parts are checked against their hashes; the first that is lost or altered is dropped, and all behind it.
 *
 * @throws ExportError (checkpoint): 73 when the folder cannot be made or written, 74 when the journal is damaged (not
 *   merely torn), of another version or of another run
 */
export async function openCheckpoint(options: CheckpointOptions): Promise<Checkpoint> {
  const { folder } = options;
  const files = explainIoErrors(options.files, 'checkpoint', 'start');
  await makeFolders(files, folder);
  const { found, lines } = await findOrBegin(files, options);
  const working = explainIoErrors(options.files, 'checkpoint', 'work');
  const journal = await openJournal(working, journalPath(folder), lines);
  return new Checkpoint(working, folder, journal, found);
}

interface Start {
  readonly found: Found;
  /** Records in the journal. */
  readonly lines: number;
}

async function findOrBegin(files: FileSystem, options: CheckpointOptions): Promise<Start> {
  const path = journalPath(options.folder);
  if ((await files.stat(path)) === undefined) return begin(files, options, 'new');
  if (options.restart) return begin(files, options, 'restarted');
  const history = readHistory(await files.read(path), path, options.fingerprint, (header) =>
    isStale(header, options),
  );
  if (history === 'empty') return begin(files, options, 'new');
  if (history === 'stale') return begin(files, options, 'stale');
  return resume(files, options, history);
}

/** A clock that was set back must not keep work alive for ever: an age in the future counts like one in the past. */
function isStale(header: Header, { clock, resumeWithinMs }: CheckpointOptions): boolean {
  return Math.abs(clock.wall() - header.createdAt) > resumeWithinMs;
}

async function begin(
  files: FileSystem,
  { folder, fingerprint, run, clock }: CheckpointOptions,
  opening: Opening,
): Promise<Start> {
  const path = journalPath(folder);
  await files.remove(path);
  await removeLeftOvers(files, folder, new Set());
  const header: Header = { fingerprint, createdAt: clock.wall(), run };
  const journal = await openJournal(files, path, 0);
  try {
    await journal.append(headerRecord(header));
  } finally {
    await journal.close();
  }
  await files.syncFolder(folder);
  return { found: { opening, header, parts: [], notes: [], droppedParts: 0 }, lines: 1 };
}

async function resume(
  files: FileSystem,
  { folder }: CheckpointOptions,
  history: History,
): Promise<Start> {
  const kept = await keepIntact(files, folder, history);
  const parts = kept.flatMap((event) => (event.kind === 'part' ? [event.part] : []));
  const notes = kept.flatMap((event) => (event.kind === 'note' ? [event.note] : []));
  const all = history.events.filter((event) => event.kind === 'part').length;
  await cutJournal(files, journalPath(folder), kept.at(-1)?.end ?? history.headerEnd);
  const named = parts.flatMap(({ rows, rejects }) => [rows, rejects ?? []].flat());
  await removeLeftOvers(files, folder, new Set(['journal', ...named.map(({ name }) => name)]));
  await files.syncFolder(folder);
  return {
    found: {
      opening: 'resumed',
      header: history.header,
      parts,
      notes,
      droppedParts: all - parts.length,
    },
    lines: 1 + kept.length,
  };
}

async function keepIntact(
  files: FileSystem,
  folder: string,
  { events }: History,
): Promise<History['events']> {
  for (const [index, event] of events.entries()) {
    if (event.kind === 'part' && !(await isIntact(files, folder, event.part))) {
      return events.slice(0, index);
    }
  }
  return events;
}
