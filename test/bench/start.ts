// node --import tsx test/bench/start.ts [runs]: how long a built command line takes to start, beside bare Node.js.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const MAIN = 'dist/src/cli/main.js';

/** Milliseconds over all runs. */
export interface Start {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface StartFigures {
  /** `node -e 0`, start to end. */
  readonly bare: Start;
  /** `pasqal-jobs --help`, start to end. */
  readonly help: Start;
  /** From the start of `pasqal-jobs export` to the arrival of its first request. */
  readonly firstRequest: Start;
}

/** Starts each in turn, so that whatever else the machine does hits all alike. One round more warms up. */
export async function measureStart(runs: number): Promise<StartFigures> {
  const server = createServer((request) => request.socket.destroy());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = await mkdtemp(join(tmpdir(), 'pasqal-start-'));
  const times = { bare: [] as number[], help: [] as number[], firstRequest: [] as number[] };
  try {
    for (let run = 0; run <= runs; run++) {
      times.bare.push(await toEnd(['-e', '0']));
      times.help.push(await toEnd([MAIN, '--help']));
      const output = join(folder, String(run));
      const args = [`--api-url=http://127.0.0.1:${port}`, `--output=${output}`];
      times.firstRequest.push(await toRequest([MAIN, 'export', ...args], once(server, 'request')));
    }
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
  const { bare, help, firstRequest } = times;
  return { bare: spread(bare), help: spread(help), firstRequest: spread(firstRequest) };
}

async function toEnd(args: readonly string[]): Promise<number> {
  const begun = performance.now();
  await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit');
  return performance.now() - begun;
}

async function toRequest(args: readonly string[], request: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    const ended = exited.then(() => Promise.reject(new Error('it ended without a request')));
    await Promise.race([request, ended]);
    return performance.now() - begun;
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

function spread([, ...counted]: readonly number[]): Start {
  const sorted = counted.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const figures = await measureStart(Number(process.argv[2] ?? 10));
  for (const [name, { median, min, max }] of Object.entries(figures)) {
    console.log(`${name.padEnd(12)} ${[median, min, max].map((ms) => ms.toFixed(0)).join(' ')}`);
  }
}
