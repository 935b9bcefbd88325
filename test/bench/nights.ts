// make bench-nights [ARGS="<jobs> <latency in ms> <jobs deleted> ..."]: a night that goes on from the last snapshot
// beside one that reads everything, after 1% of jobs have come and 0.5% have ended.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { passNight, Random, startSimulator } from '../simulator/index.ts';

const RUNS = 3;
const POLL_MS = 20;
/** Clock ticks a second, by which Linux tells processor time. */
const TICKS = 100;

interface Night {
  readonly requests: number;
  readonly megabytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
  readonly method: string;
}

/** Runs an export to its end and measures its process. */
async function night(url: string, output: string, ...flags: readonly string[]): Promise<Night> {
  const begun = performance.now();
  const args = ['dist/src/cli/main.js', 'export', '--json', '--log-level=warn', `--api-url=${url}`];
  const child = spawn(process.execPath, [...args, `--output=${output}`, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let [cpuSeconds, peakMegabytes] = [0, 0];
  const poll = setInterval(() => {
    try {
      const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
      cpuSeconds = (Number(stat[11]) + Number(stat[12])) / TICKS;
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
      const kibibytes = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
      peakMegabytes = Math.max(peakMegabytes, (kibibytes * 1024) / 1e6);
    } catch {
      // It has ended.
    }
  }, POLL_MS);
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  clearInterval(poll);
  if (code !== 0) throw new Error(`an export ended with ${code}`);
  const { manifest } = JSON.parse(stdout);
  return {
    requests: manifest.requests,
    megabytes: manifest.bytesReceived / 1e6,
    seconds: (performance.now() - begun) / 1000,
    cpuSeconds,
    peakMegabytes,
    method: manifest.completeness.method,
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

function line(name: string, nights: readonly Night[]): string {
  const of = (figure: Exclude<keyof Night, 'method'>) => median(nights.map((one) => one[figure]));
  const { method } = nights[0];
  return `| ${name} (${method}) | ${of('requests')} | ${of('megabytes').toFixed(1)} | ${of('seconds').toFixed(2)} | ${of('cpuSeconds').toFixed(2)} | ${of('peakMegabytes').toFixed(0)} |`;
}

async function measure(jobs: number, latencyMs: number, deleted: number): Promise<void> {
  const api = await startSimulator({
    jobs,
    latencyMs,
    largestBatch: 60,
    end: (Date.now() - 600_000) * 1000,
  });
  const folder = await mkdtemp(join(tmpdir(), 'nights-'));
  try {
    // Half of a percent are still under way, and end by the next night.
    for (const id of api.jobs.ids().slice(-jobs / 200)) {
      const { createdAt } = api.jobs.keysOf(id);
      api.jobs.update(id, { status: 'RUNNING', end_timestamp: null, updated_at: createdAt });
    }
    await night(api.url, join(folder, 'base'));
    const changes = passNight(
      api.jobs,
      { added: jobs / 100, finished: jobs / 200, deleted },
      new Random(1),
    );
    const sides = { incremental: [] as Night[], full: [] as Night[] };
    for (let run = 0; run < RUNS; run++) {
      for (const side of ['incremental', 'full'] as const) {
        const output = join(folder, 'output');
        execFileSync('cp', ['-al', join(folder, 'base'), output]);
        const flags = side === 'incremental' ? ['--incremental'] : [];
        sides[side].push(await night(api.url, output, ...flags));
        await rm(output, { recursive: true });
      }
    }
    const counts = `${changes.added.length} came, ${changes.finished.length} ended, ${changes.deleted.length} were deleted`;
    console.log(`\n${jobs.toLocaleString('en')} jobs, ${latencyMs} ms: ${counts}\n`);
    console.log('| night | requests | MB received | seconds | CPU seconds | peak MB |');
    console.log('|---|---|---|---|---|---|');
    for (const [side, nights] of Object.entries(sides)) console.log(line(side, nights));
    const ratio = (figure: 'requests' | 'seconds') =>
      median(sides.full.map((one, at) => one[figure] / sides.incremental[at][figure])).toFixed(1);
    console.log(`\nfull : incremental: ${ratio('requests')} requests, ${ratio('seconds')} seconds`);
  } finally {
    await api.close();
    await rm(folder, { recursive: true });
  }
}

const given = process.argv.slice(2).map(Number);
const nights =
  given.length > 0
    ? [given]
    : [
        [200_000, 50, 0],
        [200_000, 50, 20],
        [200_000, 0, 0],
        [1_000_000, 50, 0],
      ];
for (const [jobs = 200_000, latencyMs = 50, deleted = 0] of nights)
  await measure(jobs, latencyMs, deleted);
