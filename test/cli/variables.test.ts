import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ALL_OPTIONS } from '../../src/cli/commands.ts';
import {
  type Environment,
  proxyFrom,
  refuseUnknownVariables,
  variableOf,
} from '../../src/cli/environment.ts';
import { program } from '../support/cli.ts';

const TOKEN = { PASQAL_TOKEN: 'tok-3n' };
let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'variables-'));
  await writeFile(join(folder, 'ids'), '\uFEFFa\r\n\n b,c \nd\u2028e\n');
  await writeFile(join(folder, 'empty'), '\n');
});

after(() => rm(folder, { recursive: true }));

async function options(line: string, environment: Environment = {}) {
  const args = line.split(' ').filter(Boolean);
  const { asked, stderr } = await program(args, {
    environment: { ...TOKEN, ...environment },
    folder,
    wall: Date.UTC(2026, 10, 23, 12),
  });
  return asked[0] ?? assert.fail(stderr);
}

async function refusal(line: string, environment: Environment = {}): Promise<string> {
  const args = line.split(' ').filter(Boolean);
  const outcome = await program(args, { environment: { ...TOKEN, ...environment }, folder });
  assert.equal(outcome.code, 64, outcome.stderr);
  assert.deepEqual(outcome.asked, []);
  return outcome.stderr;
}

describe('a variable', () => {
  it('counts behind a flag, and as unset when it is empty', async () => {
    const environment = { PASQAL_JOBS_PAGE_SIZE: ' 20 ', PASQAL_JOBS_KEEP: '' };
    assert.equal((await options('export', environment)).pageSize, 20);
    assert.equal((await options('export --page-size 10', environment)).pageSize, 10);
    assert.equal((await options('export', environment)).keep, undefined);
  });

  it('has three states when it is a switch', async () => {
    assert.equal((await options('export')).filters.errors, undefined);
    const environment = { PASQAL_JOBS_ERRORS: 'true' };
    assert.equal((await options('export', environment)).filters.errors, true);
    assert.equal((await options('export --no-errors', environment)).filters.errors, false);
  });

  it('is refused by its own name, a flag by its own', async () => {
    const expected = "expected a whole number from 2 to 100, got 'many'; see pasqal-jobs export";
    const environment = { PASQAL_JOBS_PAGE_SIZE: 'many' };
    assert.ok(
      (await refusal('export', environment)).includes(`PASQAL_JOBS_PAGE_SIZE: ${expected}`),
    );
    assert.ok((await refusal('export --page-size many')).includes(`--page-size: ${expected}`));
    assert.match(
      await refusal('plan', { PASQAL_JOBS_ERRORS: 'maybe' }),
      /true or false, got 'maybe'/,
    );
  });

  it('exists for every option', () => {
    const names = ALL_OPTIONS.map(variableOf);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.includes('PASQAL_JOBS_ID_STARTS_WITH'));
    refuseUnknownVariables(Object.fromEntries(names.map((name) => [name, 'x'])), ALL_OPTIONS);
  });

  it('is refused when no option is called so, by name and without the value', async () => {
    const typo = await refusal('export', { PASQAL_JOBS_PAGESIZE: 'value' });
    assert.match(
      typo,
      /: PASQAL_JOBS_PAGESIZE: .*; did you mean PASQAL_JOBS_PAGE_SIZE\?; see pasqal-jobs export --help$/m,
    );
    const odd = await refusal('export', { PASQAL_JOBS_XYZZY: 'value' });
    assert.match(odd, /: PASQAL_JOBS_XYZZY: no such variable; unset it/);
    assert.doesNotMatch(typo + odd, /value/);
  });

  it('is not ours when a container platform invents it for a service of our name', async () => {
    await options('export', {
      PASQAL_JOBS_SERVICE_HOST: '10.0.0.1',
      PASQAL_JOBS_SERVICE_PORT: '80',
      PASQAL_JOBS_SERVICE_PORT_HTTP: '80',
      PASQAL_JOBS_PORT: 'tcp://10.0.0.1:80',
      PASQAL_JOBS_PORT_80_TCP: 'tcp://10.0.0.1:80',
      PASQAL_JOBS_PORT_80_TCP_ADDR: '10.0.0.1',
      PASQAL_JOBS_NIGHTLY_SERVICE_HOST: '10.0.0.2',
      PASQAL_JOBS_NIGHTLY_PORT: 'tcp://10.0.0.2:80',
    });
  });
});

describe('a list', () => {
  it('adds up over repeated flags, keeps the first of equals, and is split at commas', async () => {
    const { filters } = await options('export --status A,B --status B,C --id x');
    assert.deepEqual(filters, { status: ['A', 'B', 'C'], id: ['x'] });
    const environment = { PASQAL_JOBS_STATUS: 'A, B' };
    assert.deepEqual((await options('export', environment)).filters.status, ['A', 'B']);
  });

  it('comes from the lines of a file, whatever stands in them', async () => {
    const { filters } = await options('export --id @ids --id z');
    assert.deepEqual(filters.id, ['a', 'b,c', 'd\u2028e', 'z']);
    const environment = { PASQAL_JOBS_ID: '@ids' };
    assert.deepEqual((await options('export', environment)).filters.id?.length, 3);
    assert.match(await refusal('export --id @none'), /--id: cannot read .*none \(ENOENT\)/);
    assert.match(await refusal('export --id @empty'), /--id: .*empty has no line with a value/);
  });
});

describe('a date before now', () => {
  for (const line of [
    'export --start-date -7d --end-date=-24h',
    'plan --end-date -24h --start-date=-7d',
  ]) {
    it(`stands where other dates stand: ${line}`, async () => {
      const { filters, relative } = await options(line);
      assert.deepEqual(filters, {
        startDate: '2026-11-16T12:00:00Z',
        endDate: '2026-11-22T12:00:00Z',
      });
      assert.deepEqual(relative?.startDate, { written: '-7d', at: '2026-11-16T12:00:00Z' });
    });
  }

  it('is no way around a flag without its value', async () => {
    assert.match(await refusal('export --start-date --json'), /--start-date needs a value/);
    assert.match(
      await refusal('export --start-date -1d --end-date -2d'),
      /--start-date .* lies past/,
    );
  });
});

describe('a path', () => {
  it('is refused as an address, and with the quotes that an env file kept', async () => {
    assert.match(
      await refusal('export --output s3://b/x'),
      /--output: expected a path on this machine/,
    );
    assert.match(
      await refusal('export', { PASQAL_JOBS_OUTPUT: '"/data"' }),
      /PASQAL_JOBS_OUTPUT: the quotes around "\/data" became part of the path; write it without/,
    );
  });

  it('starts in the working folder', async () => {
    assert.equal((await options('export --output ./x')).output, join(folder, 'x'));
  });
});

describe('a name', () => {
  it('is given with --as, and is no path', async () => {
    const { pipeline, filters } = await options('export failures --as night');
    assert.equal(pipeline, 'night');
    assert.deepEqual(filters.status, ['ERROR', 'TIMED_OUT', 'CANCELED']);
    assert.match(await refusal('export --as ../x'), /--as: expected a name/);
  });
});

describe('a proxy', () => {
  const cases: readonly (readonly [environment: Environment, expected: unknown])[] = [
    [{}, undefined],
    [{ HTTPS_PROXY: '', NO_PROXY: 'x' }, undefined],
    [{ HTTPS_PROXY: 'http://p:3128' }, { https: 'http://p:3128' }],
    [
      { https_proxy: 'http://low', HTTPS_PROXY: 'http://high', no_proxy: 'a,.b' },
      { https: 'http://low', noProxy: 'a,.b' },
    ],
    [{ http_proxy: 'p:3128' }, { http: 'http://p:3128' }],
  ];
  for (const [environment, expected] of cases) {
    it(`is read from ${JSON.stringify(environment)}`, async () => {
      assert.deepEqual(proxyFrom(environment), expected);
      assert.deepEqual((await options('export', environment)).proxy, expected);
    });
  }

  it('of another kind is refused, and its password is never shown', async () => {
    const stderr = await refusal('export', { HTTPS_PROXY: 'socks5://me:pass-w0rd@p:1080' });
    assert.match(stderr, /proxy: https: expected the URL of an http or https proxy/);
    const runExport = () => Promise.reject(new Error('via http://me:pass-w0rd@p'));
    const environment = { ...TOKEN, HTTPS_PROXY: 'http://me:pass-w0rd@p:3128' };
    const failed = await program(['export'], { environment, engine: { runExport } });
    assert.doesNotMatch(stderr + failed.stderr, /pass-w0rd/);
  });
});
