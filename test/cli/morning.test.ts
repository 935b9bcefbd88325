import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import parse from 'parse-prometheus-text-format';
import { metricsText } from '../../src/cli/metrics.ts';
import { ExportError } from '../../src/platform/errors.ts';
import { nodeFiles } from '../../src/platform/node-files.ts';
import {
  type FoundSnapshot,
  type PipelineStatus,
  pipelineStatus,
  type SnapshotLine,
} from '../../src/run/status.ts';
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
  const manifest = { ...MANIFEST, anomalies: { unknown_status: 3, end_before_start: 1 } };

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

  it('that cannot be written are told of, and hide no other failure', async () => {
    const args = ['export', '--metrics', join(folder, 'none', 'jobs.prom')];
    const well = await program(args, { environment });
    assert.equal(well.code, 73);
    assert.match(well.stderr, /cannot open .*jobs\.prom\.new/);
    const failed = await program(args, { environment, engine: { runExport: refused } });
    assert.equal(failed.code, 77);
  });
});

const SNAPSHOT: SnapshotLine = {
  runId: '20261123T020000Z-1f2e3d',
  folder: '/output/jobs/run=20261123T020000Z-1f2e3d',
  finishedAt: '2026-11-23T02:00:00.000Z',
  rows: 5000,
  bytes: 1_234_567,
  proven: true,
  kind: 'incremental',
  changes: { added: 12, updated: 3 },
};
const FOUND: FoundSnapshot = {
  folder: SNAPSHOT.folder,
  bytes: SNAPSHOT.bytes,
  manifest: {
    ...MANIFEST,
    ...{ runId: SNAPSHOT.runId, finishedAt: SNAPSHOT.finishedAt },
    ...{ base: '20261122T020000Z-1f2e3d', changes: { added: 12, updated: 3, since: 'yesterday' } },
  },
};

async function statusOf(snapshots: readonly FoundSnapshot[], maxAgeMs: number, free?: number) {
  return pipelineStatus(
    { files: nodeFiles, folder: '/output/jobs', now: WALL, maxAgeMs },
    {
      listSnapshots: async () => snapshots,
      readStatus: async () => undefined,
      listWork: async () => [],
      freeBytes: async () => free,
    },
  );
}

describe('the status of a pipeline', () => {
  it('is stale when its newest snapshot is too old, or there is none', async () => {
    const hour = 3_600_000;
    assert.equal((await statusOf([FOUND], 1.5 * hour)).stale, false);
    assert.equal((await statusOf([FOUND], 0.5 * hour)).stale, true);
    assert.equal((await statusOf([], 26 * hour)).stale, true);
    const finishedAt = '2026-11-23T04:00:00.000Z';
    const future = { ...FOUND, manifest: { ...FOUND.manifest, finishedAt } };
    assert.equal((await statusOf([future], 0)).stale, true, '0s is always stale');
    assert.equal((await statusOf([FOUND], 26 * hour)).ageSeconds, 3600);
  });

  it('warns when the disk has no room for one more snapshot', async () => {
    assert.deepEqual((await statusOf([FOUND], 1, 2_000_000)).warnings, []);
    assert.match((await statusOf([FOUND], 1, 1000)).warnings.join(), /room for 1000 bytes/);
  });

  it('is printed, and 1 when stale', async () => {
    const status: PipelineStatus = {
      ...(await statusOf([FOUND], 0, 1000)),
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
        '  20261123T020000Z-1f2e3d      5,000 jobs     1.2 MB  incremental, added 12, updated 3',
        'the newest is 1 h 00 min old: TOO OLD',
        'last attempt: failed, started 2026-11-23T02:15:00.000Z; it said no',
        'unfinished work: .work/0123456789abcdef',
        'warning: the disk has room for 1000 bytes, and one more snapshot may take 1234567',
        '/output/jobs',
        '',
      ].join('\n'),
    );
    const json = await program(['status', '--json'], { engine });
    assert.deepEqual(JSON.parse(json.stdout).snapshots, [SNAPSHOT]);
    const young = { pipelineStatus: async () => ({ ...status, stale: false }) };
    assert.equal((await program(['status'], { engine: young })).code, 0);
    assert.equal((await program(['status', '../x'])).code, 64);
  });
});
