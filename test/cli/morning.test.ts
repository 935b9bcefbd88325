import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import parse from 'parse-prometheus-text-format';
import { metricsText } from '../../src/cli/metrics.ts';
import type { ExportResult } from '../../src/index.ts';
import { ExportError } from '../../src/platform/errors.ts';
import { type PipelineStatus, pipelineStatus } from '../../src/publish/status.ts';
import { MANIFEST, program } from '../support/cli.ts';

const environment = { PASQAL_TOKEN: 'tok-3n' };
const WALL = Date.UTC(2026, 10, 23, 3);
const refused = () =>
  Promise.reject(new ExportError('it said no', { exitCode: 77, stage: 'extract' }));

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'morning-'));
});

after(() => rm(folder, { recursive: true }));

describe('a quiet night', () => {
  it('prints nothing, on a terminal neither, and one line when it fails', async () => {
    for (const terminal of [false, true]) {
      const well = await program(['export', '--quiet'], { environment, terminal });
      assert.deepEqual([well.code, well.stdout, well.stderr], [0, '', '']);
    }
    const engine = { runExport: refused };
    const failed = await program(['export', '--quiet'], { environment, engine });
    assert.deepEqual([failed.code, failed.stdout], [77, '']);
    assert.equal(failed.stderr, 'pasqal-jobs: it said no\n');
  });

  it('has one JSON object at its start and one at its end, well or not', async () => {
    const args = ['export', '--log-format', 'json'];
    const well = await program(args, { environment, wall: WALL });
    const time = '2026-11-23T03:00:00.000Z';
    const lines = (text: string) =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    const [started, finished, ...more] = lines(well.stderr);
    assert.deepEqual(more, []);
    assert.equal(started.message, 'export started');
    assert.deepEqual(finished, {
      ...{ level: 'info', time, message: 'export finished', rows: 5000, seconds: 12.3 },
      ...{ requests: 52, retries: 0, proven: true, folder: '/output/jobs/1' },
    });
    const engine = { runExport: refused };
    const failed = await program(args, { environment, engine, wall: WALL });
    assert.deepEqual(lines(failed.stderr).at(-1), {
      ...{ level: 'error', time, message: 'it said no', exitCode: 77 },
      ...{ stage: 'extract', retryable: false },
    });
    const wrong = await program(['export', '--nope', '--log-format=json'], { environment });
    assert.equal(lines(wrong.stderr)[0].exitCode, 64);
  });
});

describe('the metrics', () => {
  const run = { pipeline: 'jobs', exitCode: 0, seconds: 60, finishedAt: WALL } as const;
  const manifest = {
    ...MANIFEST,
    anomalies: { unknown_status: 3, end_before_start: 1 },
    changes: { created: 2, updated: 0, deleted: 1 },
  };

  function read(text: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const { name, type, help, metrics } of parse(text)) {
      assert.equal(type, 'GAUGE', name);
      assert.notEqual(help, '', name);
      for (const { value, labels = {} } of metrics) {
        assert.equal(labels.pipeline, 'jobs');
        found.set([name, labels.kind].filter(Boolean).join(' '), Number(value));
      }
    }
    return found;
  }

  it('are what a Prometheus parser reads', () => {
    const text = metricsText(run, manifest);
    const last = 'pasqal_jobs_last_success_';
    assert.deepEqual(Object.fromEntries(read(text)), {
      pasqal_jobs_last_run_timestamp_seconds: WALL / 1000,
      pasqal_jobs_last_run_exit_code: 0,
      pasqal_jobs_last_run_seconds: 60,
      [`${last}timestamp_seconds`]: WALL / 1000,
      [`${last}rows`]: 5000,
      [`${last}seconds`]: 12.3,
      [`${last}requests`]: 52,
      [`${last}retries`]: 0,
      [`${last}rejects`]: 0,
      [`${last}proven`]: 1,
      [`${last}anomalies unknown_status`]: 3,
      [`${last}anomalies end_before_start`]: 1,
      [`${last}changes created`]: 2,
      [`${last}changes updated`]: 0,
      [`${last}changes deleted`]: 1,
    });
  });

  it('keep the last success through failed runs', () => {
    const good = metricsText(run, manifest);
    let text = good;
    for (const exitCode of [75, 69] as const) {
      text = metricsText({ ...run, exitCode, finishedAt: WALL + 1000 }, undefined, text);
    }
    const [before, now] = [read(good), read(text)];
    assert.equal(now.get('pasqal_jobs_last_run_exit_code'), 69);
    assert.equal(now.get('pasqal_jobs_last_run_timestamp_seconds'), WALL / 1000 + 1);
    for (const [name, value] of before) {
      if (name.startsWith('pasqal_jobs_last_success_')) assert.equal(now.get(name), value);
    }
    assert.equal(now.size, before.size);
  });

  it('are written by a run that published and by one that failed', async () => {
    const metrics = join(folder, 'jobs.prom');
    const args = ['export', '--metrics', metrics];
    for (const [engine, code] of [
      [{}, 0],
      [{ runExport: refused }, 77],
      [{ runExport: () => Promise.reject(new TypeError('x')) }, 70],
    ] as const) {
      assert.equal((await program(args, { environment, engine, wall: WALL })).code, code);
      const found = read(await readFile(metrics, 'utf8'));
      assert.equal(found.get('pasqal_jobs_last_run_exit_code'), code);
      assert.equal(found.get('pasqal_jobs_last_success_rows'), 5000);
    }
    assert.deepEqual(await readdir(folder), ['jobs.prom']);
  });

  it('that cannot be written are told of before the work', async () => {
    for (const [path, message] of [
      [join(folder, 'none', 'jobs.prom'), /cannot open .*jobs\.prom\.new/],
      [folder, /cannot replace .*: it is a folder/],
      ['/dev/null', /cannot replace \/dev\/null: it is no file/],
    ] as const) {
      let starts = 0;
      const engine = { runExport: () => Promise.reject(new Error(`start ${++starts}`)) };
      const { code, stderr } = await program(['export', '--metrics', path], {
        environment,
        engine,
      });
      assert.deepEqual([code, starts], [73, 0]);
      assert.match(stderr, message);
    }
  });

  it('that cannot be written behind it are told of, and hide no other failure', async () => {
    for (const [end, code] of [
      [undefined, 73],
      [refused, 77],
    ] as const) {
      const place = await mkdtemp(join(folder, 'gone-'));
      const runExport = async (): Promise<ExportResult> => {
        await rm(place, { recursive: true });
        return end ? end() : { folder: '/output/jobs/1', manifest: MANIFEST };
      };
      const args = ['export', '--metrics', join(place, 'jobs.prom')];
      const ended = await program(args, { environment, engine: { runExport } });
      assert.equal(ended.code, code);
      assert.equal(/cannot .*jobs\.prom/.test(ended.stderr), code === 73);
    }
  });
});

const CHANGES = { created: 12, updated: 3, deleted: 0 };
const BASE = {
  runId: '20261122T020000Z-1f2e3d',
  lastFull: { runId: '20261122T020000Z-1f2e3d', startedAt: '2026-11-22T02:00:00.000Z' },
};

/** A pipeline with a snapshot that was finished at some time, or without one. */
async function statusOf(finishedAt: string | undefined, maxAgeMs: number, free?: number) {
  const pipeline = await mkdtemp(join(folder, 'pipeline-'));
  if (finishedAt !== undefined) {
    const manifest = { ...MANIFEST, finishedAt, base: BASE, changes: CHANGES };
    const snapshot = join(pipeline, `run=${manifest.runId}`);
    await mkdir(snapshot);
    await writeFile(join(snapshot, 'manifest.json'), JSON.stringify(manifest));
  }
  return pipelineStatus(pipeline, maxAgeMs, WALL, async () => free);
}

describe('the status of a pipeline', () => {
  const AN_HOUR_AGO = '2026-11-23T02:00:00.000Z';

  it('is stale where there is no folder, and no bug of the program where none can be', async () => {
    const file = join(folder, 'no-folder');
    await writeFile(file, '');
    for (const place of [file, join(file, 'jobs'), join(folder, 'none')]) {
      const { stale, snapshots, unfinished } = await pipelineStatus(place, 1000, WALL);
      assert.deepEqual([stale, snapshots, unfinished], [true, [], []]);
    }
    const circle = join(folder, 'circle');
    await symlink(circle, circle);
    await assert.rejects(pipelineStatus(circle, 1000, WALL), { exitCode: 74 });
  });

  it('is stale when its newest snapshot is too old, or there is none', async () => {
    const hour = 3_600_000;
    assert.equal((await statusOf(AN_HOUR_AGO, 1.5 * hour)).stale, false);
    assert.equal((await statusOf(AN_HOUR_AGO, 0.5 * hour)).stale, true);
    assert.equal((await statusOf(undefined, 26 * hour)).stale, true);
    assert.equal((await statusOf('2026-11-23T04:00:00.000Z', 0)).stale, true, '0s is always stale');
    assert.equal((await statusOf(AN_HOUR_AGO, 26 * hour)).ageSeconds, 3600);
  });

  it('warns when the disk has no room for one more snapshot', async () => {
    assert.deepEqual((await statusOf(AN_HOUR_AGO, 1, 2_000_000)).warnings, []);
    assert.match((await statusOf(AN_HOUR_AGO, 1, 1000)).warnings.join(), /room for 1000 bytes/);
  });

  it('tells incremental snapshots from full ones, and what they changed', async () => {
    const [line] = (await statusOf(AN_HOUR_AGO, 0)).snapshots;
    assert.deepEqual([line?.kind, line?.changes, line?.bytes], ['incremental', CHANGES, 1_235_566]);
  });

  it('is printed, and 1 when stale', async () => {
    const status: PipelineStatus = {
      ...(await statusOf(AN_HOUR_AGO, 0, 1000)),
      folder: '/output/jobs',
      attempt: {
        ...{ statusVersion: 1, tool: 'pasqal-jobs-export', stage: 'extract' },
        ...{ outcome: 'failed', exitCode: 77, message: 'it said no' },
        ...{ startedAt: '2026-11-23T02:15:00.000Z', finishedAt: null, seconds: null },
        ...{ runId: null, rows: null, requests: null, lastGood: null },
      },
      unfinished: ['0123456789abcdef'],
    };
    const asked: unknown[] = [];
    const engine = {
      pipelineStatus: async (...args: unknown[]) => {
        asked.push(args);
        return status;
      },
    };
    const args = ['status', 'night', '--output', 'x', '--max-age', '0s'];
    const { code, stdout } = await program(args, { engine, wall: WALL });
    assert.equal(code, 1);
    assert.deepEqual(asked, [['/home/me/x/night', 0, WALL]]);
    assert.equal(
      stdout,
      [
        '  20261123T020000Z-1f2e3d      5,000 jobs     1.2 MB  incremental, created 12, updated 3, deleted 0',
        'the newest is 1 h 00 min old: TOO OLD',
        'last attempt: failed, started 2026-11-23T02:15:00.000Z; it said no',
        'unfinished work: .work/0123456789abcdef',
        'warning: the disk has room for 1000 bytes, and one more snapshot may take 1235566',
        '/output/jobs',
        '',
      ].join('\n'),
    );
    const json = await program(['status', '--json'], { engine });
    assert.deepEqual(JSON.parse(json.stdout).snapshots, status.snapshots);
    const young = { pipelineStatus: async () => ({ ...status, stale: false }) };
    assert.equal((await program(['status'], { engine: young })).code, 0);
    assert.equal((await program(['status', '../x'])).code, 64);
  });
});
