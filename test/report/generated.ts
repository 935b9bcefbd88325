import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { describeColumns } from '../../src/jobs/columns.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { page } from '../../src/report/page.ts';
import { askSnapshot } from '../../src/report/snapshot.ts';
import { sampleManifest } from '../publish/sample.ts';
import { Random } from '../simulator/values.ts';
import { temporaryFolder } from '../support/exports.ts';

/** A row of the jobs table as the report reads it; instants are milliseconds since the epoch. */
export interface Row {
  readonly id: string;
  readonly batch_id: string;
  readonly project_id: string;
  readonly status: string;
  readonly created_at: number;
  readonly start_timestamp: number | null;
  readonly end_timestamp: number | null;
  readonly errors: readonly (string | null)[] | null;
  readonly anomalies: readonly string[];
}

export const AS_OF = Date.UTC(2026, 10, 23, 2, 15);
const DAY = 86_400_000;
const FINAL = new Set(['DONE', 'ERROR', 'CANCELED', 'TIMED_OUT']);
const STATUSES = [
  'DONE',
  'DONE',
  'DONE',
  'DONE',
  'ERROR',
  'TIMED_OUT',
  'CANCELED',
  'PENDING',
  'RUNNING',
  'PAUSED',
];

/** Jobs of two years, more of them lately: of every status, some with times that cannot be. */
export function generatedRows(count: number, seed: number): Row[] {
  const random = new Random(seed);
  return Array.from({ length: count }, (_, at) => {
    const status = random.pick(STATUSES);
    const created_at = AS_OF - Math.floor(random.unit() ** 4 * 700 * DAY) - 1;
    const isOdd = random.chance(0.05);
    const wait = Math.floor(random.unit() ** 3 * 50_000_000) * (isOdd ? -1 : 1);
    const start = status === 'PENDING' ? null : created_at + wait;
    const end =
      FINAL.has(status) && start !== null
        ? start + random.below(random.pick([900, 90_000, 9_000_000]))
        : null;
    return {
      id: `job-${String(at).padStart(5, '0')}`,
      batch_id: `batch-${random.below(40)}`,
      project_id: `project-${random.below(7)}`,
      ...{ status, created_at, start_timestamp: start, end_timestamp: end },
      errors:
        status === 'ERROR'
          ? [
              `Atom ${at} is ${at / 10} um off`,
              ...(at % 3 === 0 ? [null, `Job ${at} gave up`] : []),
            ]
          : at % 2 === 0
            ? null
            : [],
      anomalies: isOdd
        ? ['start_before_created']
        : at % 97 === 0
          ? ['implausible:end_timestamp']
          : [],
    };
  });
}

export const ZONE = 'Europe/Paris';

/** The page of a snapshot of those rows. */
export async function pageOf(
  t: TestContext,
  rows: readonly Row[],
  more: Parameters<typeof writeSnapshot>[2] = {},
): Promise<string> {
  const folder = await temporaryFolder(t);
  const manifest = await writeSnapshot(folder, rows, more);
  const answers = await askSnapshot({ folder, files: nodeFiles, timeZone: ZONE, manifest });
  return page({ answers, manifest, timeZone: ZONE });
}

export interface Change extends Pick<Row, 'id' | 'status' | 'created_at'> {
  readonly change: 'created' | 'updated' | 'deleted';
  readonly previous_status: string | null;
}

const JOB_TYPES =
  "id: 'VARCHAR', batch_id: 'VARCHAR', project_id: 'VARCHAR', status: 'VARCHAR', created_at: 'TIMESTAMPTZ', " +
  "start_timestamp: 'TIMESTAMPTZ', end_timestamp: 'TIMESTAMPTZ', queue_seconds: 'DOUBLE', run_seconds: 'DOUBLE', " +
  "is_final: 'BOOLEAN', errors: 'VARCHAR[]', anomalies: 'VARCHAR[]', variables: 'VARCHAR'";
const CHANGE_TYPES =
  "change: 'VARCHAR', previous_status: 'VARCHAR', id: 'VARCHAR', status: 'VARCHAR', created_at: 'TIMESTAMPTZ'";

/** Writes what the report reads of a snapshot. @returns its manifest */
export async function writeSnapshot(
  folder: string,
  rows: readonly Row[],
  more: {
    readonly changes?: readonly Change[];
    readonly rejects?: readonly object[];
    readonly manifest?: Partial<Manifest>;
  } = {},
): Promise<Manifest> {
  const { changes, rejects, manifest } = more;
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const copy = async (name: string, records: readonly object[], types: string) => {
    await writeFile(join(folder, `${name}.tmp`), lines(records));
    const source = `read_ndjson('${join(folder, `${name}.tmp`)}', columns = {${types}}, maximum_object_size = 33554432)`;
    await connection.run(`COPY (FROM ${source}) TO '${join(folder, `${name}.parquet`)}'`);
  };
  await copy('jobs', rows.map(written), JOB_TYPES);
  if (changes)
    await copy(
      'changes',
      changes.map((change) => ({ ...change, created_at: iso(change.created_at) })),
      CHANGE_TYPES,
    );
  if (rejects) await writeFile(join(folder, 'rejects.ndjson'), lines(rejects));
  instance.closeSync();
  const file = (name: string, format: string) => ({
    name,
    format,
    rows: 0,
    bytes: 0,
    sha256: '0'.repeat(64),
  });
  return sampleManifest({
    columns: describeColumns(),
    ...{ filters: {}, finishedAt: new Date(AS_OF).toISOString(), rows: rows.length },
    files: [
      file('jobs.parquet', 'parquet'),
      ...(changes ? [file('changes.parquet', 'parquet')] : []),
      ...(rejects ? [file('rejects.ndjson', 'rejects')] : []),
    ],
    ...manifest,
  });
}

function lines(records: readonly object[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function written(row: Row): object {
  const { created_at, start_timestamp, end_timestamp } = row;
  const seconds = (from: number | null, to: number | null) =>
    from === null || to === null ? null : (to - from) / 1000;
  return {
    ...row,
    ...{
      created_at: iso(created_at),
      start_timestamp: iso(start_timestamp),
      end_timestamp: iso(end_timestamp),
    },
    queue_seconds: seconds(created_at, start_timestamp),
    run_seconds: seconds(start_timestamp, end_timestamp),
    is_final: FINAL.has(row.status),
    variables: '{"label":"</script>"}',
  };
}

function iso(instant: number | null): string | null {
  return instant === null ? null : new Date(instant).toISOString();
}

/** The rows of a table in a page, cells as text: the one of the figure or section with that id, or the n-th in it. */
export function tableOf(html: string, id: string, at = 0): string[][] {
  const from = html.indexOf(`id="${id}"`);
  const tables = [...html.slice(from).matchAll(/<tbody>([\s\S]*?)<\/tbody>/g)];
  return [...(tables[at]?.[1] ?? '').matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row = '']) =>
    [...row.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/gs)].map(([, cell = '']) => textOf(cell)),
  );
}

export function textOf(markup: string): string {
  return markup
    .replace(/<\/code>/g, ' ')
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
    .trim();
}
