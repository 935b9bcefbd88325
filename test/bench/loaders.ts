import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { type Compression, FORMATS, type Format } from '../../src/jobs/pipeline.ts';
import { checkFile } from '../../src/load/check.ts';
import { fileName } from '../../src/load/output.ts';
import { jobBatch } from '../support/batches.ts';
import { openFile } from '../support/encode.ts';

/**
 * Rows a second of every loader and of the reader that checks its file, side by side: each round runs them all in turn,
 * the best round counts. CPU seconds rather than wall time, so that a busy machine disturbs little.
 *
 * node --import tsx test/bench/loaders.ts [rows] [bytes of a sequence] [rounds]
 */
const [rows = 100_000, sequenceBytes = 90, rounds = 5] = process.argv.slice(2).map(Number);
const BATCH_ROWS = 2000;

/** The same batches again and again: their making is not what is measured. */
const DISTINCT = 10;

const CASES: readonly (readonly [Format, Compression])[] = [
  ['parquet', 'none'],
  ['parquet', 'zstd'],
  ['parquet', 'snappy'],
  ['parquet', 'gzip'],
  ['arrow', 'none'],
  ['ndjson', 'none'],
  ['ndjson', 'gzip'],
];

interface Best {
  write: number;
  read: number;
  bytes: number;
}

async function write(format: Format, compression: Compression, batches: RecordBatch[]) {
  const loader = await openFile(format, JOB_SCHEMA, compression);
  const chunks: Uint8Array[] = [];
  for (let row = 0, i = 0; row < rows; row += BATCH_ROWS, i++) {
    chunks.push(...(await loader.write(batches[i % DISTINCT])));
  }
  chunks.push(...(await loader.finish()));
  return chunks;
}

/** The three formats of an export, from one look at the rows. */
async function writeTogether(batches: RecordBatch[]): Promise<void> {
  const files = await Promise.all(FORMATS.map((format) => openFile(format, JOB_SCHEMA)));
  for (let row = 0, i = 0; row < rows; row += BATCH_ROWS, i++)
    for (const file of files) await file.write(batches[i % DISTINCT]);
  for (const file of files) await file.finish();
}

async function cpuSeconds<T>(work: () => Promise<T>): Promise<[seconds: number, result: T]> {
  const before = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(before);
  return [(user + system) / 1e6, result];
}

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const batches = Array.from({ length: DISTINCT }, (_, i) =>
  jobBatch(i * BATCH_ROWS, BATCH_ROWS, sequenceBytes),
);
const best = CASES.map((): Best => ({ write: Infinity, read: Infinity, bytes: 0 }));
let together = Infinity;
for (let round = 0; round < rounds; round++) {
  const [spent] = await cpuSeconds(() => writeTogether(batches));
  together = Math.min(together, spent);
  for (const [i, [format, compression]] of CASES.entries()) {
    const [written, chunks] = await cpuSeconds(() => write(format, compression, batches));
    const path = join(folder, fileName('jobs', format, compression));
    await writeFile(path, Buffer.concat(chunks));
    const [read] = await cpuSeconds(() => checkFile(path, format));
    best[i].write = Math.min(best[i].write, written);
    best[i].read = Math.min(best[i].read, read);
    best[i].bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  }
}
await rm(folder, { recursive: true });

console.log(`${rows} rows, sequences of ${sequenceBytes} bytes, best of ${rounds} rounds`);
console.table(
  CASES.map(([format, compression], i) => ({
    format,
    compression,
    'write CPU s': best[i].write.toFixed(2),
    'write rows/s': Math.round(rows / best[i].write),
    'read back CPU s': best[i].read.toFixed(2),
    'bytes/row': (best[i].bytes / rows).toFixed(1),
  })),
);
console.log(`all three as the thread makes them, SHA-256 included: ${together.toFixed(2)} CPU s`);
