import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { COMPRESSIONS, type Compression } from '../../src/jobs/pipeline.ts';
import { openParquetFile } from '../../src/load/parquet-file.ts';
import { jobBatch } from '../support/batches.ts';

/**
 * Queries on a Parquet file of made-up jobs side by side with the file that DuckDB makes of the same rows: each round
 * asks both in turn, the best round counts. Fails when a figure is past its goal.
 *
 * node --import tsx test/bench/queries.ts [jobs] [bytes of a sequence] [rounds] [compression]
 */
const [jobs = 1_000_000, sequenceBytes = 0, rounds = 15] = process.argv.slice(2, 5).map(Number);
const compression: Compression =
  COMPRESSIONS.find((known) => known === process.argv[5]) ?? COMPRESSIONS[0];

const BATCH_ROWS = 2500;
const TIME_GOAL = 1.3;
const SIZE_GOAL = sequenceBytes === 0 ? 1.0 : 1.1;

const QUERIES: Readonly<Record<string, string>> = {
  'GROUP BY status': 'SELECT status, count(*) FROM $file GROUP BY ALL',
  'GROUP BY project_id': 'SELECT project_id, count(*), avg(run_seconds) FROM $file GROUP BY ALL',
  'GROUP BY batch_id': 'SELECT count(*) FROM (SELECT batch_id FROM $file GROUP BY ALL)',
  'id =': "SELECT * FROM $file WHERE id = '$id'",
  'created_at range': `SELECT count(*), avg(total_seconds) FROM $file
    WHERE created_at >= '2023-11-20T00:00:00Z' AND created_at < '2023-11-21T00:00:00Z'`,
  'median(queue_seconds)': 'SELECT median(queue_seconds) FROM $file',
  'sum(runs)': 'SELECT sum(runs) FROM $file',
  'errors of jobs': 'SELECT sum(len(errors)) FROM $file',
  'variables LIKE': "SELECT count(*) FROM $file WHERE variables LIKE '%omega_max\":9.9%'",
  'SELECT *': 'SELECT max(COLUMNS(*)::VARCHAR) FROM $file',
};

async function writeJobs(path: string): Promise<number> {
  const file = createWriteStream(path);
  const encoder = await openParquetFile(JOB_SCHEMA, compression);
  let cpuMicros = 0;
  for (let first = 0; first < jobs; first += BATCH_ROWS) {
    const batch = jobBatch(first, Math.min(BATCH_ROWS, jobs - first), sequenceBytes);
    const before = process.cpuUsage();
    const chunks = encoder.encode(batch);
    const { user, system } = process.cpuUsage(before);
    cpuMicros += user + system;
    for (const chunk of chunks) file.write(chunk.slice());
  }
  for (const chunk of encoder.finish()) file.write(chunk);
  file.end();
  await finished(file);
  return cpuMicros / 1e6;
}

async function seconds(connection: DuckDBConnection, sql: string): Promise<number> {
  const begun = performance.now();
  await connection.runAndReadAll(sql);
  return (performance.now() - begun) / 1000;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-'));
const [ours, theirs] = ['jobs.parquet', 'duckdb.parquet'].map((name) => join(folder, name));
const instance = await DuckDBInstance.create(':memory:');
const connection = await instance.connect();
const failures: string[] = [];

function ratio(name: string, own: number, other: number, goal: number): string {
  const found = own / other;
  if (found > goal) failures.push(`${name}: ${found.toFixed(2)} times, ${goal} at most`);
  return found.toFixed(2);
}

try {
  const cpu = await writeJobs(ours);
  await connection.run(`COPY (FROM '${ours}') TO '${theirs}' (FORMAT parquet, COMPRESSION zstd)`);
  const row = Math.floor(jobs / 3);
  const [[id]] = (
    await connection.runAndReadAll(`SELECT id FROM '${ours}' LIMIT 1 OFFSET ${row}`)
  ).getRows();
  const [own, other] = [(await stat(ours)).size, (await stat(theirs)).size];
  const shown = [jobs, sequenceBytes, own, other].map((figure) => figure.toLocaleString('en'));
  console.log(
    `${shown[0]} jobs, sequences of ${shown[1]} bytes, ${compression}, best of ${rounds} rounds: ${shown[2]} bytes, ` +
      `${ratio('size', own, other, SIZE_GOAL)} of DuckDB's ${shown[3]}; encoded in ${cpu.toFixed(1)} CPU s\n`,
  );
  console.log("| query | this file, ms | DuckDB's, ms | ratio |\n|---|---|---|---|");
  for (const [query, sql] of Object.entries(QUERIES)) {
    const best = [Infinity, Infinity];
    for (let round = 0; round < rounds; round++) {
      for (const [i, path] of [ours, theirs].entries()) {
        const asked = sql.replaceAll('$file', `'${path}'`).replaceAll('$id', String(id));
        best[i] = Math.min(best[i], await seconds(connection, asked));
      }
    }
    const [mine, reference] = best.map((found) => (found * 1000).toFixed(1));
    const times = ratio(query, best[0], best[1], TIME_GOAL);
    console.log(`| ${query} | ${mine} | ${reference} | ${times} |`);
  }
} finally {
  connection.closeSync();
  instance.closeSync();
  await rm(folder, { recursive: true });
}
for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;
