// What one would write instead: fetches every page once, trusts the count, and leaves the table to DuckDB. Nothing is proven,
// checked, resumed or set aside. Plain JavaScript, so that no loader stands between it and the clock.
//   node by-hand.mjs <base url> <total> <connections> <folder>
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import pLimit from 'p-limit';
import { Pool } from 'undici';

const [url, total, connections, folder] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(connections) });
const path = `${pathname}/api/v2/jobs?order_by=created_at&order_by_direction=ASC&limit=100&offset=`;
const lines = createWriteStream(`${folder}/jobs.ndjson`);
const offsets = Array.from({ length: Math.ceil(Number(total) / 100) }, (_, page) => page * 100);
await pLimit(Number(connections)).map(offsets, async (offset) => {
  const { body } = await pool.request({ method: 'GET', path: path + offset });
  const { data } = JSON.parse(await body.text());
  lines.write(data.map((job) => `${JSON.stringify(job)}\n`).join(''));
});
await pool.close();
lines.end();
await finished(lines);

const types = {
  ...{ id: 'VARCHAR', batch_id: 'VARCHAR', project_id: 'VARCHAR', status: 'VARCHAR' },
  ...{ parent_id: 'VARCHAR', slurm_job_id: 'VARCHAR', runs: 'BIGINT', progress: 'BIGINT' },
  ...{ creation_order: 'BIGINT', created_at: 'TIMESTAMPTZ', updated_at: 'TIMESTAMPTZ' },
  ...{ start_timestamp: 'TIMESTAMPTZ', end_timestamp: 'TIMESTAMPTZ', errors: 'VARCHAR[]' },
  ...{ variables: 'JSON', sequence: 'VARCHAR' },
};
const columns = Object.entries(types).map(([name, type]) => `${name}: '${type}'`);
const connection = await (await DuckDBInstance.create()).connect();
await connection.run(`SET TimeZone = 'UTC';
  COPY (
    SELECT *, epoch(start_timestamp - created_at) AS queue_seconds, epoch(end_timestamp - start_timestamp) AS run_seconds
    FROM read_ndjson('${folder}/jobs.ndjson', columns = {${columns.join()}})
  ) TO '${folder}/jobs.parquet' (FORMAT parquet, COMPRESSION zstd)`);
