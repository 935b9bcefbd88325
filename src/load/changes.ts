import { type Data, DataType, makeData, type RecordBatch, type Schema, Utf8 } from 'apache-arrow';
import { changesSchema } from '../jobs/arrow-schema.ts';
import { CHANGE_COLUMNS, FINAL_STATUSES } from '../jobs/columns.ts';
import { IdIndex } from '../jobs/id-index.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { compareKeys } from '../json/raw-job.ts';
import { Blocks, gatherColumns, type Piece, type Rows } from './blocks.ts';
import { isValid } from './encoder.ts';
import { type Key, Keys, type Spill, textOf } from './runs.ts';

/** How many rows `changes.*` has. */
export interface ChangeCounts {
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
  /** Those of them that failed since: the status before was another one, or none. */
  readonly failed: number;
}

/** What a comparison of all rows finds that an incremental run takes on trust. */
export interface Audit {
  /** Rows that were final, and differ now. */
  readonly changed: number;
  /** Rows that are new, and were created when they should have been seen long ago. */
  readonly late: number;
}

const KINDS = ['created', 'updated', 'deleted'] as const;
type Kind = (typeof KINDS)[number];

const FAILED: ReadonlySet<string> = new Set(['ERROR', 'TIMED_OUT']);

/** Rows that became something: their columns are those of the table, in its order. */
interface Change {
  readonly kind: Kind;
  readonly columns: readonly Data[];
  readonly from: number;
  readonly to: number;
  /** Their statuses before; undefined for those that were not there. */
  readonly previous: Piece | undefined;
}

interface Cursor {
  readonly batch: RecordBatch;
  readonly keys: Keys;
  row: number;
}

/**
 * Compares the rows of a table with those of an earlier one, both in order, side by side. What differs waits on the
 * disk until all is known: a row that stands at another place, because its `created_at` is another, is `updated`, and
 * only at the end it is known not to be `deleted` and `created`.
 */
export class Changes {
  /** Of `changes.*`. */
  readonly schema: Schema;
  /** Where the first row belongs that differs. */
  first: Key | undefined;
  /** What has been counted when all blocks have been handed out. */
  readonly counts = { created: 0, updated: 0, deleted: 0, failed: 0 } satisfies ChangeCounts;
  readonly audit = { changed: 0, late: 0 } satisfies Audit;
  readonly #base: AsyncIterator<RecordBatch>;
  readonly #spill: Spill;
  readonly #status: number;
  #cursor: Cursor | undefined;
  #isBaseRead = false;
  #held: Change[] = [];
  /** Ids of rows that are in one of the tables only, at their place. */
  readonly #loose = new IdIndex();
  /** Those that are loose in both. */
  readonly #twice = new Set<string>();

  constructor(base: AsyncIterable<RecordBatch>, table: Schema, spill: Spill) {
    this.schema = changesSchema(table);
    this.#base = base[Symbol.asyncIterator]();
    this.#spill = spill;
    this.#status = table.fields.findIndex(({ name }) => name === 'status');
  }

  /** Takes the next rows of the table. */
  async add({ batch, from, to }: Rows): Promise<void> {
    const keys = new Keys(batch);
    for (let row = from; row < to; ) {
      const base = await this.#peek();
      const order = base && compareKeys(base.keys.at(base.row), keys.at(row));
      if (base === undefined || order === 1) {
        const end = base ? Math.min(to, keys.notBefore(base.keys.at(base.row), row)) : to;
        this.#addLoose('created', { batch, from: row, to: end });
        row = end;
      } else if (order === -1) this.#addDeleted(base, base.keys.notBefore(keys.at(row), base.row));
      else {
        const end = row + sameKeys(base, keys, row, to);
        this.#compare({ batch, from: row, to: end }, { batch: base.batch, from: base.row });
        base.row += end - row;
        row = end;
      }
    }
    await this.#flush();
  }

  /** To be called when the table has no more rows. */
  async end(): Promise<void> {
    for (let base = await this.#peek(); base !== undefined; base = await this.#peek())
      this.#addDeleted(base, base.keys.length);
    await this.#flush();
    await this.#spill.end();
  }

  /**
   * Hands out the blocks of `changes.*`, in order, and counts them. To be called once, after `end`.
   *
   * @param lateBefore a row that was created before this instant should have been in the earlier table
   */
  async *blocks(lateBefore: Micros): AsyncGenerator<RecordBatch> {
    const { counts, audit } = this;
    const blocks = new Blocks();
    for await (const batch of this.#settled()) {
      for (const { kind, previous, status, created } of this.#rowsOf(batch)) {
        counts[kind]++;
        if (FAILED.has(status ?? '') && !FAILED.has(previous ?? '')) counts.failed++;
        if (kind === 'updated' && FINAL_STATUSES.has(previous ?? '')) audit.changed++;
        if (kind === 'created' && created < lateBefore) audit.late++;
      }
      yield* blocks.add({ batch, from: 0, to: batch.numRows });
    }
    yield* blocks.rest();
  }

  /** Leaves the base. */
  async close(): Promise<void> {
    await this.#base.return?.();
  }

  /** The place up to which the base is compared; undefined behind its last row. */
  async #peek(): Promise<Cursor | undefined> {
    while (!this.#isBaseRead && (!this.#cursor || this.#cursor.row === this.#cursor.keys.length)) {
      // What is held holds the batch that it is of.
      await this.#flush();
      const { done, value } = await this.#base.next();
      this.#isBaseRead = done === true;
      this.#cursor = done ? undefined : { batch: value, keys: new Keys(value), row: 0 };
    }
    return this.#cursor;
  }

  #addDeleted(base: Cursor, end: number): void {
    this.#addLoose('deleted', { batch: base.batch, from: base.row, to: end });
    base.row = end;
  }

  #addLoose(kind: 'created' | 'deleted', { batch, from, to }: Rows): void {
    const columns = batch.data.children;
    const keys = new Keys(batch);
    this.first ??= keys.copyAt(from);
    for (let row = from; row < to; row++) {
      const [id, { size }] = [keys.id(row), this.#loose];
      if (this.#loose.internBytes(id) < size) this.#twice.add(textOf(id));
    }
    const previous = kind === 'created' ? undefined : { data: columns[this.#status], from, to };
    this.#held.push({ kind, columns, from, to, previous });
  }

  /** Compares rows of the same keys: all at once, and where they differ by halves. */
  #compare({ batch, from, to }: Rows, base: Omit<Rows, 'to'>): void {
    const [columns, others] = [batch.data.children, base.batch.data.children];
    if (columns.every((column, i) => areSame(column, from, others[i], base.from, to - from)))
      return;
    if (to - from > 1) {
      const half = (to - from) >> 1;
      this.#compare({ batch, from, to: from + half }, base);
      this.#compare({ batch, from: from + half, to }, { ...base, from: base.from + half });
      return;
    }
    this.first ??= new Keys(batch).copyAt(from);
    const previous = { data: others[this.#status], from: base.from, to: base.from + 1 };
    this.#held.push({ kind: 'updated', columns, from, to, previous });
  }

  async #flush(): Promise<void> {
    if (this.#held.length === 0) return;
    const batch = this.#gather(this.#held);
    this.#held = [];
    await this.#spill.add({ batch, from: 0, to: batch.numRows });
  }

  #gather(changes: readonly Change[]): RecordBatch {
    const each = (piece: Piece, { from, to }: Change): Piece[] => Array(to - from).fill(piece);
    return gatherColumns(this.schema, [
      changes.flatMap((change) => each(KIND[change.kind], change)),
      changes.flatMap((change) => change.previous ?? each(NONE, change)),
      ...this.schema.fields
        .slice(CHANGE_COLUMNS.length)
        .map((_, i) => changes.map(({ columns, from, to }) => ({ data: columns[i], from, to }))),
    ]);
  }

  /** What differs, with those rows in one that only stand at another place. */
  async *#settled(): AsyncGenerator<RecordBatch> {
    const moved = await this.#moved();
    for await (const batch of this.#spill.batches()) {
      if (moved.size === 0) {
        yield batch;
        continue;
      }
      const columns = batch.data.children.slice(CHANGE_COLUMNS.length);
      const changes: Change[] = [];
      for (const { row: from, kind, id } of this.#rowsOf(batch)) {
        const to = from + 1;
        const before = kind === 'updated' ? undefined : moved.get(textOf(id));
        const previous = before ?? { data: batch.data.children[1], from, to };
        if (before && kind === 'deleted') continue;
        changes.push({ kind: before ? 'updated' : kind, columns, from, to, previous });
      }
      if (changes.length > 0) yield this.#gather(changes);
    }
  }

  /** The statuses before of the rows that stand at another place, by id. */
  async #moved(): Promise<ReadonlyMap<string, Piece>> {
    const gone = new Map<string, Piece>();
    if (this.#twice.size === 0) return gone;
    const come = new Set<string>();
    for await (const batch of this.#spill.batches()) {
      for (const { kind, previous, ...row } of this.#rowsOf(batch)) {
        const id = textOf(row.id);
        if (!this.#twice.has(id)) continue;
        if (kind === 'created') come.add(id);
        else if (kind === 'deleted') gone.set(id, only(previous));
      }
    }
    for (const id of gone.keys()) if (!come.has(id)) gone.delete(id);
    return gone;
  }

  /** What each row of a batch of changes is, and what it was. */
  *#rowsOf(batch: RecordBatch) {
    const keys = new Keys(batch);
    const texts = [0, 1, CHANGE_COLUMNS.length + this.#status].map((i) => batch.getChildAt(i));
    for (let row = 0; row < keys.length; row++) {
      const [name, previous, status]: (string | null)[] = texts.map((column) => column?.get(row));
      const kind = KINDS.find((known) => known === name);
      if (kind === undefined) throw new TypeError(`no kind of change: ${name}`);
      yield { row, kind, previous, status, id: keys.id(row), created: keys.created(row) };
    }
  }
}

/** A text, or none, as the only value of a column. */
function only(text: string | null): Piece {
  const data = Buffer.from(text ?? '');
  const nullBitmap = Uint8Array.of(text === null ? 0 : 1);
  const valueOffsets = Int32Array.of(0, data.length);
  const column = makeData({ type: new Utf8(), length: 1, nullBitmap, valueOffsets, data });
  return { data: column, from: 0, to: 1 };
}

const NONE = only(null);
const KIND: Readonly<Record<Kind, Piece>> = {
  created: only('created'),
  updated: only('updated'),
  deleted: only('deleted'),
};

/** How many rows from here on have the same keys in both tables. */
function sameKeys(base: Cursor, keys: Keys, from: number, to: number): number {
  const most = Math.min(to - from, base.keys.length - base.row);
  let length = 1;
  while (
    length < most &&
    compareKeys(base.keys.at(base.row + length), keys.at(from + length)) === 0
  )
    length++;
  return length;
}

/** Whether rows of two columns of a type have the same values. Under nulls both have zeros. */
function areSame(a: Data, i: number, b: Data, j: number, length: number): boolean {
  const agree = (of: (data: Data, row: number) => unknown): boolean => {
    for (let row = 0; row < length; row++) if (of(a, i + row) !== of(b, j + row)) return false;
    return true;
  };
  if ((a.nullCount > 0 || b.nullCount > 0) && !agree(isValid)) return false;
  if (DataType.isBool(a.type)) return agree(bit);
  const [offsets, others]: (Int32Array | undefined)[] = [a.valueOffsets, b.valueOffsets];
  if (offsets === undefined || others === undefined)
    return Buffer.compare(bytesOf(a, i, length), bytesOf(b, j, length)) === 0;
  const [from, other] = [offsets[i], others[j]];
  for (let row = 1; row <= length; row++)
    if (offsets[i + row] - from !== others[j + row] - other) return false;
  const values = offsets[i + length] - from;
  if (a.children.length > 0) return areSame(a.children[0], from, b.children[0], other, values);
  return Buffer.compare(bytesOf(a, from, values), bytesOf(b, other, values)) === 0;
}

function bit({ values }: Data, row: number): number {
  return (values[row >> 3] >> (row & 7)) & 1;
}

/** The bytes of some values: numbers, or the bytes of texts. */
function bytesOf({ values }: Data, from: number, length: number): Uint8Array {
  const { buffer, byteOffset, BYTES_PER_ELEMENT: width }: Uint8Array | BigInt64Array = values;
  return new Uint8Array(buffer, byteOffset + from * width, length * width);
}
