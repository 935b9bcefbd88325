import type { SingleBar } from 'cli-progress';
import type { Output } from './context.ts';
import { formatSeconds } from './duration.ts';
import { count } from './figures.ts';
import type { Progress } from './progress.ts';

export interface ProgressBar {
  readonly update: (progress: Progress, rate: number) => void;
  /** Prints a line above the bar. */
  readonly log: (line: string) => void;
  /** Draws the last state once more and frees the terminal. Calling it again does nothing. */
  readonly close: () => void;
}

const FORMAT =
  '[{bar}] {percentage}% | {jobs} of {jobsTotal} jobs | {rate} jobs/s | ETA {eta_formatted} | {inFlight} in flight | {retries} retries';

/** A bar on a terminal, drawn at most ten times a second. cli-progress is loaded for it only. */
export async function openProgressBar(stream: Output): Promise<ProgressBar> {
  const { MultiBar } = (await import('cli-progress')).default;
  const bars = new MultiBar({
    stream,
    format: FORMAT,
    barsize: 20,
    hideCursor: true,
    gracefulExit: false,
    emptyOnZero: true,
    etaBuffer: 100,
    formatTime: timeLeft,
  });
  let bar: SingleBar | undefined;
  return {
    update(progress, rate) {
      const payload = {
        jobs: count(progress.jobs),
        jobsTotal: count(progress.total),
        rate: count(rate),
        inFlight: progress.inFlight,
        retries: progress.retries,
      };
      bar ??= bars.create(progress.total, progress.jobs, payload);
      bar.setTotal(progress.total);
      bar.update(progress.jobs, payload);
    },
    log(line) {
      if (bar === undefined) stream.write(`${line}\n`);
      else bars.log(`${line}\n`);
    },
    close() {
      if (bar === undefined) return;
      bar = undefined;
      bars.update();
      bars.stop();
    },
  };
}

/** cli-progress hands over a word instead of seconds while it cannot tell. */
function timeLeft(seconds: unknown): string {
  if (typeof seconds !== 'number' || !Number.isFinite(seconds)) return '?';
  return seconds < 60 ? `${Math.round(seconds)} s` : formatSeconds(seconds);
}
