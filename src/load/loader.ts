import { join } from 'node:path';
import type { RecordBatch, Schema } from 'apache-arrow';
import type { FileContents, WrittenFile } from '../jobs/file-contents.ts';
import type { Compression, Format } from '../jobs/pipeline.ts';
import type { Micros } from '../jobs/timestamp.ts';
import { compareKeys } from '../json/raw-job.ts';
import { EXIT, ExportError, messageOf } from '../platform/errors.ts';
import type { FileSystem } from '../platform/file-system.ts';
import { explainIoErrors, openFilesError } from '../platform/io-errors.ts';
import { type Part, partName, readPart } from '../platform/part-file.ts';
import { arrow } from './arrow.ts';
import { Blocks, gather, type Rows } from './blocks.ts';
import { IdChecksum } from './check-file.ts';
import { columnsOf, type LoaderDefinition } from './encoder.ts';
import { IdSet } from './id-set.ts';
import { LOAD_SQL, loadSql } from './load-sql.ts';
import { ndjson } from './ndjson.ts';
import { type Output, openOutput, writeFile } from './output.ts';
import { parquet } from './parquet.ts';
import { increase, Rejects } from './rejects.ts';
import { type Key, Keys, Merge, memoryOf, type SortedRun, shallow, TooManyRuns } from './runs.ts';

/** A loader a format. Naming one is cheap: the libraries behind it are loaded when a file is opened. */
export const LOADERS: Readonly<Record<Format, LoaderDefinition>> = { parquet, arrow, ndjson };

export interface LoadTask {
  /** The folder of the parts. Runs that must be merged beforehand are kept there too. */
  readonly work: string;
  /** The folder of the files to make. */
  readonly staging: string;
  readonly formats: readonly Format[];
  readonly compression?: Compression | undefined;
}

/** What came of the parts. */
export interface Loaded {
  /** In the order of the formats, then `load.sql`; the rejects last, if there are any. */
  readonly files: readonly WrittenFile[];
  readonly rows: number;
  /** sha256 of the ids in file order, each followed by a newline. */
  readonly idChecksum: string;
  /** How many rows carry each anomaly, by name. */
  readonly anomalies: Readonly<Record<string, number>>;
  /** Records set aside, by reason. */
  readonly rejects: Readonly<Record<string, number>>;
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
  readonly outputs: readonly Output[];
  readonly blocks: Blocks;
  readonly checksum: IdChecksum;
  readonly anomalies: Map<string, number>;
}

/**
 * Makes the data files of all formats from parts, whose rows it brings into one order: by `created_at`, then `id`. The
 * same rows make the same bytes, whichever parts they came in. Rows that are settled are written at once. When a row
 * turns up behind what is written, or a job for the second time, writing stops, and the files are made anew at the end.
 */
export class Loader {
  readonly #task: LoadTask;
  readonly #files: FileSystem;
  readonly #ids = new IdSet();
  /** Ids that came more than once. */
  readonly #again = new Set<string>();
  readonly #runs: PartRun[] = [];
  readonly #merge = new Merge();
  readonly #rejects = new Rejects();
  #schema: Schema | undefined;
  #draft: Draft | undefined;
  #written: Key | undefined;
  #isInOrder = true;

  constructor(task: LoadTask, files: FileSystem) {
    this.#task = task;
    this.#files = explainIoErrors(files, 'load', 'work');
  }

  /**
   * Takes the next part, which is durable. Calls do not overlap and come in the order of the parts.
   *
   * @throws ExportError (load): 74 on I/O errors or when the part was altered, 65 when the data cannot be written
   */
  part(index: number): Promise<void> {
    return explained(async () => {
      const { batch, rejects, settled } = await this.#read(index);
      this.#schema ??= batch.schema;
      for (const id of this.#rejects.add(index, rejects)) this.#note(Buffer.from(id));
      if (this.#again.size > 0) this.#isInOrder = false;
      if (batch.numRows > 0) this.#takeRows(index, batch);
      if (this.#isInOrder) await this.#attempt(settled);
      this.#runs.at(-1)?.release();
    });
  }

  /** Ends the files, durable and checked. No call may follow but `close`. */
  finish(): Promise<Loaded> {
    return explained(async () => {
      if (this.#isInOrder) await this.#attempt(null, true);
      if (!this.#isInOrder) await this.#writeAnew();
      const { outputs, blocks, checksum, anomalies } = await this.#opened();
      for (const block of blocks.rest()) await this.#encode(block);
      for (const output of outputs) await output.end();
      const { rows } = checksum;
      const idChecksum = checksum.hex();
      const files: WrittenFile[] = [];
      const finishing = outputs.map((output) => output.finish(rows));
      await Promise.allSettled(finishing);
      for (const finished of finishing) {
        const { file, contents } = await finished;
        this.#compare(file.name, contents, rows, idChecksum);
        files.push(file);
      }
      this.#draft = undefined;
      const { staging } = this.#task;
      const sql = loadSql(files, this.#schema === undefined ? [] : columnsOf(this.#schema));
      const script = { name: LOAD_SQL, format: 'sql', rows };
      if (sql) files.push(await writeFile(this.#files, staging, script, [Buffer.from(sql)]));
      const rejects = this.#rejects.reasons();
      if (rejects.size > 0) files.push(await this.#rejects.write(this.#files, staging));
      return { files, rows, idChecksum, anomalies: sorted(anomalies), rejects: sorted(rejects) };
    });
  }

  /** Ends what is under way, whatever its state; for good. Never fails. */
  async close(): Promise<void> {
    const outputs = this.#draft?.outputs ?? [];
    this.#draft = undefined;
    for (const output of outputs) await output.close();
  }

  #read(index: number): Promise<Part> {
    return readPart(this.#files, join(this.#task.work, partName(index)), 'load');
  }

  #takeRows(index: number, batch: RecordBatch): void {
    const keys = new Keys(batch);
    for (let row = 0; row < keys.length; row++) this.#note(keys.id(row));
    const run = new PartRun(index, batch, keys, async () => (await this.#read(index)).batch);
    this.#runs.push(run);
    if (!this.#isInOrder) return;
    this.#merge.add(run);
    const isLate = this.#written !== undefined && compareKeys(run.min, this.#written) <= 0;
    if (isLate || this.#again.size > 0) this.#isInOrder = false;
  }

  #note(id: Uint8Array): void {
    if (!this.#ids.add(id)) this.#again.add(Buffer.from(id).toString('utf8'));
  }

  /** Writes the rows that are settled, as long as every row comes in its place. */
  async #attempt(settled: Micros | null, isEnd = false): Promise<void> {
    if (settled === null && !isEnd) return;
    try {
      await this.#write(this.#merge, settled);
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
    if (last === undefined) return;
    this.#written = new Keys(last.batch).copyAt(last.to - 1);
  }

  /** Makes the files from all parts, of every job the version that counts. */
  async #writeAnew(): Promise<void> {
    const paths = this.#draft?.outputs.map(({ path }) => path) ?? [];
    await this.close();
    for (const path of paths) await this.#files.remove(path);
    const versions = await this.#versions();
    const counts = (id: string, part: number, row: number): boolean => {
      const version = versions.get(id);
      return version === undefined || (version.part === part && version.row === row);
    };
    this.#rejects.keep((id, part) => counts(id, part, -1));
    const runs = this.#runs.map((run) => (versions.size === 0 ? run : withoutRows(run, counts)));
    const merge = new Merge(await shallow(runs, this.#files, this.#task.work));
    await this.#write(merge, null);
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
    for (const { index, batches } of this.#runs) {
      for await (const batch of batches()) {
        const updated = batch.getChild('updated_at')?.data[0];
        const keys = new Keys(batch);
        for (let row = 0; row < keys.length; row++) {
          const updatedAt = updated?.getValid(row) ? updated.values[row] : null;
          compete(textOf(keys.id(row)), { updatedAt, part: index, row });
        }
      }
    }
    return versions;
  }

  async #opened(): Promise<Draft> {
    if (this.#draft !== undefined) return this.#draft;
    const { staging, formats, compression } = this.#task;
    const schema = this.#schema;
    if (schema === undefined) throw new Error('files without a part to make them from');
    const outputs: Output[] = [];
    this.#draft = {
      outputs,
      blocks: new Blocks(),
      checksum: new IdChecksum(),
      anomalies: new Map(),
    };
    for (const format of formats)
      outputs.push(await openOutput(this.#files, staging, LOADERS[format], schema, compression));
    return this.#draft;
  }

  async #encode(block: RecordBatch): Promise<void> {
    const { outputs, checksum, anomalies } = await this.#opened();
    const keys = new Keys(block);
    for (let row = 0; row < keys.length; row++) checksum.add(keys.id(row));
    const flags = block.getChild('anomalies')?.data[0];
    if (flags !== undefined && flags.children[0].length > 0)
      for (const kinds of block.getChild('anomalies') ?? [])
        for (const kind of kinds ?? []) increase(anomalies, kind);
    for (const output of outputs) await output.write(block);
  }

  /** @throws ExportError (65) when a file does not hold what was written to it */
  #compare(name: string, contents: FileContents, rows: number, idChecksum: string): void {
    const columns = this.#schema === undefined ? [] : columnsOf(this.#schema);
    const problems = [
      contents.rows === rows ? [] : `${contents.rows} rows in place of ${rows}`,
      contents.idChecksum === idChecksum ? [] : 'other ids',
      contents.columns.map(describe).join() === columns.map(describe).join() ? [] : 'other columns',
    ].flat();
    if (problems.length === 0) return;
    throw new ExportError(
      `${name} was read back and is not what was written: ${problems.join('; ')}. Nothing was published. Check the ` +
        'disk and run the same command again; if it happens twice, report it.',
      { exitCode: EXIT.data, stage: 'load' },
    );
  }
}

/** The rows of a part. In memory they are only until `release`. */
class PartRun implements SortedRun {
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

  readonly batches = (): AsyncIterable<RecordBatch> => this.#batches();

  async *#batches(): AsyncGenerator<RecordBatch> {
    yield this.#batch ?? (await this.#read());
  }

  release(): void {
    this.#batch = undefined;
  }
}

/** The run without the rows that do not count. */
function withoutRows(
  run: PartRun,
  counts: (id: string, part: number, row: number) => boolean,
): SortedRun {
  const { index, min, max, batchBytes } = run;
  async function* batches(): AsyncGenerator<RecordBatch> {
    for await (const batch of run.batches()) {
      const keys = new Keys(batch);
      const kept: Rows[] = [];
      let from = 0;
      for (let row = 0; row <= keys.length; row++) {
        if (row < keys.length && counts(textOf(keys.id(row)), index, row)) continue;
        if (row > from) kept.push({ batch, from, to: row });
        from = row + 1;
      }
      if (kept.length > 0) yield gather(kept);
    }
  }
  return { min, max, batchBytes, batches };
}

function isOlder(version: Version, than: Version): boolean {
  if (version.updatedAt === than.updatedAt) return version.part < than.part;
  return (
    version.updatedAt === null || (than.updatedAt !== null && version.updatedAt < than.updatedAt)
  );
}

function textOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.length).toString('utf8');
}

/** A JSON column is text to some readers. */
function describe(column: { name: string; type: string; required: boolean }): string {
  const type = column.type === 'json' ? 'string' : column.type;
  return `${column.name} ${type}${column.required ? ' required' : ''}`;
}

/** In the order of the names, so that equal data make equal manifests. */
function sorted(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
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
