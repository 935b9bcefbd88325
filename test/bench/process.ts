import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

/** How a whole process ran. */
export interface Measured {
  readonly seconds: number;
  /** Megabytes (10^6) of resident memory at its highest. */
  readonly peakMegabytes: number;
}

const POLL_MS = 20;

/** Runs a process to its end. Its peak memory is the kernel's own high-water mark, read until it is gone. */
export async function measure(args: readonly string[]): Promise<Measured> {
  const begun = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let peakMegabytes = 0;
  const poll = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, highWaterMark(child.pid));
  }, POLL_MS);
  const [[code], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr)]);
  const seconds = (performance.now() - begun) / 1000;
  clearInterval(poll);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`);
  return { seconds, peakMegabytes };
}

function highWaterMark(pid: number | undefined): number {
  try {
    const kibibytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return (Number(kibibytes?.[1] ?? 0) * 1024) / 1e6;
  } catch {
    return 0;
  }
}

/** A simulator in a process of its own. */
export async function serve(
  args: readonly string[],
): Promise<{ url: string; stop(): Promise<void> }> {
  const program = ['--import', 'tsx', 'test/simulator/main.ts', '--json'];
  const child = spawn(process.execPath, [...program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await once(createInterface(child.stdout), 'line');
  return {
    url: String(JSON.parse(line).url),
    async stop() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
