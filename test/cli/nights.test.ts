import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import test from 'node:test';
import parse from 'parse-prometheus-text-format';
import { pipelineStatus, runExport } from '../../src/index.ts';
import { EXIT, ExportError } from '../../src/platform/errors.ts';
import { passNight, Random, startSimulator } from '../simulator/index.ts';
import { program } from '../support/cli.ts';
import { temporaryFolder } from '../support/exports.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

/** A way to a server that can be shut: connections are refused then. */
async function openGate(target: number) {
  let server: Server | undefined;
  let port = 0;
  const gate = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    async open() {
      server = createServer((socket) => {
        const inside = connect(target, '127.0.0.1');
        socket.pipe(inside).pipe(socket);
        for (const end of [socket, inside]) end.on('error', () => {});
        socket.on('close', () => inside.destroy());
      });
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
    },
    async shut() {
      const closed = server && once(server, 'close');
      server?.close();
      await closed;
      server = undefined;
    },
  };
  await gate.open();
  return gate;
}

test('five nights, with an outage, a kill and a refusal by the guard, are each known the morning after', async (t) => {
  const api = await startSimulator({ jobs: 900, seed: 5 });
  t.after(() => api.close());
  const { port, pathname } = new URL(api.url);
  const gate = await openGate(Number(port));
  t.after(() => gate.shut());
  const output = await temporaryFolder(t);
  const metrics = join(output, 'jobs.prom');
  const random = new Random(5);

  let now = Math.ceil(api.jobs.latest / 1000) + MINUTE;
  let outageEnds = 0;
  const clock = {
    wall: () => Math.floor(now),
    monotonic: () => now,
    async sleep(ms: number, signal?: AbortSignal) {
      signal?.throwIfAborted();
      now += ms;
      if (outageEnds === 0 || now < outageEnds) return;
      outageEnds = 0;
      await gate.open();
    },
  };

  /** One night: the command of `make nightly`, and what it leaves to be seen. */
  async function night(flags: readonly string[] = [], killedAfter = Number.POSITIVE_INFINITY) {
    const stop = new AbortController();
    let left = killedAfter;
    const { code, stdout, stderr } = await program(
      [
        ...['export', '--incremental', '--keep', '30', '--keep-trying', '3h', '--quiet'],
        ...['--api-url', gate.url + pathname, '--output', output, '--metrics', metrics, ...flags],
      ],
      {
        wall: now,
        monotonic: () => now,
        signal: stop.signal,
        engine: {
          runExport: (options, effects = {}, signal) =>
            runExport(
              options,
              {
                ...effects,
                clock,
                emit(event) {
                  effects.emit?.(event);
                  if (event.type !== 'progress' || --left !== 0) return;
                  const reason = { exitCode: EXIT.terminated, stage: 'cli' } as const;
                  stop.abort(new ExportError('stopped by SIGTERM', reason));
                },
              },
              signal,
            ),
        },
      },
    );
    const figures = new Map<string, number>();
    for (const { name, metrics: found } of parse(await readFile(metrics, 'utf8')))
      for (const { value, labels } of found)
        figures.set([name, labels?.kind].filter(Boolean).join(' '), Number(value));
    const { outcome, exitCode, message, lastGood } = JSON.parse(
      await readFile(join(output, 'jobs/status.json'), 'utf8'),
    );
    return { code, stdout, stderr, figures, outcome, exitCode, message, good: lastGood?.runId };
  }

  async function morning(maxAge: string) {
    const { code, stdout } = await program(['status', '--output', output, '--max-age', maxAge], {
      wall: now,
      engine: { pipelineStatus: (folder, maxAgeMs) => pipelineStatus(folder, maxAgeMs, now) },
    });
    return { code, stdout };
  }

  /** The list goes on with the clock: by one job, and what the night brings follows it. */
  function nextDay(): void {
    now = Math.ceil(now) + DAY;
    api.jobs.insert({ created_at: (now - MINUTE) * 1000 });
  }

  const exitCodeOf = ({ figures }: { figures: Map<string, number> }) =>
    figures.get('pasqal_jobs_last_run_exit_code');
  const rowsOf = ({ figures }: { figures: Map<string, number> }) =>
    figures.get('pasqal_jobs_last_success_rows');

  const first = await night();
  assert.deepEqual([first.code, first.stdout, first.stderr], [0, '', '']);
  assert.deepEqual([first.outcome, first.exitCode, exitCodeOf(first)], ['published', 0, 0]);
  assert.equal((await morning('26h')).code, 0);
  assert.equal((await morning('0s')).code, 1);

  // The second: nothing answers for forty minutes.
  nextDay();
  passNight(api.jobs, { added: 40, finished: 10 }, random);
  await gate.shut();
  const begun = now;
  outageEnds = now + 40 * MINUTE;
  const second = await night();
  assert.deepEqual([second.code, second.stdout, second.stderr], [0, '', '']);
  assert.equal(second.outcome, 'published');
  assert.ok(now - begun >= 40 * MINUTE && now - begun < 75 * MINUTE, `${now - begun} ms`);
  assert.equal(rowsOf(second), 941);
  assert.equal(second.figures.get('pasqal_jobs_last_success_changes created'), 41);

  // The third is killed, and the same command ends it.
  nextDay();
  passNight(api.jobs, { added: 500, finished: 10 }, random);
  const killed = await night([], 3);
  assert.deepEqual([killed.code, killed.stdout], [143, '']);
  assert.equal(killed.stderr, 'pasqal-jobs: stopped by SIGTERM\n');
  assert.deepEqual([killed.outcome, killed.exitCode], ['interrupted', 143]);
  assert.deepEqual([killed.good, rowsOf(killed), exitCodeOf(killed)], [second.good, 941, 143]);
  assert.match((await morning('26h')).stdout, /last attempt: interrupted.*\n.*unfinished work/);
  const third = await night();
  assert.deepEqual([third.code, third.stdout, third.stderr], [0, '', '']);
  assert.equal(rowsOf(third), 1442);
  assert.match((await morning('26h')).stdout, /incremental, created 501, updated 10, deleted 0/);

  // The fourth finds half of the jobs gone.
  nextDay();
  passNight(api.jobs, { deleted: 800 }, random);
  const fourth = await night();
  assert.deepEqual([fourth.code, fourth.stdout], [65, '']);
  assert.match(fourth.stderr, /^pasqal-jobs: .*found 643 jobs, .*1,442 jobs.*--allow-shrink.*\n$/);
  assert.deepEqual([fourth.outcome, fourth.exitCode, fourth.good], ['failed', 65, third.good]);
  assert.deepEqual([exitCodeOf(fourth), rowsOf(fourth)], [65, 1442]);
  assert.equal(fourth.message, fourth.stderr.slice('pasqal-jobs: '.length).trimEnd());
  assert.equal((await morning('26h')).code, 0);

  // By the fifth that is too old; somebody has looked and lets it pass.
  now += DAY;
  const stale = await morning('26h');
  assert.equal(stale.code, 1);
  assert.match(stale.stdout, /TOO OLD.*last attempt: failed/s);
  const fifth = await night(['--allow-shrink']);
  assert.deepEqual([fifth.code, fifth.stdout, fifth.stderr], [0, '', '']);
  assert.equal(rowsOf(fifth), 643);
  assert.match((await morning('26h')).stdout, /created [01], updated 0, deleted (799|800)/);
});
