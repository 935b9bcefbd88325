import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Context, Engine } from '../../src/cli/command.ts';
import type { Environment } from '../../src/cli/environment.ts';
import { runProgram } from '../../src/cli/program.ts';
import type { Manifest } from '../../src/jobs/manifest.ts';
import type { ExportOptions } from '../../src/run/options.ts';
import { checkOptions } from '../../src/run/options.ts';

export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

const SHA256 = 'cd'.repeat(32);

export const MANIFEST: Manifest = {
  schemaVersion: 1,
  tool: { name: 'pasqal-jobs-export', version: '0.1.0' },
  pipeline: 'jobs',
  runId: '20261123T020000Z-1f2e3d',
  apiUrl: 'https://apis.pasqal.cloud/core-fast',
  filters: {},
  startedAt: '2026-11-23T02:00:00.000Z',
  finishedAt: '2026-11-23T02:00:12.300Z',
  seconds: 12.3,
  resumed: 0,
  serverTotal: { first: 5000, last: 5000 },
  rows: 5000,
  idChecksum: 'ab'.repeat(32),
  duplicates: 0,
  repairs: 0,
  rejects: 0,
  anomalies: {},
  completeness: {
    proven: true,
    method: 'seams',
    reason: 'all 50 seams matched',
    seams: { checked: 50, repaired: 0, broken: 0, spanned: 0 },
    drift: false,
    reconciled: null,
  },
  requests: 52,
  retries: 0,
  bytesReceived: 1_000_000,
  columns: [],
  files: [
    { name: 'jobs.parquet', format: 'parquet', rows: 5000, bytes: 1_234_567, sha256: SHA256 },
    { name: 'jobs.arrow', format: 'arrow', rows: 5000, bytes: 999, sha256: SHA256 },
  ],
};

/** What a command printed and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Options of every export and plan that was asked for. */
  readonly asked: readonly ExportOptions[];
}

export interface ProgramOptions {
  readonly environment?: Environment;
  readonly engine?: Partial<Engine>;
  readonly pipelines?: string;
  readonly folder?: string;
  readonly terminal?: boolean;
  /** Of the terminal. Default 120. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds since the epoch. Default 0. */
  readonly wall?: number;
  /** Monotonic milliseconds. Default: time stands still. */
  readonly monotonic?: () => number;
}

/** Runs a command line in this process with an engine that only notes what it was asked for. */
export async function program(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Outcome> {
  const asked: ExportOptions[] = [];
  const stdout = new PassThrough();
  const stderr = Object.assign(new PassThrough(), {
    isTTY: options.terminal ?? false,
    columns: options.columns ?? 120,
  });
  const engine: Engine = {
    async runExport(given) {
      asked.push(checkOptions(given, 0));
      return { folder: '/output/jobs/1', manifest: MANIFEST };
    },
    async planExport(given) {
      const options = checkOptions(given, 0);
      asked.push(options);
      const { apiUrl, filters, pageSize } = options;
      return { apiUrl, filters, pageSize, total: 250, windows: 3, requests: 6 };
    },
    async verifySnapshot(folder) {
      return { folder, runId: MANIFEST.runId, problems: [], files: 2, rows: 5000 };
    },
    async pipelineStatus(folder) {
      return {
        folder,
        snapshots: [],
        attempt: undefined,
        unfinished: [],
        stale: true,
        warnings: [],
      };
    },
    ...options.engine,
  };
  const context: Context = {
    environment: options.environment ?? {},
    folder: options.folder ?? '/home/me',
    pipelines: options.pipelines ?? `${REPOSITORY}pipelines/`,
    stdout,
    stderr,
    clock: { wall: () => options.wall ?? 0, monotonic: options.monotonic ?? (() => 0) },
    signal: options.signal ?? new AbortController().signal,
    engine: async () => engine,
  };
  const code = await runProgram(args, '1.2.3', context);
  stdout.end();
  stderr.end();
  return { code, stdout: await text(stdout), stderr: await text(stderr), asked };
}
