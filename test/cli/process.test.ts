import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

  it('ends in 74 with a sentence wherever it meets the limit of open files', async () => {
    const main = join(REPOSITORY, 'dist/src/cli/main.js');
    const codes = new Set<number | null>();
    // Modules, sockets, threads and files meet the limit in turn, until it is enough.
    for (const files of [20, 24, 34, 39, 40, 41, 42, 43, 44, 80]) {
      const script = `ulimit -n ${files} && exec "$0" "$@"`;
      const args = [main, ...exporting(`few-${files}`, '--log-level', 'warn')];
      const { PATH, HOME } = process.env;
      const env = { PATH, HOME, ...TOKEN };
      const child = spawn('bash', ['-c', script, process.execPath, ...args], { env });
      const { code, stderr } = await ended(child);
      // Newer versions of Node.js may end before they have read a file of ours.
      if (stderr.includes('executeUserEntryPoint')) continue;
      codes.add(code);
      if (code !== 0) assert.match(stderr, /^pasqal-jobs: [^\n]*too many open files[^\n]*\n$/);
    }
    assert.deepEqual([...codes], [74, 0]);
  });

  it('takes over the lock of a run that cannot be seen, or that names nobody, when told to', async () => {
    const elsewhere = {
      ...{ host: 'c0ffee', machine: 'another', boot: 'b', pidNamespace: 'pid:[1]', pid: 7 },
      ...{ started: '1', since: '2026-11-23T02:00:00.000Z', token: '0'.repeat(36) },
    };
    const lock = join(folder, 'locked', 'jobs', '.lock');
    await mkdir(dirname(lock), { recursive: true });
    for (const [leave, says] of [
      [
        () => symlink(JSON.stringify(elsewhere), lock),
        /pid 7 on host c0ffee since 2026-11-23T02:00:00\.000Z holds the lock/,
      ],
      [() => writeFile(lock, ''), /\.lock names no holder: .* at \d{4}-/],
    ] as const) {
      await leave();
      const asked = simulator.stats.requests;
      const { code, stderr } = await ended(start(exporting('locked'), TOKEN));
      assert.equal(code, 75);
      assert.match(stderr, says);
      assert.match(stderr, /run again with --break-lock\n$/);
      assert.equal(simulator.stats.requests, asked);
      const broken = start(exporting('locked', '--break-lock', '--log-level', 'warn'), TOKEN);
      assert.equal((await ended(broken)).code, 0);
      assert.ok(!(await readdir(dirname(lock))).includes('.lock'));
    }
  });
});
