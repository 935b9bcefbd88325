import { createHash } from 'node:crypto';
import { type BaseIndex, IdIndex } from '../jobs/id-index.ts';
import type { Instant } from '../jobs/timestamp.ts';
import { FORM } from '../json/json-scanner.ts';
import { JOB_FIELDS, type RawJob } from '../json/raw-job.ts';

/** A record that can never be a row, as it came. */
export interface SetAside {
  readonly reason: string;
  /** Where the list had it, as of the answer it came in; null when it came by a prefix of its id. */
  readonly offset: number | null;
  /** Null when it was too large to be read. */
  readonly raw: Uint8Array | null;
}

const [ID, UPDATED_AT] = [JOB_FIELDS.indexOf('id'), JOB_FIELDS.indexOf('updated_at')];

/** The jobs in hand: which there are, in which version, and what of them has not been handed out yet. */
export class Ledger {
  ids = new IdIndex();
  /** Rows that came again in a newer version. */
  duplicates = 0;
  /** Jobs whose id is there and no lower-case UUID. */
  oddIds = 0;
  /** `updated_at` of the version in hand by the number of its id, microseconds; NaN for none. */
  #updated = new Float64Array();
  readonly #setAside = new Set<string>();
  #rows: RawJob[] = [];
  #again: string[] = [];
  #aside: SetAside[] = [];

  /** Jobs in hand, those set aside included. */
  get size(): number {
    return this.ids.size + this.#setAside.size;
  }

  /**
   * Takes a row in hand, to be handed out unless the same version or a later one was taken before.
   */
  take(row: RawJob): void {
    const before = this.ids.size;
    const number = this.#numberOf(row);
    const updated = Number(row.instant(UPDATED_AT) ?? Number.NaN);
    if (this.ids.size === before) {
      const known = this.#updated[number];
      const isNewer = updated > known || (Number.isNaN(known) && !Number.isNaN(updated));
      if (known !== UNSEEN && !isNewer) return;
      if (known !== UNSEEN) {
        this.duplicates++;
        this.#again.push(idOf(row));
      }
    } else if (this.ids.isOther(number) && row.id !== undefined) this.oddIds++;
    this.#note(number, updated);
    this.#rows.push(row);
  }

  /**
   * Takes what can never be a row; the same record again is not handed out twice.
   *
   * @param known bytes by which it is known when it comes again: the record's, or the first of them
   * @returns whether it was in hand before
   */
  setAside(aside: SetAside, known: Uint8Array): boolean {
    const hash = createHash('sha256').update(known).digest('base64');
    if (this.#setAside.has(hash)) return true;
    this.#setAside.add(hash);
    this.#aside.push(aside);
    return false;
  }

  /** Begins with every row of the snapshot that a run goes on from: each is handed out once more if it is shown. */
  restoreBase({ ids, rows }: BaseIndex): void {
    this.ids = new IdIndex(ids);
    this.oddIds = ids.others.size;
    this.#updated = new Float64Array(Math.ceil(ROOM * rows)).fill(UNSEEN, 0, rows);
  }

  /** Whether no answer has shown a row of that snapshot. */
  isUnseen(row: number): boolean {
    return this.#updated[row] === UNSEEN;
  }

  /** Puts a row of an interrupted run back in hand. */
  restore(id: string, updated: Instant | null): void {
    const before = this.ids.size;
    const number = this.ids.intern(id);
    const isNew = this.ids.size > before;
    if (isNew && this.ids.isOther(number) && !id.startsWith(NO_ID)) this.oddIds++;
    this.#note(number, Number(updated ?? Number.NaN));
  }

  /** Puts a job of an interrupted run that was no row back in hand. */
  restoreRow(row: RawJob): void {
    this.restore(idOf(row), row.instant(UPDATED_AT));
  }

  /** What is known of records set aside, to be kept with a run. */
  get asideHashes(): readonly string[] {
    return [...this.#setAside];
  }

  restoreAside(hashes: readonly string[]): void {
    for (const hash of hashes) this.#setAside.add(hash);
  }

  /** Forgets all ids, once no row is to come. @returns bytes that they took */
  forget(): number {
    const bytes = this.ids.byteLength + this.#updated.byteLength;
    this.ids = new IdIndex();
    this.#updated = new Float64Array();
    return bytes;
  }

  /** What was taken since the last call. `again`: ids of the rows that were handed out before, in an older version. */
  handOut(): { rows: RawJob[]; again: string[]; setAside: SetAside[] } {
    const out = { rows: this.#rows, again: this.#again, setAside: this.#aside };
    this.#rows = [];
    this.#again = [];
    this.#aside = [];
    return out;
  }

  #numberOf(row: RawJob): number {
    const [start, end] = [row.startOf(ID) + 1, row.endOf(ID) - 1];
    const isPlainText = row.isText(ID) && row.formOf(ID) === FORM.plain && end > start;
    return isPlainText ? this.ids.internBytes(row.bytes, start, end) : this.ids.intern(idOf(row));
  }

  #note(number: number, updated: number): void {
    if (number >= this.#updated.length) {
      const grown = new Float64Array(Math.ceil(ROOM * number) + 1024);
      grown.set(this.#updated);
      this.#updated = grown;
    }
    this.#updated[number] = updated;
  }
}

/** Room for so many times the jobs that there are. */
const ROOM = 1.25;
const NO_ID = 'no id ';
/** In place of `updated_at`: only the snapshot that the run goes on from holds it. */
const UNSEEN = Number.NEGATIVE_INFINITY;

/**
 * What tells a job from every other. A record without an id (the transformer rejects it later) is told by its content,
 * so that it is counted once like any other.
 */
export function idOf(job: RawJob): string {
  return job.id ?? `${NO_ID}${createHash('sha256').update(job.toString()).digest('hex')}`;
}
