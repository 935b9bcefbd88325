import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import { CHANGES_PREFIX } from '../jobs/columns.ts';
import type { PublishedFile } from '../jobs/manifest.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { compareKeys } from '../json/raw-job.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors, openFilesError } from '../platform/io-errors.ts';
import { type Part, partName, readPart } from '../platform/part-file.ts';
import { type Base, findPrefix, KnownRows, openBase, rowsOf } from './base.ts';
import { Blocks, type Rows } from './blocks.ts';
import { type Audit, type ChangeCounts, Changes } from './changes.ts';
import { columnsOf } from './encoder.ts';
import { LOAD_SQL, loadSql } from './load-sql.ts';
import { type Known, type Table, TableFiles, writeFile } from './output.ts';
import { increase, Rejects } from './rejects.ts';
import {
  joined,
  type Key,
  Keys,
  limited,
  Merge,
  PartRun,
  type SortedRun,
  Spill,
  shallow,
  TooManyRuns,
  textOf,
} from './runs.ts';

export interface LoadTask {
  /** The folder of the parts. Runs that must be merged beforehand are kept there too. */
  readonly work: string;
  /** The folder of the files to make. */
  readonly staging: string;
  readonly formats: readonly Format[];
  readonly compression?: Compression | undefined;
  readonly base?: Base | undefined;
  /** Whether to make the files of what changed since the base, if there is one. */
  readonly changes: boolean;
}

/** What the parts hold: all rows, or what is to be changed in the base, the ids given being gone from it. */
export type Ending = { readonly full: true } | { readonly gone: readonly string[] };

/** What came of the parts. */
export interface Loaded {
  /** The jobs in the order of the formats, the changes likewise, then `load.sql`; the rejects last, if there are any. */
  readonly files: readonly PublishedFile[];
  readonly rows: number;
  /** sha256 of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  /** How many rows carry each anomaly, by name. */
  readonly anomalies: Readonly<Record<string, number>>;
  /** Records set aside, by reason. */
  readonly rejects: Readonly<Record<string, number>>;
  /** Rows of `changes.*`, where these were made. */
  readonly changes?: ChangeCounts;
  /** Given when the parts held all rows and there was a base to compare them with. */
  readonly audit?: Audit;
}

/** The version of a job that counts: the last in time, the last handed out where that is the same. */
interface Version {
  readonly updatedAt: Micros | null;
  readonly part: number;
  /** -1: it was set aside. */
  readonly row: number;
}

/** What is written of the files so far. */
interface Draft {
  readonly table: TableFiles;
  readonly blocks: Blocks;
  readonly anomalies: Map<string, number>;
  /** What all rows are compared by with those of the base. */
  readonly changes: Changes | undefined;
}

/**
 * Makes the data files of all formats from parts, whose rows it brings into one order: by `created_at`, then `id`. The
 * same rows make the same bytes, whichever parts they came in. Rows that are settled are written at once. When a row
 * turns up behind what is written, or a job for the second time, writing stops, and the files are made anew at the end.
 * Where the parts may hold only what changed since a base, nothing is written before the end.
 */
export class Loader {
  readonly #task: LoadTask;
  readonly #files: FileSystem;
  /** Ids that came more than once. */
  readonly #again = new Set<string>();
  readonly #runs: PartRun[] = [];
  readonly #merge = new Merge();
  readonly #rejects = new Rejects();
  /** Those of the base to go on from. */
  readonly #baseRows: KnownRows | undefined;
  #spills = 0;
  #schema: Schema | undefined;
  #draft: Draft | undefined;
  #written: Key | undefined;
  #isInOrder = true;

  constructor(task: LoadTask, files: FileSystem) {
    this.#task = task;
    this.#files = explainIoErrors(files, 'load', 'work');
    this.#baseRows = task.base?.index && new KnownRows(task.base.index);
  }

  /**
   * Takes the next part, which is durable. Calls do not overlap and come in the order of the parts.
   *
   * @throws ExportError (load): 74 on I/O errors or when the part was altered, 65 when the data cannot be written
   */
  part(index: number): Promise<void> {
    return explained(async () => {
      const { batch, rejects, again, settled } = await this.#read(index);
      this.#schema ??= batch.schema;
      for (const id of this.#rejects.add(index, rejects)) this.#baseRows?.touch(Buffer.from(id));
      for (const id of again) this.#again.add(id);
      if (batch.numRows > 0) this.#takeRows(index, batch);
      if (this.#again.size > 0) this.#isInOrder = false;
      if (settled !== null && this.#isInOrder && !this.#baseRows) await this.#attempt(settled);
      this.#runs.at(-1)?.release();
    });
  }

  /** Ends the files, durable and checked. No call may follow but `close`. */
  finish(ending: Ending): Promise<Loaded> {
    return explained(async () => {
      const changes = 'gone' in ending ? await this.#goOn(ending.gone) : await this.#writeWhole();
      const { table, anomalies } = await this.#opened();
      const { files, rows, idChecksum } = await table.finish();
      this.#draft = undefined;
      const { staging } = this.#task;
      const differences = changes && (await this.#writeChanges(changes));
      files.push(...(differences ?? []));
      const sql = loadSql(files, this.#schema === undefined ? [] : columnsOf(this.#schema));
      const script = { name: LOAD_SQL, format: 'sql', rows };
      if (sql) files.push(await writeFile(this.#files, staging, script, Buffer.from(sql)));
      const rejects = this.#rejects.reasons();
      if (rejects.size > 0) files.push(await this.#rejects.write(this.#files, staging));
      return {
        files,
        rows,
        idChecksum,
        anomalies: sorted(anomalies),
        rejects: sorted(rejects),
        ...(changes && differences && { changes: changes.counts }),
        ...(changes && 'full' in ending && { audit: changes.audit }),
      };
    });
  }

  /** Ends what is under way, whatever its state; for good. Never fails. */
  async close(): Promise<void> {
    const draft = this.#draft;
    this.#draft = undefined;
    await draft?.table.close();
    await draft?.changes?.close().catch(() => undefined);
  }

  #read(index: number): Promise<Part> {
    return readPart(this.#files, join(this.#task.work, partName(index)), 'load');
  }

  #takeRows(index: number, batch: RecordBatch): void {
    const keys = new Keys(batch);
    for (let row = 0; this.#baseRows && row < keys.length; row++)
      this.#baseRows.touch(keys.id(row));
    const run = new PartRun(index, batch, keys, async () => (await this.#read(index)).batch);
    this.#runs.push(run);
    this.#merge.add(run);
    if (this.#written && compareKeys(run.min, this.#written) <= 0) this.#isInOrder = false;
  }

  /** Writes the rows that were created before an instant, or all, as long as every row comes in its place. */
  async #attempt(limit: Micros | null): Promise<void> {
    try {
      await this.#write(this.#merge, limit);
    } catch (error) {
      if (!(error instanceof TooManyRuns)) throw error;
      this.#isInOrder = false;
    }
  }

  async #write(merge: Merge, limit: Micros | null): Promise<void> {
    let last: Rows | undefined;
    for await (const rows of merge.until(limit)) {
      last = rows;
      const { blocks } = await this.#opened();
      for (const block of blocks.add(rows)) await this.#encode(block);
    }
    if (last) this.#written = new Keys(last.batch).copyAt(last.to - 1);
    if (limit !== null) return;
    for (const block of (await this.#opened()).blocks.rest()) await this.#encode(block);
  }

  /** Writes all rows, which the parts hold. @returns how they differ from those of the base, if there is one */
  async #writeWhole(): Promise<Changes | undefined> {
    if (this.#isInOrder) await this.#attempt(null);
    if (!this.#isInOrder) {
      const paths = this.#draft?.table.paths ?? [];
      await this.close();
      for (const path of paths) await this.#files.remove(path);
      await this.#write(new Merge(await this.#counting()), null);
    }
    const { changes } = await this.#opened();
    await changes?.end();
    return changes;
  }

  /**
   * Writes the rows of the base, with those of the parts in their place. Up to the first that differs the files are
   * copies of those of the base. @returns how the rows differ from those of the base
   */
  async #goOn(gone: readonly string[]): Promise<Changes> {
    const { base } = this.#task;
    const rows = this.#baseRows;
    if (base === undefined || rows === undefined) throw new Error('no base to go on from');
    for (const id of gone) rows.touch(Buffer.from(id));
    const runs = await this.#counting();
    const newer = runs.length === 0 ? undefined : joined(runs);
    const file = await openBase(base, this.#columns());
    try {
      const changes = new Changes(rows.touched(file), this.#columns(), this.#spill());
      for await (const batch of newer?.batches() ?? [])
        await changes.add({ batch, from: 0, to: batch.numRows });
      await changes.end();
      const differs = changes.first ? rows.rowsBefore(changes.first) : file.rows;
      const prefix = await findPrefix(base, this.#table('jobs', this.#columns()), differs);
      const known = { ids: rows.checksum(prefix.rows), copies: prefix.copies };
      const { table, anomalies } = await this.#opened(known);
      for (const [kind, count] of Object.entries(base.anomalies)) increase(anomalies, kind, count);
      const { rows: first } = table;
      const merge = new Merge();
      const isShown = (batch: RecordBatch): void => count(anomalies, batch, -1);
      if (first < file.rows) merge.add(rows.rest(file, first, isShown));
      const last = first > 0 ? rows.keyAt(first - 1) : undefined;
      const isBehind = (keys: Keys, row: number) => !last || compareKeys(keys.at(row), last) > 0;
      if (newer) merge.add(limited(newer, isBehind));
      await this.#write(merge, null);
      return changes;
    } finally {
      await file.close();
    }
  }

  /** Counts what changed, and makes the files of it if they are wanted. */
  async #writeChanges(changes: Changes): Promise<PublishedFile[] | undefined> {
    const { base, changes: areWanted } = this.#task;
    const described = this.#table('changes', changes.schema);
    const table = areWanted ? await TableFiles.open(this.#files, described) : undefined;
    try {
      for await (const block of changes.blocks(base?.lateBefore ?? 0n)) await table?.write(block);
      const finished = await table?.finish();
      return finished?.files.map((file) => ({ ...file, format: CHANGES_PREFIX + file.format }));
    } catch (error) {
      await table?.close();
      throw error;
    }
  }

  /** The rows of the parts, of every job the version that counts, in runs that can be merged. */
  async #counting(): Promise<readonly SortedRun[]> {
    const versions = await this.#versions();
    const counts = (id: string, part: number, row: number): boolean => {
      const version = versions.get(id);
      return version === undefined || (version.part === part && version.row === row);
    };
    this.#rejects.keep((id, part) => counts(id, part, -1));
    const isCounted = (index: number) => (keys: Keys, row: number) =>
      counts(textOf(keys.id(row)), index, row);
    const runs = this.#runs.map((run) =>
      versions.size === 0 ? run : limited(run, isCounted(run.index)),
    );
    return shallow(runs, this.#files, this.#task.work);
  }

  /** Of each job that came more than once, the version that counts. */
  async #versions(): Promise<ReadonlyMap<string, Version>> {
    const versions = new Map<string, Version>();
    if (this.#again.size === 0) return versions;
    const compete = (id: string, version: Version): void => {
      if (!this.#again.has(id)) return;
      const known = versions.get(id);
      if (known === undefined || !isOlder(version, known)) versions.set(id, version);
    };
    for (const { id, updatedAt, part } of this.#rejects.jobs())
      compete(id, { updatedAt, part, row: -1 });
    for (const run of this.#runs) {
      for await (const batch of run.batches()) {
        const updated = batch.getChild('updated_at')?.data[0];
        const keys = new Keys(batch);
        for (let row = 0; row < keys.length; row++) {
          const updatedAt = updated?.getValid(row) ? updated.values[row] : null;
          compete(textOf(keys.id(row)), { updatedAt, part: run.index, row });
        }
      }
    }
    return versions;
  }

  /** @param known rows that come first */
  async #opened(known?: Known): Promise<Draft> {
    if (this.#draft !== undefined) return this.#draft;
    const schema = this.#columns();
    const table = await TableFiles.open(this.#files, this.#table('jobs', schema), known);
    const { base } = this.#task;
    this.#draft = {
      table,
      blocks: new Blocks(),
      anomalies: new Map(),
      changes:
        base && !known ? new Changes(rowsOf(base, schema), schema, this.#spill()) : undefined,
    };
    return this.#draft;
  }

  #columns(): Schema {
    if (this.#schema === undefined) throw new Error('files without a part to make them from');
    return this.#schema;
  }

  #table(name: string, schema: Schema): Table {
    const { staging: folder, formats, compression } = this.#task;
    return { name, schema, folder, formats, compression };
  }

  #spill(): Spill {
    return new Spill(this.#files, join(this.#task.work, `changes-${this.#spills++}`));
  }

  async #encode(block: RecordBatch): Promise<void> {
    const { table, anomalies, changes } = await this.#opened();
    count(anomalies, block);
    await changes?.add({ batch: block, from: 0, to: block.numRows });
    await table.write(block);
  }
}

/** Counts the anomalies of rows, or takes them away. */
function count(anomalies: Map<string, number>, rows: RecordBatch, by = 1): void {
  const flags = rows.getChild('anomalies')?.data[0];
  if (flags === undefined || flags.children[0].length === 0) return;
  for (const kinds of rows.getChild('anomalies') ?? [])
    for (const kind of kinds ?? []) increase(anomalies, kind, by);
}

function isOlder(version: Version, than: Version): boolean {
  if (version.updatedAt === than.updatedAt) return version.part < than.part;
  return (
    version.updatedAt === null || (than.updatedAt !== null && version.updatedAt < than.updatedAt)
  );
}

/** In the order of the names, so that equal data make equal manifests. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  const some = [...counts].filter(([, count]) => count > 0);
  return Object.fromEntries(some.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Some libraries throw strings: whatever is thrown leaves here as an `ExportError`. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const known = openFilesError(thrown, 'load');
    if (known instanceof ExportError) throw known;
    throw new ExportError(`encoding the files failed: ${messageOf(thrown)}`, {
      exitCode: EXIT.bug,
      stage: 'load',
      cause: thrown,
    });
  }
}
