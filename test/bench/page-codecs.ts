import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import { parquetMetadata } from 'hyparquet';
import compression from 'parquetjs-lite/lib/compression.js';
import { JOB_SCHEMA } from '../../src/jobs/arrow-schema.ts';
import { jobBatch } from '../support/batches.ts';
import { encode } from '../support/encode.ts';

/**
 * What could compress the pages of a Parquet file: time and size on the pages of made-up jobs.
 *
 * node --import tsx test/bench/page-codecs.ts [rows] [bytes of a sequence] [rounds]
 */
const [rows = 50_000, sequenceBytes = 90, rounds = 5] = process.argv.slice(2).map(Number);
const PAGE_ROWS = 2500;

const gzipAsync = promisify(gzip);
type Codec = (pages: readonly Uint8Array[]) => Promise<Uint8Array[]>;

const CODECS: Record<string, Codec> = {
  none: async (pages) => [...pages],
  snappyjs: async (pages) => pages.map((page) => compression.deflate('SNAPPY', page)),
};
for (const level of [1, 2, 3, 4, 5, 6]) {
  CODECS[`gzip ${level}`] = async (pages) => pages.map((page) => gzipSync(page, { level }));
}
for (const level of [1, 6]) {
  CODECS[`gzip ${level}, thread pool`] = (pages) =>
    Promise.all(pages.map((page) => gzipAsync(page, { level })));
}

/** The pages of the file, cut where a column chunk of equal pages would be. */
async function pages(): Promise<Uint8Array[]> {
  const batches = Array.from({ length: rows / PAGE_ROWS }, (_, i) =>
    jobBatch(i * PAGE_ROWS, PAGE_ROWS, sequenceBytes),
  );
  const file = await encode('parquet', JOB_SCHEMA, batches, 'none');
  return parquetMetadata(file).row_groups.flatMap(({ columns, num_rows }) =>
    columns.flatMap(({ meta_data }) => {
      const start = Number(meta_data?.data_page_offset);
      const size = Number(meta_data?.total_compressed_size);
      const count = Number(num_rows) / PAGE_ROWS;
      return Array.from({ length: count }, (_, i) =>
        file.subarray(start + (size * i) / count, start + (size * (i + 1)) / count),
      );
    }),
  );
}

const given = await pages();
const size = (of: readonly Uint8Array[]) => of.reduce((sum, { length }) => sum + length, 0);
const best: Record<string, { cpu: number; wall: number; bytes: number }> = {};
for (let round = 0; round < rounds; round++) {
  for (const [name, codec] of Object.entries(CODECS)) {
    const before = process.cpuUsage();
    const begun = performance.now();
    const bytes = size(await codec(given));
    const wall = performance.now() - begun;
    const { user, system } = process.cpuUsage(before);
    const cpu = (user + system) / 1000;
    const known = best[name] ?? { cpu, wall, bytes };
    best[name] = { cpu: Math.min(cpu, known.cpu), wall: Math.min(wall, known.wall), bytes };
  }
}
console.log(`${rows} rows, ${given.length} pages, ${(size(given) / rows).toFixed(0)} bytes a row`);
console.table(
  Object.entries(best).map(([codec, { cpu, wall, bytes }]) => ({
    codec,
    'CPU ms': Math.round(cpu),
    'wall ms': Math.round(wall),
    'bytes/row': (bytes / rows).toFixed(1),
    ratio: (bytes / size(given)).toFixed(3),
  })),
);
