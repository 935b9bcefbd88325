// The floor every export is measured against: fetches the same windows with the same libraries and as many connections,
// parses each page, keeps nothing. Plain JavaScript, so that no loader stands between it and the clock.
//   node drain.mjs <base url> <total> <connections>
import pLimit from 'p-limit';
import { Pool } from 'undici';

const [url, total, connections] = process.argv.slice(2);
const { origin, pathname } = new URL(url);
const pool = new Pool(origin, { connections: Number(connections) });
const limit = pLimit(Number(connections));
const path = `${pathname}/api/v2/jobs?order_by=created_at&order_by_direction=ASC&limit=100&offset=`;

async function fetchPage(offset) {
  const { body } = await pool.request({ method: 'GET', path: path + offset });
  const { data } = JSON.parse(await body.text());
  return data.length;
}

const offsets = Array.from(
  { length: Math.max(1, Math.ceil((Number(total) - 1) / 99)) },
  (_, at) => at * 99,
);
const counts = await limit.map(offsets, fetchPage);
await pool.close();
const rows = counts.reduce((sum, count) => sum + count, 0) - (counts.length - 1);
if (rows !== Number(total)) throw new Error(`drained ${rows} of ${total} jobs`);
