import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { program } from '../support/cli.ts';

const TOKEN = { PASQAL_TOKEN: 'tok-3n' };
let pipelines = '';

before(async () => {
  pipelines = await mkdtemp(join(tmpdir(), 'pipelines-'));
  await writeFile(
    join(pipelines, 'narrow.js'),
    `export default {
      description: 'narrow',
      filters: { status: ['ERROR'], origin: ['CLIENT'], minRuns: 10 },
      formats: ['arrow'],
      concurrency: 8,
      pageSize: 50,
      maxRejects: 3,
      keep: 7,
      compression: 'gzip',
      without: ['sequence'],
    };`,
  );
});

after(() => rm(pipelines, { recursive: true }));

/** The defaults of what concerns the last snapshot. */
const AFTER_THE_LAST = {
  ...{ incremental: false, fullEveryMs: 604_800_000, overlapMs: 3_600_000 },
  ...{ changes: true, allowShrink: false, replace: false },
};

async function options(args: string, environment = {}) {
  const { asked, stderr } = await program(args.split(' '), {
    environment: { ...TOKEN, ...environment },
    ...(args.includes('narrow') ? { pipelines } : {}),
  });
  const [first] = asked;
  assert.ok(first, stderr);
  return first;
}

describe('the options of an export', () => {
  it('have a default each', async () => {
    assert.deepEqual(await options('export'), {
      pipeline: 'jobs',
      apiUrl: 'https://apis.pasqal.cloud/core-fast',
      credentials: { kind: 'token', token: 'tok-3n' },
      filters: {},
      formats: ['parquet', 'arrow', 'ndjson'],
      output: '/home/me/output',
      concurrency: 16,
      pageSize: 100,
      maxRejects: 0,
      allowIncomplete: false,
      restart: false,
      breakLock: false,
      keepTryingMs: 0,
      ...AFTER_THE_LAST,
      resumeWithinMs: 43_200_000,
    });
  });

  it('come from the pipeline file', async () => {
    assert.deepEqual(await options('export narrow'), {
      pipeline: 'narrow',
      apiUrl: 'https://apis.pasqal.cloud/core-fast',
      credentials: { kind: 'token', token: 'tok-3n' },
      filters: { status: ['ERROR'], origin: ['CLIENT'], minRuns: 10 },
      formats: ['arrow'],
      output: '/home/me/output',
      concurrency: 8,
      pageSize: 50,
      compression: 'gzip',
      without: ['sequence'],
      maxRejects: 3,
      allowIncomplete: false,
      restart: false,
      breakLock: false,
      keepTryingMs: 0,
      ...AFTER_THE_LAST,
      resumeWithinMs: 43_200_000,
      keep: 7,
    });
  });

  it('come from the environment before the file, and from flags before both', async () => {
    const given = await options('export narrow --concurrency 2 --status DONE,ERROR', {
      PASQAL_JOBS_CONCURRENCY: '4',
      PASQAL_JOBS_PAGE_SIZE: '25',
      PASQAL_JOBS_MIN_RUNS: '20',
    });
    assert.equal(given.concurrency, 2);
    assert.equal(given.pageSize, 25);
    assert.equal(given.maxRejects, 3);
    assert.deepEqual(given.filters, { status: ['DONE', 'ERROR'], origin: ['CLIENT'], minRuns: 20 });
  });

  it('come from every flag', async () => {
    const given = await options(
      [
        'plan --id a,b --id-starts-with 0f --batch-id c --project-id d --user-id e --status DONE',
        '--min-runs 1 --max-runs 2 --no-errors --origin AZURE --start-date 2026-01-01',
        '--end-date 2026-02-01T00:00:00+01:00 --api-url http://127.0.0.1:8000/base/ --region sa',
        '--format ndjson --output there --concurrency 1 --page-size 2 --compression none',
        '--max-rejects 9 --allow-incomplete --restart --resume-within 1h --keep 2 --deadline 30m',
        '--break-lock --keep-trying 3h --as other --without variables,sequence',
        '--incremental --full-every 3d --overlap 2h --no-changes --max-shrink 5%',
        '--allow-shrink --replace',
      ].join(' '),
    );
    assert.deepEqual(given, {
      pipeline: 'other',
      apiUrl: 'http://127.0.0.1:8000/base',
      credentials: { kind: 'token', token: 'tok-3n' },
      filters: {
        id: ['a', 'b'],
        idStartsWith: '0f',
        batchId: ['c'],
        projectId: ['d'],
        userId: ['e'],
        status: ['DONE'],
        minRuns: 1,
        maxRuns: 2,
        errors: false,
        origin: ['AZURE'],
        startDate: '2026-01-01T00:00:00Z',
        endDate: '2026-02-01T00:00:00+01:00',
      },
      formats: ['ndjson'],
      output: '/home/me/there',
      concurrency: 1,
      pageSize: 2,
      compression: 'none',
      without: ['variables', 'sequence'],
      maxRejects: 9,
      ...{ incremental: true, fullEveryMs: 259_200_000, overlapMs: 7_200_000 },
      ...{ changes: false, maxShrink: 0.05, allowShrink: true, replace: true },
      allowIncomplete: true,
      restart: true,
      breakLock: true,
      keepTryingMs: 10_800_000,
      resumeWithinMs: 3_600_000,
      keep: 2,
      deadlineMs: 1_800_000,
    });
  });

  it('follow the region, in the API and in the place to sign in', async () => {
    const environment = {
      PASQAL_TOKEN: '',
      PASQAL_USERNAME: 'me',
      PASQAL_PASSWORD: 'pass word',
      PASQAL_JOBS_REGION: 'sa',
    };
    const { apiUrl, credentials } = await options('export', environment);
    assert.equal(apiUrl, 'https://apis.sa.pasqal.cloud/core-fast');
    assert.deepEqual(credentials, {
      kind: 'password',
      username: 'me',
      password: 'pass word',
      endpoint: {
        url: 'https://auth.sa.pasqal.cloud/realms/pasqal-cloud/protocol/openid-connect/token',
        publicClientId: 'cloud-sdk',
        realm: 'pasqal-cloud',
        passwordGrant: 'password',
        audience: 'https://apis.pasqal.cloud/account/api/v1',
      },
    });
  });
});
