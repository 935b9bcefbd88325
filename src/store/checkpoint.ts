import type { JsonValue } from '../json/json-value.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { removeWork } from './folder.ts';
import type { Journal } from './journal.ts';
import { partFileName, readStored, storeFile } from './parts.ts';
import { type Header, noteRecord, type PartRecord, partRecord } from './records.ts';

/** How the work began: nothing was there, it goes on, `--restart` discarded it, or it was too old. */
export type Opening = 'new' | 'resumed' | 'restarted' | 'stale';

export interface Found {
  readonly opening: Opening;
  readonly header: Header;
  /** Parts of earlier runs, checked, in order. */
  readonly parts: readonly PartRecord[];
  /** Notes of earlier runs, in order; those written behind a part that was dropped are dropped with it. */
  readonly notes: readonly JsonValue[];
  /** Parts that were lost or altered, and all behind the first such: their windows are fetched again. */
  readonly droppedParts: number;
}

export interface Content {
  /** An Arrow IPC stream. The caller does not change it until the append resolves. */
  readonly bytes: Uint8Array;
  /** Rows set aside, NDJSON. Empty is none. */
  readonly rejects?: Uint8Array;
  readonly state: JsonValue;
}

/**
 * The durable work of one run. What `append` or `note` confirmed survives a kill and a power loss; after a failure of
 * either, every later one fails in the same way, and the work on the disk is a whole prefix of what was given.
 */
export class Checkpoint {
  readonly found: Found;
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #journal: Journal;
  #nextPart: number;
  /** The last change begun. It rejects once one has failed, and with it all that are chained to it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(files: FileSystem, folder: string, journal: Journal, found: Found) {
    this.#files = files;
    this.#folder = folder;
    this.#journal = journal;
    this.found = found;
    this.#nextPart = found.parts.length;
  }

  /**
   * Adds a part. Calls may overlap: they take effect one after the other, in the order they were made.
   *
   * @throws ExportError (74, checkpoint) naming the path; the run is resumable
   */
  append(content: Content): Promise<PartRecord> {
    return this.#afterLast(async () => {
      const index = this.#nextPart;
      const rows = await this.#store(index, 'rows', content.bytes);
      const rejects =
        content.rejects === undefined || content.rejects.length === 0
          ? null
          : await this.#store(index, 'rejects', content.rejects);
      await this.#files.syncFolder(this.#folder);
      const part: PartRecord = { index, rows, rejects, state: content.state };
      await this.#journal.append(partRecord(part));
      this.#nextPart = index + 1;
      return part;
    });
  }

  /** Adds a record of the caller's own, e.g. that the walk is finished. In order with `append`. */
  note(note: JsonValue): Promise<void> {
    return this.#afterLast(() => this.#journal.append(noteRecord(note)));
  }

  /** @throws ExportError (74, checkpoint) when the file changed since it was checked or written */
  readPart(part: PartRecord): Promise<Uint8Array> {
    return readStored(this.#files, this.#folder, part.rows);
  }

  /** The rows set aside in a part, NDJSON; empty when there were none. */
  async readRejects(part: PartRecord): Promise<Uint8Array> {
    return part.rejects === null
      ? new Uint8Array()
      : readStored(this.#files, this.#folder, part.rejects);
  }

  /** Waits for what was begun and closes the journal; the work stays. */
  async close(): Promise<void> {
    await this.#last.catch(() => undefined);
    await this.#journal.close();
  }

  /** Removes the work: the snapshot is published. Only `close` may follow, unless it came before. */
  async discard(): Promise<void> {
    await this.#last.catch(() => undefined);
    await removeWork(this.#files, this.#folder);
  }

  #store(index: number, content: 'rows' | 'rejects', bytes: Uint8Array) {
    return storeFile(this.#files, this.#folder, partFileName(index, content), bytes);
  }

  #afterLast<T>(change: () => Promise<T>): Promise<T> {
    const result = this.#last.then(change);
    this.#last = result;
    return result;
  }
}
