import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pipelineSchema } from '../../esbuild.config.ts';
import { runExport } from '../../src/index.ts';
import { REGIONS } from '../../src/jobs/options.ts';
import { definePipeline } from '../../src/jobs/pipeline.ts';
import { FILTERS } from '../../src/jobs/query.ts';
import { ExportError } from '../../src/platform/errors.ts';
import {
  checkDefinition,
  checkOptions,
  FILTER_OPTIONS,
  RUN_OPTIONS,
} from '../../src/run/options.ts';
import * as values from '../../src/run/values.ts';

const NOON = Date.UTC(2026, 10, 23, 12);
const LEAST = { region: 'fr', credentials: { kind: 'token', token: 's3cr3t' } } as const;

describe('a value', () => {
  const cases: readonly (readonly [kind: values.Kind<unknown>, good: unknown[], bad: string[]])[] =
    [
      [
        values.integer(2, 100),
        ['2', 2, '100', 100],
        ['1', '101', '', ' 5', '5.0', '1e1', '0x10', '-5', 'NaN', '99999999999999999999'],
      ],
      [values.switched, ['true', true, '1', true, 'false', false, '0', false], ['', 'yes', 'TRUE']],
      [values.choice(['fr', 'sa']), ['sa', 'sa'], ['FR', 'eu', '']],
      [values.text, ['x', 'x'], ['']],
      [values.texts, ['DONE', ['DONE']], ['']],
      [values.choices(['parquet', 'arrow']), ['arrow', ['arrow']], ['csv', '']],
      [
        values.duration('1s', '24d'),
        ['90s', 90_000, '24d', 2_073_600_000],
        ['999ms', '25d', '90', '', '1.5h', '-1s', '1 h', '1h30m', '1H', '1h\n', '1e3s'],
      ],
      [values.share, ['20%', 0.2, '0.2', 0.2, '0', 0, '100%', 1], ['', '101%', '2', '-1', '1e-1']],
      [
        values.dateTime,
        [
          ...['2026-01-31', '2026-01-31T00:00:00Z', '2026-01-31T18:00:00', '2026-01-31T18:00:00'],
          ...['2026-01-31T18:00:00.123456+02:00', '2026-01-31T18:00:00.123456+02:00', '-7d', '-7d'],
        ],
        ['2026-02-30', '31.01.2026', 'yesterday', '1769882400', '2026-01-31 18:00', '', '7d', '-7'],
      ],
      [values.name, ['a-1_b.c', 'a-1_b.c'], ['', '.', '..', '.work', 'a/b', 'a\\b', '-a', 'a\n']],
      [values.path, ['s3:x', 's3:x', '/a b', '/a b'], ['', 's3://bucket/x', '"/a"', "'a'"]],
      [
        values.server,
        ['https://a.b/c//', 'https://a.b/c', 'http://[::1]:80/', 'http://[::1]'],
        ['', 'x', 'ftp://a.b', 'http://a.b', 'https://a.b?x', 'https://a.b#x', 'https://u:p@a.b'],
      ],
    ];
  for (const [kind, good, bad] of cases) {
    it(`is ${kind.accepts}`, () => {
      for (let at = 0; at < good.length; at += 2) {
        assert.deepEqual(values.parse(kind, [String(good[at])]), good[at + 1]);
      }
      for (const text of bad) assert.throws(() => values.parse(kind, [text]), values.Refusal, text);
    });
  }

  it('is a whole number exactly as it is written, up to the largest safe one', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        assert.equal(values.parse(values.integer(0), [String(value)]), value);
      }),
    );
    assert.throws(() => values.parse(values.integer(0), ['9007199254740993']), values.Refusal);
  });

  it('is any share that is a number', () => {
    for (const share of [0, 1 / 3, 0.1 + 0.2, 1])
      assert.equal(values.readValue(values.share, share), share);
    for (const share of [-0.1, 1.1, Number.NaN])
      assert.throws(() => values.readValue(values.share, share), values.Refusal);
  });

  it('is a length of time in any unit', () => {
    const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(...Object.entries(units)), (amount, [unit, ms]) => {
        assert.equal(values.parseDuration(`${amount}${unit}`), amount * ms);
      }),
    );
  });

  it('is refused on one printable line, cut short, and never with a password', () => {
    const long = `\n\u001b[31m${'x'.repeat(1000)}`;
    assert.throws(
      () => values.parse(values.integer(0), [long]),
      ({ message }: Error) => message.length < 250 && /^[ -~]+$/.test(message),
    );
    for (const url of ['https://me:s3cr3t@a.b', 'https://me:s3cr3t@a b', 'http://me:s3cr3t@a.b']) {
      assert.throws(() => values.parse(values.server, [url]), {
        name: 'Refusal',
        message: /^(?!.*s3cr3t)/,
      });
    }
  });
});

describe('the border of the library', () => {
  it('needs credentials and an API or a region, and knows a default for everything else', () => {
    assert.deepEqual(checkOptions(LEAST, NOON), {
      apiUrl: REGIONS.fr.apiUrl,
      credentials: LEAST.credentials,
      filters: {},
      pipeline: 'jobs',
      output: resolve('output'),
      formats: ['parquet', 'arrow', 'ndjson'],
      pageSize: 100,
      concurrency: 16,
      maxRejects: 0,
      ...{ incremental: false, fullEveryMs: 604_800_000, overlapMs: 3_600_000 },
      ...{ changes: true, allowShrink: false, replace: false, report: false, timeZone: 'UTC' },
      allowIncomplete: false,
      restart: false,
      breakLock: false,
      resumeWithinMs: 43_200_000,
      keepTryingMs: 0,
    });
  });

  const refused: readonly (readonly [why: string, given: object, message: RegExp])[] = [
    [
      'a path for a name',
      { pipeline: '../../x' },
      /^pipeline: expected a name .*got '\.\.\/\.\.\/x'$/,
    ],
    ['the parent', { pipeline: '..' }, /^pipeline: /],
    ['no name', { pipeline: '' }, /^pipeline: /],
    ['the work folder', { pipeline: '.work' }, /^pipeline: /],
    ['a separator', { pipeline: 'a\\b' }, /^pipeline: /],
    ['plain http', { apiUrl: 'http://example.com' }, /^apiUrl: plain http .*loopback/],
    ['pages of nothing', { pageSize: 0 }, /^pageSize: expected .* from 2 to 100, got 0$/],
    ['half a job', { pageSize: 2.5 }, /^pageSize: .*got 2\.5$/],
    ['digits for a number', { pageSize: '50' }, /^pageSize: .*got '50'$/],
    ['no number', { pageSize: Number.NaN }, /^pageSize: .*got NaN$/],
    ['no connection', { concurrency: 0 }, /^concurrency: .*from 1 to 64, got 0$/],
    ['too many connections', { concurrency: 65 }, /^concurrency: /],
    ['no snapshot', { keep: 0 }, /^keep: /],
    ['fewer than none', { maxRejects: -1 }, /^maxRejects: .*got -1$/],
    ['a past', { resumeWithinMs: -1 }, /^resumeWithinMs: /],
    ['an unknown codec', { compression: 'lz4' }, /^compression: /],
    ['a column that stays', { without: ['created_at'] }, /^without: .*parent_id.*'created_at'/],
    ['an unknown column', { without: ['nothing'] }, /^without: /],
    ['an unknown region', { region: 'eu' }, /^region: /],
    ['no output', { output: '' }, /^output: /],
    ['an empty token', { credentials: { kind: 'token', token: '' } }, /^credentials: token: /],
    ['no credentials', { credentials: undefined }, /^credentials: expected an object/],
    ['a text for the filters', { filters: 'DONE' }, /^filters: expected an object$/],
    ['a number in a filter', { filters: { status: [3] } }, /^filters: status: /],
    ['no file', { formats: [] }, /^formats: expected a comma-separated list/],
    ['a word for a list', { formats: 'parquet' }, /^formats: /],
    ['a typo', { pagesize: 50 }, /^no option is called 'pagesize'; did you mean pageSize\?$/],
    [
      'a typo in a filter',
      { filters: { batch_id: ['a'] } },
      /^filters: no option is called 'batch_id'/,
    ],
    ['an odd filter', { filters: { errors: 'no' } }, /^filters: errors: expected true or false/],
    ['a time without end', { deadlineMs: Number.POSITIVE_INFINITY }, /^deadlineMs: /],
    [
      'a bucket',
      { output: 's3://bucket/x' },
      /^output: expected a path on this machine, got 's3:\/\/\.\.\.'/,
    ],
    [
      'an empty range',
      { filters: { minRuns: 2, maxRuns: 1 } },
      /^minRuns 2 lies past maxRuns 1: no job/,
    ],
    [
      'a proxy of another kind',
      { proxy: { https: 'socks5://me:s3cr3t@h' } },
      /^proxy: https: expected/,
    ],
    [
      'a way to sign in',
      { credentials: { kind: 'tokn', token: 's3cr3t' } },
      /^credentials: kind: /,
    ],
    [
      'a way to sign in that objects have',
      { credentials: { kind: 'constructor', token: 's3cr3t' } },
      /^credentials: kind: /,
    ],
    [
      'half an account',
      { credentials: { kind: 'password', username: 'me' } },
      /^credentials: password: /,
    ],
    [
      'a place to sign in',
      {
        credentials: {
          ...{ kind: 'client', clientId: 'id', clientSecret: 's3cr3t' },
          endpoint: { url: 'http://example.com' },
        },
      },
      /^credentials: endpoint: url: plain http/,
    ],
  ];
  for (const [why, given, message] of refused) {
    it(`refuses before anything is touched: ${why}`, async () => {
      const error = await runExport({ ...LEAST, ...given }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof ExportError);
      assert.equal(error.exitCode, 64);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /s3cr3t/);
    });
  }

  it('checks every option and every filter that there is', async () => {
    const everyone = [
      ...Object.keys(RUN_OPTIONS).map((name) => [name, { [name]: {} }] as const),
      ...Object.keys(FILTER_OPTIONS).map(
        (name) => [`filters: ${name}`, { filters: { [name]: {} } }] as const,
      ),
    ];
    for (const [name, given] of everyone) {
      const error = await runExport({ ...LEAST, ...Object(given) }).catch((thrown) => thrown);
      assert.equal(error.exitCode, 64, name);
      assert.ok(error.message.startsWith(`${name}: expected `), error.message);
    }
  });

  it('refuses to go without credentials to any other machine', () => {
    const credentials = { kind: 'none' } as const;
    assert.throws(() => checkOptions({ region: 'sa', credentials }, NOON), { exitCode: 78 });
    const { apiUrl } = checkOptions({ apiUrl: 'http://127.0.0.1:80/x/', credentials }, NOON);
    assert.equal(apiUrl, 'http://127.0.0.1/x');
    assert.throws(() => checkOptions({ credentials }, NOON), { message: /^apiUrl: give it/ });
  });

  it('takes the place to sign in from the region, or in part from whoever knows better', () => {
    const account = { kind: 'password', username: 'me', password: 'p w' } as const;
    const { credentials } = checkOptions({ region: 'sa', credentials: account }, NOON);
    assert.deepEqual(credentials, { ...account, endpoint: REGIONS.sa.endpoint });
    const endpoint = { url: 'https://example.com/token' };
    const partly = checkOptions({ region: 'fr', credentials: { ...account, endpoint } }, NOON);
    assert.deepEqual(partly.credentials, {
      ...account,
      endpoint: { ...REGIONS.fr.endpoint, ...endpoint },
    });
  });

  it('takes a pipeline definition', () => {
    const night = definePipeline({ description: 'x', filters: { status: ['ERROR'] }, keep: 3 });
    const options = checkOptions({ ...LEAST, ...night, pipeline: 'night' }, NOON);
    assert.equal(options.keep, 3);
    assert.equal(options.pipeline, 'night');
    assert.ok(!('description' in options));
  });

  it('turns a date before now into one that stays, and keeps what was written', () => {
    const given = { ...LEAST, filters: { startDate: '-7d', endDate: '2026-11-23T00:00:00Z' } };
    const options = checkOptions(given, NOON);
    const at = '2026-11-16T12:00:00Z';
    assert.deepEqual(options.filters, { startDate: at, endDate: '2026-11-23T00:00:00Z' });
    assert.deepEqual(options.relative, { startDate: { written: '-7d', at } });
    assert.equal(checkOptions(options, NOON + 86_400_000), options, 'checked once');
    assert.throws(() => checkOptions({ ...options }, NOON), { exitCode: 64, message: /relative/ });
  });
});

describe('a filter', () => {
  it('is one line of one table', () => {
    const { projectId, startDate } = FILTER_OPTIONS;
    assert.equal(projectId.flag, 'project-id');
    assert.equal(projectId.help, FILTERS.projectId.help);
    assert.deepEqual(values.parse(projectId.kind, ['a', 'b']), ['a', 'b']);
    assert.equal(startDate.help, `${FILTERS.startDate.help}, or so long before now: -7d`);
    assert.deepEqual(Object.keys(FILTER_OPTIONS), Object.keys(FILTERS));
  });
});

describe('the JSON schema of pipeline files', () => {
  it('knows the options and filters that a pipeline file may have, and no other', () => {
    const { properties } = pipelineSchema();
    const sample: Readonly<Record<string, unknown>> = {
      ...{ formats: ['arrow'], compression: 'none', concurrency: 2, pageSize: 2 },
      without: ['extra'],
      ...{ incremental: true, fullEveryMs: 0, overlapMs: 0, changes: false, maxShrink: 0.5 },
      ...{ report: true, timeZone: 'UTC' },
      ...{ maxRejects: 0, keep: 1, filters: {}, description: 'x', $schema: 'x' },
    };
    assert.deepEqual(Object.keys(Object(properties)).sort(), Object.keys(sample).sort());
    checkDefinition(sample, 'x');
    const filters = Object(properties).filters.properties;
    assert.deepEqual(Object.keys(filters), Object.keys(FILTER_OPTIONS));
    assert.deepEqual(Object(properties).pageSize, {
      ...{ type: 'integer', minimum: 2, maximum: 100 },
      description: RUN_OPTIONS.pageSize.help,
    });
  });
});
