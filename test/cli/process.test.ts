import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { REPOSITORY } from '../support/cli.ts';
import { ended, start } from '../support/process.ts';

describe('the process', () => {
  let simulator: Simulator;
  let folder = '';

  before(async () => {
    simulator = await startSimulator({ jobs: 250, signIn: { tokens: ['t0ken-v4lue'] } });
    folder = await mkdtemp(join(tmpdir(), 'process-'));
  });

  after(async () => {
    await simulator.close();
    await rm(folder, { recursive: true });
  });

  const TOKEN = { PASQAL_TOKEN: 't0ken-v4lue' };
  const exporting = (output: string, ...flags: string[]) => [
    'export',
    ...['--api-url', simulator.url, '--output', join(folder, output), ...flags],
  ];

  it('exports, and says so on stdout alone', async () => {
    const child = start(exporting('well', '--json', '--log-level', 'warn'), TOKEN);
    const { code, stdout, stderr } = await ended(child);
    assert.equal(stderr, '');
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).manifest.rows, 250);
    const names = await readdir(join(folder, 'well', 'jobs', 'latest'));
    const data = ['jobs.arrow', 'jobs.ndjson', 'jobs.parquet'];
    assert.deepEqual(names.sort(), [...data, 'load.sql', 'manifest.json']);
  });

  it('lives on when the reader of its stdout has gone', async () => {
    const child = start(exporting('unread', '--log-level', 'warn'), TOKEN);
    child.stdout.destroy();
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.ok((await readdir(join(folder, 'unread', 'jobs'))).includes('latest'));
  });

  it('ends in 77 when the credentials are refused, and never shows them', async () => {
    const wrong = start(exporting('wrong', '--log-level', 'debug'), {
      PASQAL_TOKEN: 'wr0ng-v4lue',
    });
    const { code, stdout, stderr } = await ended(wrong);
    assert.equal(code, 77);
    assert.doesNotMatch(stdout + stderr, /wr0ng/);
    assert.match(stderr, /^pasqal-jobs: /m);
  });

  it('ends in 64 for a wrong command line, with one line and no stack', async () => {
    const { code, stdout, stderr } = await ended(start(['export', '--page-sise', '7']));
    assert.equal(code, 64);
    assert.equal(stdout, '');
    assert.match(stderr, /^pasqal-jobs: unknown flag --page-sise; did you mean [^\n]*\n$/);
  });

  it('ends in 73 when the output cannot be written, before the first request', async () => {
    await writeFile(join(folder, 'file'), '');
    const asked = simulator.stats.requests;
    const { code, stderr } = await ended(start(exporting('file', '--log-level', 'warn'), TOKEN));
    assert.equal(code, 73);
    assert.match(stderr, /^pasqal-jobs: [^\n]*file[^\n]*\n$/);
    assert.equal(simulator.stats.requests, asked);
  });

  it('ends in 73 with a sentence when the working folder is gone', async () => {
    const gone = await mkdtemp(join(tmpdir(), 'gone-'));
    const main = join(REPOSITORY, 'dist/src/cli/main.js');
    const script = `cd "${gone}" && rmdir "${gone}" && exec "${process.execPath}" "${main}" export`;
    const { code, stderr } = await ended(spawn('sh', ['-c', script]));
    assert.equal(code, 73);
    assert.match(stderr, /^pasqal-jobs: the working folder is gone[^\n]*\n$/m);
    assert.doesNotMatch(stderr, /^ +at /m);
  });

  it('ends in 65 when verification finds a difference', async () => {
    assert.equal((await ended(start(exporting('bad', '--json'), TOKEN))).code, 0);
    const latest = join(folder, 'bad', 'jobs', 'latest');
    assert.equal((await ended(start(['verify', latest]))).code, 0);
    await writeFile(join(latest, 'jobs.arrow'), 'x');
    const { code, stdout } = await ended(start(['verify', latest]));
    assert.equal(code, 65);
    assert.match(stdout, /jobs\.arrow/);
  });
});

describe('a process that the system refuses something', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'refused-'));
  });
  after(() => rm(folder, { recursive: true }));

  for (const [why, script, code, message] of [
    [
      'may open few files',
      'ulimit -n 20',
      74,
      /^pasqal-jobs: too many open files \(EMFILE\); raise/,
    ],
  ] as const) {
    it(`ends with ${code} and a sentence when it ${why}`, async () => {
      await mkdir(join(folder, 'gone'), { recursive: true });
      const main = join(REPOSITORY, 'dist/src/cli/main.js');
      const command = `cd "$1" && ${script} && exec "$2" "$3" export --api-url http://127.0.0.1:9/x --output "$1/few"`;
      const child = spawn('bash', ['-c', command, 'bash', folder, process.execPath, main]);
      const result = await ended(child);
      assert.equal(result.code, code);
      assert.match(result.stderr, message);
      assert.equal(result.stderr.trim().split('\n').length, 1);
    });
  }
});
