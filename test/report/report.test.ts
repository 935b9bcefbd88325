import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { reportSnapshot, runExport, verifySnapshot } from '../../src/index.ts';
import { formatManifest } from '../../src/jobs/manifest.ts';
import type { Effects, RunEvent } from '../../src/platform/effects.ts';
import type { FileSystem } from '../../src/platform/file-system.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import { QUERIES } from '../../src/report/queries.ts';
import { writeReport } from '../../src/report/report.ts';
import { askSnapshot } from '../../src/report/snapshot.ts';
import { startSimulator } from '../simulator/index.ts';
import { REPOSITORY } from '../support/cli.ts';
import { exportOptions, temporaryFolder } from '../support/exports.ts';
import {
  AS_OF,
  type Change,
  generatedRows,
  pageOf,
  type Row,
  tableOf,
  writeSnapshot,
  ZONE,
} from './generated.ts';

describe('the report', () => {
  it('is one file without scripts, requests or inline styles, under 2 MB', async (t) => {
    const html = await pageOf(t, generatedRows(1000, 3));
    assert.ok(html.length < 2_000_000);
    assert.match(
      html,
      /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-/,
    );
    assert.doesNotMatch(
      html,
      /<script|<link|<img|<iframe|@import|url\((?!#)|\sstyle=|\son[a-z]+=|(?:src|href)="(?!#)/i,
    );
  });

  it('says what changed since the snapshot before', async (t) => {
    const created_at = AS_OF - 1;
    const changes: Change[] = [
      { change: 'created', previous_status: null, id: 'a', status: 'PENDING', created_at },
      { change: 'created', previous_status: null, id: 'b', status: 'ERROR', created_at },
      { change: 'updated', previous_status: 'RUNNING', id: 'c', status: 'ERROR', created_at },
      { change: 'updated', previous_status: 'ERROR', id: 'd', status: 'ERROR', created_at },
      { change: 'deleted', previous_status: 'ERROR', id: 'e', status: 'ERROR', created_at },
    ];
    const html = await pageOf(t, generatedRows(10, 1), { changes });
    const night = html.slice(html.indexOf('<section id="night">'));
    const cards = [...night.matchAll(/<dd class="big">(.*?)<\/dd>/g)].map(([, text]) => text);
    assert.deepEqual(cards, ['2', '2', '1', '2']);
    assert.deepEqual(
      tableOf(html, 'night').find(([, before]) => before === 'RUNNING'),
      ['Changed', 'RUNNING', 'ERROR', '1', 'c'],
    );
  });

  it('says what was set aside, and when nothing is proven', async (t) => {
    const rejects = [
      { reason: 'no id', offset: null, raw: '{"id":null}' },
      { reason: 'no id', offset: 3, base64: 'AAAA' },
    ];
    const completeness = { proven: false, method: 'none', reason: 'totals differ' };
    const html = await pageOf(t, generatedRows(3, 1), { rejects, manifest: { completeness } });
    assert.deepEqual(tableOf(html, 'trust', 1), [['no id', '2', '{"id":null}']]);
    assert.match(html, /Not proven to be complete/);
  });

  const [sample] = generatedRows(1, 1);
  assert.ok(sample);
  const failedRow: Row = { ...sample, status: 'ERROR', errors: ['x'] };
  const few: readonly (readonly [string, readonly Row[], RegExp])[] = [
    ['no job', [], /There are no jobs\./],
    [
      'one job',
      [{ ...sample, created_at: AS_OF - 5000 }],
      /1 job in the last 28 days, none in the 28 days before/,
    ],
    [
      'one job of long ago',
      [{ ...sample, created_at: 0 }],
      /No jobs in the last 28 days; 1 in all/,
    ],
    [
      'failed jobs only',
      [1, 2, 3].map((at) => ({ ...failedRow, id: `${at}`, created_at: AS_OF - at })),
      /100% of those that ended failed/,
    ],
    [
      'a job of the future',
      [{ ...sample, created_at: AS_OF + 400 * 86_400_000 }],
      /No jobs in the last 28 days/,
    ],
  ];
  for (const [what, rows, said] of few) {
    it(`makes sense of ${what}`, async (t) => {
      const html = await pageOf(t, rows);
      assert.match(html, said);
      assert.doesNotMatch(
        html.replace(/<style>[\s\S]*<\/style>/, ''),
        /NaN|Infinity|undefined|\[object/,
      );
    });
  }

  it('keeps what the API sends as text', async (t) => {
    const hostile = `<script>alert(1)</script></style>"'&lt;\u202e\u0000${'x'.repeat(1_000_000)}`;
    const rows = generatedRows(60, 2).map((row) => ({
      ...row,
      created_at: AS_OF - 1000,
      ...{
        id: `${row.id}<b>`,
        project_id: hostile,
        batch_id: `"><svg onload=x>`,
        status: '</td><h1>',
        errors: [hostile],
        anomalies: ['<i>odd'],
      },
    }));
    const html = await pageOf(t, rows, { rejects: [{ reason: '<u>', raw: hostile }] });
    assert.ok(html.length < 2_000_000);
    assert.doesNotMatch(html, /<script|<b>job|<svg onload|<\/td><h1>|<i>odd|<u>|\0/);
    assert.equal(html.split('</style>').length, 2);
    assert.match(
      html,
      /<bdi>&#60;script&#62;alert\(1\)&#60;\/script&#62;&#60;\/style&#62;&#34;&#39;&#38;lt;\u202e\u2400x+… \(cut: 10000\d\d characters\)<\/bdi>/,
    );
  });

  it('refuses a time zone that is not known', async (t) => {
    const folder = await temporaryFolder(t);
    const manifest = await writeSnapshot(folder, []);
    const task = { folder, files: nodeFiles, timeZone: 'Mars/Olympus', manifest };
    await assert.rejects(askSnapshot(task), {
      exitCode: 65,
      stage: 'report',
      message: /Mars\/Olympus/,
    });
  });

  it('says which snapshot cannot be read', async (t) => {
    const folder = await temporaryFolder(t);
    const manifest = await writeSnapshot(folder, []);
    await writeFile(join(folder, 'jobs.parquet'), 'torn');
    const task = { folder, files: nodeFiles, timeZone: 'UTC', manifest };
    await assert.rejects(askSnapshot(task), { exitCode: 65, stage: 'report' });
  });
});

const RUN_SQL = fileURLToPath(new URL('run-sql.mjs', import.meta.url));

describe('a snapshot of the program', () => {
  it('gives the same page from each format, and report.sql the numbers of the page', async (t) => {
    const output = await temporaryFolder(t);
    const api = await startSimulator({ jobs: 700, oddities: true });
    t.after(() => api.close());
    const { folder, manifest } = await runExport(exportOptions(api.url, output));
    const task = { folder, files: nodeFiles, timeZone: ZONE, manifest };
    const answers = await askSnapshot(task);
    assert.equal(answers.headline[2]?.jobs, 700);
    for (const format of ['arrow', 'ndjson']) {
      const files = manifest.files.filter((file) => file.format === format);
      assert.deepEqual(
        await askSnapshot({ ...task, manifest: { ...manifest, files } }),
        answers,
        format,
      );
    }
    const [html, sql] = await writeReport(task);
    assert.deepEqual([html?.name, sql?.name], ['report.html', 'report.sql']);
    assert.equal((await readFile(join(folder, 'report.html'))).length, html?.bytes);
    const { stdout } = await promisify(execFile)(process.execPath, [RUN_SQL, 'report.sql'], {
      cwd: folder,
      maxBuffer: 1e8,
    });
    const found: Record<string, unknown>[][] = JSON.parse(stdout);
    const asked = Object.values(answers).map((rows) => JSON.parse(JSON.stringify(rows)));
    assert.equal(found.length, Object.keys(QUERIES).length);
    for (const [at, rows] of found.entries()) {
      assert.deepEqual(rows.map(numbered), asked[at]);
    }
  });
});

describe('an export with a report', () => {
  async function exported(t: TestContext, effects: Partial<Effects> = {}) {
    const output = await temporaryFolder(t);
    const api = await startSimulator({ jobs: 120 });
    t.after(() => api.close());
    const options = { ...exportOptions(api.url, output), report: true, timeZone: ZONE };
    return runExport(options, effects);
  }

  it('lists it in the manifest', async (t) => {
    const { folder, manifest } = await exported(t);
    const names = manifest.files.map(({ name }) => name);
    assert.deepEqual(names.slice(-2), ['report.html', 'report.sql']);
    assert.deepEqual((await verifySnapshot(folder)).problems, []);
    const html = await readFile(join(folder, 'report.html'), 'utf8');
    assert.match(html, /120 in all|all time: 120/);
    assert.match(html, /Europe\/Paris/);
  });

  it('is published without one that cannot be made, and says why', async (t) => {
    const warnings: string[] = [];
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    const files: FileSystem = {
      ...nodeFiles,
      open: (path, mode) =>
        path.includes('report.sql') ? Promise.reject(full) : nodeFiles.open(path, mode),
    };
    const emit = (event: RunEvent) => {
      if (event.type === 'log' && event.level === 'warn') warnings.push(event.message);
    };
    const { folder, manifest } = await exported(t, { files, emit });
    assert.ok(manifest.files.every(({ name }) => !name.startsWith('report')));
    assert.deepEqual((await verifySnapshot(folder)).problems, []);
    assert.deepEqual(warnings, ['published without a report: no space']);
  });

  it('can be followed by a page of another time zone, and the snapshot stays as it is', async (t) => {
    const { folder } = await exported(t);
    const file = join(await temporaryFolder(t), 'page.html');
    for (const zone of ['UTC', 'Asia/Tokyo']) {
      await reportSnapshot(folder, file, zone);
      assert.match(await readFile(file, 'utf8'), new RegExp(`\\(${zone}\\)`));
    }
    assert.match(await readFile(join(dirname(file), 'page.sql'), 'utf8'), /zone = 'Asia\/Tokyo'/);
    assert.deepEqual((await verifySnapshot(folder)).problems, []);
    await assert.rejects(reportSnapshot(dirname(file), file), { exitCode: 65, stage: 'publish' });
    await assert.rejects(reportSnapshot(folder, file, 'Mars/Olympus'), {
      exitCode: 64,
      message: /^timeZone: .*Mars\/Olympus/,
    });
    for (const path of [join(folder, 'page.html'), join(dirname(folder), 'latest', 'load.html')])
      await assert.rejects(reportSnapshot(folder, path), {
        exitCode: 64,
        message: /stays as it is/,
      });
    await assert.rejects(reportSnapshot(folder, `${file}.sql`), { exitCode: 64, message: /\.sql/ });
    assert.deepEqual((await verifySnapshot(folder)).problems, []);
    await assert.rejects(reportSnapshot(folder, dirname(file)), { exitCode: 73, stage: 'report' });
  });
});

const WITHOUT_DUCKDB = `data:text/javascript,
import { register } from 'node:module';
const hooks = "export async function resolve(name, context, next) {" +
  "if (name === '@duckdb/node-api') throw Object.assign(new Error('x'), { code: 'ERR_MODULE_NOT_FOUND' });" +
  "return next(name, context); }";
register('data:text/javascript,' + encodeURIComponent(hooks));`;

it('without DuckDB one line says what to install', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'manifest.json'), formatManifest(await writeSnapshot(folder, [])));
  const main = join(REPOSITORY, 'dist/src/cli/main.js');
  const args = ['--import', WITHOUT_DUCKDB.replaceAll('\n', ' '), main, 'report', folder];
  const failed = await promisify(execFile)(process.execPath, args).catch((error) => error);
  assert.equal(failed.code, 78);
  assert.match(
    failed.stderr,
    /^[^\n]*the report needs DuckDB, .* npm install @duckdb\/node-api\n$/,
  );
});

/** DuckDB writes whole numbers of 64 bits as text. */
function numbered(row: Readonly<Record<string, unknown>>): unknown {
  const isWhole = (value: unknown): value is string =>
    typeof value === 'string' && /^\d{1,15}$/.test(value);
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, isWhole(value) ? Number(value) : value]),
  );
}
