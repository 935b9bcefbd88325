import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { program } from '../support/cli.ts';

const TOKEN = { PASQAL_TOKEN: 'tok-3n' };

describe('a wrong command line', () => {
  const cases: readonly (readonly [args: string, message: RegExp])[] = [
    ['', /^no command given; see pasqal-jobs --help$/],
    ['exprot', /^unknown command 'exprot'; did you mean export\?/],
    ['zzz', /^unknown command 'zzz'; /],
    ['export --page-sise 4', /^unknown flag --page-sise; did you mean --page-size\?/],
    ['export --zzz', /^unknown flag --zzz; see pasqal-jobs export --help$/],
    ['export -x', /^unknown flag -x; /],
    ['export --no-status=DONE', /^unknown flag --no-status; /],
    ['export --no-errors=true', /^unknown flag --no-errors; /],
    [
      'plan --start-date -999999999999d',
      /^--start-date: expected an ISO 8601 date .* or -7d, got /,
    ],
    ['export --start-date -36501d', /^--start-date: expected an ISO 8601 date/],
    ['export --start-date -7d -3d', /^unknown flag -3; /],
    ['export -7d', /^unknown flag -7; /],
    ['export ---status=DONE', /^unknown flag ---status; /],
    ['export --5=3', /^unknown flag --5; /],
    ['export --constructor', /^unknown flag --constructor; /],
    ['export --no-toString', /^unknown flag --no-toString; /],
    ['export --page_size 3', /^unknown flag --page_size; did you mean --page-size\?/],
    ['export jobs failures', /^got a word too many: 'failures'; /],
    ['export -- jobs failures', /^got a word too many; /],
    ['export nope', /^unknown pipeline 'nope'; known are failures, jobs/],
    ['export ../jobs', /^unknown pipeline '\.\.\/jobs'; /],
    ['export jobs.ts', /^unknown pipeline 'jobs\.ts'; /],
    ['export --page-size', /^--page-size needs a value; see pasqal-jobs export --help$/],
    ['export --no-page-size', /^--page-size needs a value/],
    ['export --page-size 1', /^--page-size: expected a whole number from 2 to 100, got '1'; see/],
    ['export --page-size 101', /^--page-size: expected a whole number from 2 to 100, got '101'/],
    ['export --concurrency 65', /^--concurrency: expected a whole number from 1 to 64, got '65'/],
    ['export --min-runs -1', /^--min-runs: expected a whole number of 0 or more, got '-1'/],
    ['export --min-runs 5 --max-runs 3', /^--min-runs 5 lies past --max-runs 3: no job/],
    ['export --keep 0', /^--keep: expected a whole number of 1 or more/],
    ['export --errors=maybe', /^--errors: expected true or false, got 'maybe'/],
    ['export --format csv', /^--format: expected a comma-separated list of parquet, arrow, ndjson/],
    [
      'export --compression lz4',
      /^--compression: expected one of zstd, snappy, gzip, none, got 'lz4'/,
    ],
    [
      'export --without sequence,id',
      /^--without: expected a comma-separated list of parent_id, .*sequence, extra, got 'sequence,id'/,
    ],
    ['export --region us', /^--region: expected one of fr, sa, got 'us'/],
    ['export --start-date 2026-02-30', /^--start-date: expected an ISO 8601 date or date-time/],
    [
      'export --start-date 2026-02-01 --end-date 2026-01-01',
      /^--start-date 2026-02-01T00:00:00Z lies past --end-date 2026-01-01T00:00:00Z/,
    ],
    ['export --deadline 30', /^--deadline: expected a length of time from 1s to 24d, such as/],
    ['export --resume-within 2y', /^--resume-within: expected a length of time/],
    ['export --log-level loud', /^--log-level: expected one of debug, info, warn, error, silent/],
    ['export --api-url ftp://example.com', /^--api-url: expected an https URL/],
    ['export --api-url nonsense', /^--api-url: expected a URL such as/],
    ['export --api-url http://example.com', /^--api-url: plain http .* loopback hosts only/],
    ['export --api-url https://example.com/?a=b', /^--api-url: expected a base URL without \?/],
    ['verify', /^\[folder\] is missing, or --as; see pasqal-jobs verify --help$/],
  ];
  for (const [args, expected] of cases) {
    it(`ends in 64 with one line: pasqal-jobs ${args}`, async () => {
      const outcome = await program(args.split(' ').filter(Boolean), { environment: TOKEN });
      const [line = '', ...rest] = outcome.stderr.split('\n');
      assert.match(line.replace('pasqal-jobs: ', ''), expected);
      assert.deepEqual(rest, ['']);
      assert.equal(outcome.code, 64);
      assert.equal(outcome.stdout, '');
      assert.deepEqual(outcome.asked, []);
    });
  }
});

describe('a value that is the name of a command', () => {
  it('is a value', async () => {
    const { code, stderr } = await program(['status', '--max-age', '1h', '--as', 'export']);
    assert.deepEqual([code, stderr], [1, '']);
  });
});

describe('a secret on the command line', () => {
  const lines = [
    ['--token', 's3cr3t'],
    ['--token=s3cr3t'],
    ['--tokens3cr3t'],
    ['-token', 's3cr3t'],
    ['--password', 's3cr3t'],
    ['--PASSWORD=s3cr3t'],
    ['--client-secret', 's3cr3t'],
    ['--client_secret=s3cr3t'],
    ['--api-key=s3cr3t'],
    ['--username', 's3cr3t'],
    ['--api-url', 'https://me:s3cr3t@example.com'],
    ['--api-url', 'https://me:s3cr3t@exa mple.com'],
    ['--api-url', 'http://me:s3cr3t@example.com'],
    ['--tokne', 's3cr3t'],
    ['--pw=s3cr3t'],
    ['-ps3cr3t'],
    ['-5ps3cr3t'],
    ['---token=s3cr3t'],
    ['-7--token=s3cr3t'],
  ];
  for (const line of lines) {
    it(`is refused and not repeated: ${line.join(' ')}`, async () => {
      const { code, stdout, stderr } = await program(['export', ...line, '--json']);
      assert.equal(code, 64);
      assert.doesNotMatch(stdout + stderr, /s3cr3t/);
    });
  }

  it('is told where to go', async () => {
    const { stderr } = await program(['export', '--client-secret', 'x']);
    assert.match(stderr, /not taken from the command line.*set the variable PASQAL_CLIENT_SECRET/);
  });
});

describe('a missing environment', () => {
  it('ends in 78, saying what to set and naming make demo', async () => {
    const { code, stderr, asked } = await program(['export']);
    assert.equal(code, 78);
    assert.match(stderr, /no credentials for apis\.pasqal\.cloud: set PASQAL_TOKEN.* make demo$/m);
    assert.deepEqual(asked, []);
  });

  it('is told apart from a misspelt one, which ends in 64', async () => {
    const environment = { ...TOKEN, PASQAL_JOBS_STATSU: 'ERROR' };
    const { code, stderr, asked } = await program(['export'], { environment });
    assert.equal(code, 64);
    assert.match(stderr, /PASQAL_JOBS_STATSU: no such variable; did you mean PASQAL_JOBS_STATUS\?/);
    assert.deepEqual(asked, []);
  });
});
