import { join } from 'node:path';
import type { Data, RecordBatch } from 'apache-arrow';
import type { Micros } from '../jobs/timestamp.ts';
import { compareKeys, type RowKey } from '../json/raw-job.ts';
import { usingFile } from '../platform/durable.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { writeFully } from '../platform/io-errors.ts';
import { PartEncoder, readPart } from '../platform/part-file.ts';
import { firstWhere } from '../platform/ranges.ts';
import { BLOCK_ROWS, Blocks, gather, inBlocks, type Rows, textBytes } from './blocks.ts';

/** Where a row belongs. */
export interface Key extends RowKey {
  readonly created: Micros;
}

/** Rows in their order, in batches that are read when they are asked for. */
export interface SortedRun {
  /** No row stands before it. */
  readonly min: Key;
  /** No row stands behind it. */
  readonly max: Key;
  /** Bytes that its largest batch takes in memory, about. */
  readonly batchBytes: number;
  batches(): AsyncIterable<RecordBatch>;
}

/** A run may have this many others beside it at one place, */
const OPEN_RUNS = 32;
/** and their batches in memory this many bytes together, unless they are only two. */
const OPEN_BYTES = 64 * 1024 * 1024;
/** Runs that were merged come in small batches, so that many more can be merged with them. */
const MERGED_BYTES = 1024 * 1024;

/** The keys of a batch that has rows. */
export class Keys {
  readonly length: number;
  readonly #created: Data;
  readonly #ids: Data;

  constructor(batch: RecordBatch) {
    this.length = batch.numRows;
    this.#created = columnOf(batch, 'created_at');
    this.#ids = columnOf(batch, 'id');
  }

  created(row: number): Micros {
    return this.#created.values[row];
  }

  id(row: number): Uint8Array {
    const { values, valueOffsets } = this.#ids;
    return values.subarray(valueOffsets[row], valueOffsets[row + 1]);
  }

  at(row: number): Key {
    return { created: this.created(row), id: this.id(row) };
  }

  /** The key of a row in bytes of its own. */
  copyAt(row: number): Key {
    return { created: this.created(row), id: this.id(row).slice() };
  }

  /** The first row from `from` on that stands not before a key. */
  notBefore(key: Key, from: number): number {
    return this.#first(from, (row) => compareKeys(this.at(row), key) >= 0);
  }

  /** The first row from `from` on that was not created before an instant. */
  notCreatedBefore(instant: Micros, from: number): number {
    return this.#first(from, (row) => this.created(row) >= instant);
  }

  /** Most searches end at once or at the end; in between by halves. */
  #first(from: number, isBehind: (row: number) => boolean): number {
    if (from === this.length || isBehind(from)) return from;
    if (!isBehind(this.length - 1)) return this.length;
    return firstWhere(from + 1, this.length - 1, isBehind);
  }
}

function columnOf(batch: RecordBatch, name: string): Data {
  const data = batch.getChild(name)?.data[0];
  if (data === undefined) throw new TypeError(`rows without a column ${name}`);
  return data;
}

/** About what a batch takes in memory. */
function memoryOf(batch: RecordBatch): number {
  return textBytes(batch.data.children, 0, batch.numRows) + 200 * batch.numRows;
}

/** The rows of a part. In memory they are only until `release`. */
export class PartRun implements SortedRun {
  readonly index: number;
  readonly min: Key;
  readonly max: Key;
  readonly batchBytes: number;
  readonly #read: () => Promise<RecordBatch>;
  #batch: RecordBatch | undefined;

  constructor(index: number, batch: RecordBatch, keys: Keys, read: () => Promise<RecordBatch>) {
    this.index = index;
    this.min = keys.copyAt(0);
    this.max = keys.copyAt(keys.length - 1);
    this.batchBytes = memoryOf(batch);
    this.#batch = batch;
    this.#read = read;
  }

  async *batches(): AsyncGenerator<RecordBatch> {
    yield this.#batch ?? (await this.#read());
  }

  release(): void {
    this.#batch = undefined;
  }
}

/**
 * The rows of some batches that are wanted, those of each as a batch of their own.
 *
 * @param isWanted is asked by the place in the batch, and by that among all rows
 */
export async function* wantedRows(
  batches: AsyncIterable<RecordBatch>,
  isWanted: (keys: Keys, row: number, place: number) => boolean,
): AsyncGenerator<RecordBatch> {
  let before = 0;
  for await (const batch of batches) {
    const keys = new Keys(batch);
    const wanted: Rows[] = [];
    for (let row = 0; row < keys.length; row++) {
      let to = row;
      while (to < keys.length && isWanted(keys, to, before + to)) to++;
      if (to > row) wanted.push({ batch, from: row, to });
      row = to;
    }
    before += keys.length;
    const isWhole = wanted[0]?.to === keys.length && wanted[0].from === 0;
    if (wanted.length > 0) yield isWhole ? batch : gather(wanted);
  }
}

/** The run without the rows that are not wanted. */
export function limited(run: SortedRun, isWanted: Parameters<typeof wantedRows>[1]): SortedRun {
  const { min, max, batchBytes } = run;
  return { min, max, batchBytes, batches: () => wantedRows(run.batches(), isWanted) };
}

/** The text of an id. */
export function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('utf8');
}

/** More runs lie over each other at one place than memory is there for. */
export class TooManyRuns extends Error {
  override readonly name = 'TooManyRuns';
}

interface Cursor {
  readonly run: SortedRun;
  readonly rest: AsyncIterator<RecordBatch>;
  batch: RecordBatch;
  keys: Keys;
  row: number;
}

/** Merges runs into one order. A run is opened when its turn comes, and closed behind its last row. */
export class Merge {
  /** By where they begin, the first last. */
  readonly #waiting: SortedRun[] = [];
  #open: Cursor[] = [];

  constructor(runs: readonly SortedRun[] = []) {
    for (const run of runs) this.add(run);
  }

  /** Adds a run, which must not reach before the rows that were handed out. */
  add(run: SortedRun): void {
    const at = this.#waiting.findLastIndex(({ min }) => compareKeys(min, run.min) > 0);
    this.#waiting.splice(at + 1, 0, run);
  }

  /**
   * The rows that were created before an instant, or all, in order.
   *
   * @throws TooManyRuns before it opens one run too many; `shallow` prevents that
   */
  async *until(limit: Micros | null): AsyncGenerator<Rows> {
    for (;;) {
      const first = this.#first();
      const waiting = this.#waiting.at(-1);
      if (waiting && (!first || compareKeys(waiting.min, first.keys.at(first.row)) <= 0)) {
        if (limit !== null && waiting.min.created >= limit) return;
        this.#waiting.pop();
        await this.#openRun(waiting);
        continue;
      }
      if (!first || (limit !== null && first.keys.created(first.row) >= limit)) return;
      const from = first.row;
      first.row = this.#endOf(first, waiting?.min, limit);
      yield { batch: first.batch, from, to: first.row };
      if (first.row === first.keys.length) await this.#advance(first);
    }
  }

  #first(): Cursor | undefined {
    let first: Cursor | undefined;
    for (const cursor of this.#open) {
      const isFirst =
        !first || compareKeys(cursor.keys.at(cursor.row), first.keys.at(first.row)) < 0;
      if (isFirst) first = cursor;
    }
    return first;
  }

  /** The end of the rows that may be handed out at once: those before every other run's next one. */
  #endOf(first: Cursor, waiting: Key | undefined, limit: Micros | null): number {
    const { keys, row } = first;
    const end = limit === null ? keys.length : keys.notCreatedBefore(limit, row);
    let next = waiting;
    for (const other of this.#open) {
      if (other === first) continue;
      const key = other.keys.at(other.row);
      if (next === undefined || compareKeys(key, next) < 0) next = key;
    }
    return Math.max(row + 1, next === undefined ? end : Math.min(end, keys.notBefore(next, row)));
  }

  async #openRun(run: SortedRun): Promise<void> {
    if (isTooDeep([...this.#open.map((cursor) => cursor.run), run])) throw new TooManyRuns();
    const rest = run.batches()[Symbol.asyncIterator]();
    const { done, value } = await rest.next();
    if (!done) this.#open.push({ run, rest, batch: value, keys: new Keys(value), row: 0 });
  }

  async #advance(cursor: Cursor): Promise<void> {
    const { done, value } = await cursor.rest.next();
    if (done) this.#open = this.#open.filter((open) => open !== cursor);
    else Object.assign(cursor, { batch: value, keys: new Keys(value), row: 0 });
  }
}

function isTooDeep(runs: readonly SortedRun[]): boolean {
  const bytes = runs.reduce((sum, { batchBytes }) => sum + batchBytes, 0);
  return runs.length > OPEN_RUNS || (runs.length > 2 && bytes > OPEN_BYTES);
}

/**
 * The same rows in runs that `Merge` can open: where too many lie over each other, all are merged into longer ones in
 * files of their own, again and again.
 */
export async function shallow(
  runs: readonly SortedRun[],
  files: FileSystem,
  folder: string,
): Promise<readonly SortedRun[]> {
  let current = runs.toSorted((a, b) => compareKeys(a.min, b.min));
  for (let round = 0; isDeep(current); round++) {
    const merged: SortedRun[] = [];
    for (const [at, group] of groupsOf(current).entries())
      merged.push(await stored(group, files, join(folder, `merged-${round}-${at}`)));
    current = merged;
  }
  return current;
}

/** Whether more of these runs, which come by where they begin, lie over each other than can be open. */
function isDeep(runs: readonly SortedRun[]): boolean {
  let beside: SortedRun[] = [];
  return runs.some((run) => {
    beside = [...beside.filter(({ max }) => compareKeys(max, run.min) >= 0), run];
    return isTooDeep(beside);
  });
}

/** As many at a time as can be open together; two at least. */
function groupsOf(runs: readonly SortedRun[]): SortedRun[][] {
  const groups: SortedRun[][] = [];
  for (const run of runs) {
    const group = groups.at(-1);
    if (group === undefined || isTooDeep([...group, run])) groups.push([run]);
    else group.push(run);
  }
  return groups;
}

/** Merges runs into one, unless it is only one. */
async function stored(runs: SortedRun[], files: FileSystem, path: string): Promise<SortedRun> {
  if (runs.length === 1) return runs[0];
  const spill = new Spill(files, path);
  for await (const rows of new Merge(runs).until(null)) await spill.add(rows);
  await spill.end();
  return { ...span(runs), batchBytes: spill.batchBytes, batches: () => spill.batches() };
}

/** Where the first row of some runs may stand, and the last. */
function span(runs: readonly SortedRun[]): Pick<SortedRun, 'min' | 'max'> {
  return {
    min: runs.map(({ min }) => min).reduce((a, b) => (compareKeys(a, b) <= 0 ? a : b)),
    max: runs.map(({ max }) => max).reduce((a, b) => (compareKeys(a, b) >= 0 ? a : b)),
  };
}

/** Runs that `Merge` can open as one, which is merged as it is read. */
export function joined(runs: readonly SortedRun[]): SortedRun {
  return {
    ...span(runs),
    batchBytes: MERGED_BYTES + 200 * BLOCK_ROWS,
    batches: () => inBlocks(new Merge(runs).until(null), MERGED_BYTES),
  };
}

/** Rows that wait on the disk, in small batches, each in a file of its own. */
export class Spill {
  /** Bytes that its largest batch takes in memory, about. */
  batchBytes = 0;
  readonly #files: FileSystem;
  readonly #path: string;
  readonly #blocks = new Blocks(MERGED_BYTES);
  #encoder: PartEncoder | undefined;
  #count = 0;

  /** @param path what the names of the files start with */
  constructor(files: FileSystem, path: string) {
    this.#files = files;
    this.#path = path;
  }

  async add(rows: Rows): Promise<void> {
    for (const block of this.#blocks.add(rows)) await this.#write(block);
  }

  /** To be called before the rows are read. */
  async end(): Promise<void> {
    for (const block of this.#blocks.rest()) await this.#write(block);
  }

  async *batches(): AsyncGenerator<RecordBatch> {
    for (let at = 0; at < this.#count; at++)
      yield (await readPart(this.#files, `${this.#path}-${at}`, 'load')).batch;
  }

  async #write(batch: RecordBatch): Promise<void> {
    this.#encoder ??= new PartEncoder(batch.schema);
    this.batchBytes = Math.max(this.batchBytes, memoryOf(batch));
    const rest = { rejects: new Uint8Array(), again: [], settled: null, state: null };
    const bytes = this.#encoder.encode({ batch, ...rest });
    await usingFile(await this.#files.open(`${this.#path}-${this.#count++}`, 'create'), (file) =>
      writeFully(file, bytes),
    );
  }
}
