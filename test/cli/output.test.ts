import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ExportError } from '../../src/platform/errors.ts';
import { MANIFEST, program } from '../support/cli.ts';

const environment = { PASQAL_TOKEN: 'tok-3n' };

describe('what a command prints', () => {
  it('is a summary of the export', async () => {
    const { code, stdout, stderr } = await program(['export'], { environment });
    assert.equal(code, 0);
    assert.equal(stderr, '');
    assert.equal(
      stdout,
      [
        'exported 5,000 jobs in 12.3 s with 52 requests',
        '  jobs.parquet     1.2 MB',
        '  jobs.arrow        999 B',
        'complete: proven; all 50 seams matched',
        '/output/jobs/1',
        '',
      ].join('\n'),
    );
  });

  it('names all that went wrong on the way', async () => {
    const manifest = {
      ...MANIFEST,
      rows: 1,
      retries: 1,
      resumed: 2,
      rejects: 3,
      anomalies: { unknown_status: 1200, end_before_start: 1 },
      completeness: { ...MANIFEST.completeness, proven: false, reason: 'the list kept moving' },
    };
    const runExport = async () => ({ folder: '/output/jobs/2', manifest });
    const { stdout } = await program(['export'], { environment, engine: { runExport } });
    assert.match(stdout, /^exported 1 job in .* with 52 requests \(1 retry, resumed 2 times\)$/m);
    assert.match(stdout, /^complete: NOT PROVEN; the list kept moving$/m);
    assert.match(stdout, /^set aside: 3 rows, see rejects\.ndjson$/m);
    assert.match(stdout, /^anomalies .*: unknown_status 1,200, end_before_start 1$/m);
  });

  it('is one JSON object when asked for', async () => {
    for (const [args, env] of [
      [['export', '--json'], environment],
      [['export'], { ...environment, PASQAL_JOBS_JSON: '1' }],
    ] as const) {
      const { stdout } = await program(args, { environment: env });
      assert.deepEqual(JSON.parse(stdout), { folder: '/output/jobs/1', manifest: MANIFEST });
      assert.equal(stdout.split('\n').length, 2);
    }
  });

  it('is one of the failure too, by the last word on it', async () => {
    for (const [words, isJson] of [
      ['--json', true],
      ['--json=true', true],
      ['--json true', true],
      ['--no-json --json', true],
      ['--json=false', false],
      ['--json false', false],
      ['--json --no-json', false],
      ['', false],
    ] as const) {
      const args = ['plan', ...words.split(' ').filter(Boolean), '--page-size', '1'];
      const { stdout } = await program(args, { environment });
      assert.equal(stdout !== '' && JSON.parse(stdout).error.exitCode === 64, isJson, words);
      const other = { ...environment, PASQAL_JOBS_JSON: 'true' };
      const told = await program(args, { environment: other });
      assert.equal(told.stdout !== '', isJson || words === '', `${words}, and the variable`);
    }
  });

  it('tells a failure as a log line by the last word on its format', async () => {
    const other = { ...environment, PASQAL_JOBS_LOG_FORMAT: 'json' };
    for (const [words, env, isJson] of [
      ['--log-format json', environment, true],
      ['--log-format=json', environment, true],
      ['--log-format json --log-format text', environment, false],
      ['', other, true],
      ['--log-format text', other, false],
    ] as const) {
      const args = ['plan', ...words.split(' ').filter(Boolean), '--page-size', '1'];
      const { stderr } = await program(args, { environment: env });
      assert.equal(stderr.startsWith('{'), isJson, words);
    }
  });

  it('is a plan', async () => {
    const { stdout } = await program(['plan', 'failures'], { environment });
    assert.match(stdout, /^250 jobs on https:.*core-fast with status = ERROR,TIMED_OUT,CANCELED$/m);
    assert.match(stdout, /^an export takes about 6 requests of up to 100 jobs while/m);
    const plan = JSON.parse((await program(['plan', '--json'], { environment })).stdout);
    assert.equal(plan.total, 250);
  });

  it('is what verification found, and 65 when that is not well', async () => {
    const well = await program(['verify', 'output/jobs/latest']);
    assert.equal(well.code, 0);
    assert.match(well.stdout, /^run 20261123T020000Z-1f2e3d is whole: 2 files, 5,000 rows each/);
    assert.match(well.stdout, /^\/home\/me\/output\/jobs\/latest$/m);
    const problems = ['jobs.arrow: sha256 differs'];
    const verifySnapshot = async (folder: string) => ({
      folder,
      runId: 'r',
      files: 2,
      rows: 1,
      problems,
    });
    const bad = await program(['verify', 'x'], { engine: { verifySnapshot } });
    assert.equal(bad.code, 65);
    assert.match(bad.stdout, /differs from its manifest:\n {2}jobs\.arrow: sha256 differs\n/);
    const json = await program(['verify', 'x', '--json'], { engine: { verifySnapshot } });
    assert.equal(json.code, 65);
    assert.deepEqual(JSON.parse(json.stdout).problems, problems);
  });

  it('is the path of a report', async () => {
    const asked: unknown[][] = [];
    const reportSnapshot = async (...args: unknown[]) => void asked.push(args);
    const engine = { reportSnapshot };
    const line = ['report', 'old', '--file', 'page.html', '--time-zone', 'europe/paris'];
    const { code, stdout } = await program(line, { engine });
    assert.deepEqual([code, stdout], [0, '/home/me/page.html\n']);
    await program(['report'], { engine });
    assert.deepEqual(asked, [
      ['/home/me/old', '/home/me/page.html', 'Europe/Paris'],
      ['/home/me/output/jobs/latest', '/home/me/report.html', 'UTC'],
    ]);
    const wrong = await program(['report', '--time-zone', 'Mars'], { engine });
    assert.equal(wrong.code, 64);
    assert.match(wrong.stderr, /--time-zone: expected a time zone such as Europe\/Paris/);
  });

  it('is help, the version or a completion script', async () => {
    assert.match((await program(['--help'])).stdout, /export \[pipeline\]/);
    const help = (await program(['export', '--help'])).stdout;
    assert.match(help, /--id-starts-with/);
    assert.match(help, /^Pipelines:\n {2}failures: Jobs that .*\n {2}jobs: Every job /ms);
    for (const args of [
      ['export', '-h'],
      ['help', 'export'],
    ]) {
      assert.equal((await program(args)).stdout, help);
    }
    const first = (await program(['-h'])).stdout;
    assert.equal(first, (await program(['help'])).stdout);
    assert.ok(first.split('\n').length <= 24, 'fits on a screen');
    assert.match(first, /^Exit codes: 0 /m);
    for (const flag of ['--version', '-V']) {
      assert.equal((await program([flag])).stdout.trim(), '1.2.3');
    }
    assert.match((await program(['completion'])).stdout, /complete .* pasqal-jobs/);
    const unknown = await program(['completion', '--unknown']);
    assert.deepEqual([unknown.code, unknown.stdout], [64, '']);
    assert.match(unknown.stderr, /unknown flag --unknown; see pasqal-jobs --help/);
  });

  it('is what a shell may complete', async () => {
    const complete = async (...words: string[]) => {
      const { code, stdout, stderr } = await program([
        '--get-yargs-completions',
        'pasqal-jobs',
        ...words,
      ]);
      assert.deepEqual([code, stderr], [0, '']);
      return stdout.trim().split('\n');
    };
    assert.ok((await complete('ex')).includes('export'));
    assert.deepEqual(await complete('export', 'fail'), ['failures']);
    assert.deepEqual(await complete('export', '--region', ''), ['fr', 'sa']);
    assert.ok((await complete('export', '--pa')).includes('--page-size'));
    assert.ok((await complete('export', 'jobs', '')).includes('--region'));
    for (const command of ['report', 'verify'])
      assert.deepEqual(await complete(command, 'o'), ['']);
  });
});

describe('what a failure prints', () => {
  function failing(error: unknown) {
    return { runExport: () => Promise.reject(error) };
  }
  const refused = new ExportError('the server refused tok-3n', {
    exitCode: 77,
    stage: 'extract',
    cause: new Error('it said no'),
  });

  it('is one line on stderr, without secrets', async () => {
    const { code, stdout, stderr } = await program(['export'], {
      environment,
      engine: failing(refused),
    });
    assert.equal(code, 77);
    assert.equal(stdout, '');
    assert.equal(stderr, 'pasqal-jobs: the server refused [hidden]\n');
  });

  it('is one JSON object on stdout too when asked for', async () => {
    const { stdout, stderr } = await program(['export', '--json'], {
      environment,
      engine: failing(refused),
    });
    assert.deepEqual(JSON.parse(stdout), {
      error: {
        message: 'the server refused [hidden]',
        exitCode: 77,
        stage: 'extract',
        retryable: false,
      },
    });
    assert.match(stderr, /^pasqal-jobs: /);
  });

  it('has the stack and the causes at level debug only', async () => {
    const args = ['export', '--log-level', 'debug'];
    const { stderr } = await program(args, { environment, engine: failing(refused) });
    assert.match(stderr, /\n {4}at .*\ncaused by Error: it said no\n {4}at /s);
    assert.doesNotMatch(stderr, /tok-3n/);
  });

  it('says of anything unexpected that it is a bug', async () => {
    for (const thrown of [new TypeError('x is not a function\nmore'), 'text', null]) {
      const { code, stderr } = await program(['export'], { environment, engine: failing(thrown) });
      assert.equal(code, 70);
      assert.match(stderr, /^pasqal-jobs: [^\n]*this is a bug in pasqal-jobs[^\n]*\n$/);
    }
  });
});
