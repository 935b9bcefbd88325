import type { LogLevel, RunEvent } from '../platform/effects.ts';
import { count, counted, formatSeconds } from '../platform/format.ts';
import { settings } from '../run/options.ts';
import { type Invocation, LEVELS, SCREEN_OPTIONS } from './command.ts';
import type { Output } from './screen.ts';
import { logLine } from './summary.ts';

export type Progress = Extract<RunEvent, { type: 'progress' }>;
type Log = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Shows on stderr what a run tells. */
export type Reporter = ReturnType<typeof openReporter>;

/** Milliseconds between two log lines on the progress of a run without a bar. */
const PROGRESS_LOG_EVERY_MS = 10_000;

/** A progress bar on a terminal, log lines otherwise; flags can ask for either. */
export function openReporter({ given, context, screen }: Invocation) {
  const { stderr, clock, environment } = context;
  const { quiet, progress, logFormat, logLevel } = settings(SCREEN_OPTIONS, given);
  const drawable = stderr.isTTY === true && environment.TERM !== 'dumb' && !quiet;
  const drawn = drawable && (progress ?? logFormat === 'text');
  const bar = drawn ? openProgressBar(stderr, clock.monotonic) : undefined;
  const write = bar ? (line: string) => bar.log(screen.redactor.clean(line)) : screen.note;
  const usual = quiet ? 'error' : bar ? 'warn' : 'info';
  const heard = LEVELS.slice(LEVELS.indexOf(logLevel ?? usual));
  const log: Log = (level, message, fields = {}) => {
    if (heard.includes(level)) write(logLine(logFormat, clock.wall(), level, message, fields));
  };
  const begun = clock.monotonic();
  let first: Progress | undefined;
  let logged = begun;
  // The speed is that of this process: what a resumed run brings along does not count.
  let firstAt = begun;
  const show = (event: Progress) => {
    const now = clock.monotonic();
    if (first === undefined) [first, firstAt] = [event, now];
    const rate = now > firstAt ? ((event.jobs - first.jobs) * 1000) / (now - firstAt) : 0;
    if (bar) return bar.update(event, rate);
    if (now - logged < PROGRESS_LOG_EVERY_MS) return;
    logged = now;
    log('info', progressLine(event, rate));
  };
  return {
    emit(event: RunEvent) {
      if (event.type === 'progress') show(event);
      else log(event.level, event.message, event.fields);
    },
    /** What only logs that machines read have: the start and the end of a run, which people see on stdout. */
    log: logFormat === 'json' ? log : () => {},
    /** To be called before anything else is printed. */
    close: () => bar?.close(),
  };
}

/** `12,000 of 100,000 jobs, 3,400 jobs/s, 16 requests in flight, 2 retries` */
export function progressLine(progress: Progress, rate: number): string {
  return [
    `${count(progress.jobs)} of ${counted(progress.total, 'job')}`,
    `${count(rate)} jobs/s`,
    `${counted(progress.inFlight, 'request')} in flight`,
    counted(progress.retries, 'retry', 'retries'),
  ].join(', ');
}

const CLEAR_LINE = '\r\u001b[K';
const HIDE_CURSOR = '\u001b[?25l';
export const SHOW_CURSOR = '\u001b[?25h';
const BAR_EVERY_MS = 100;
const BAR_WIDTH = 20;
const NEVER = Number.NEGATIVE_INFINITY;

/** A bar in the last line of a terminal, drawn at most ten times a second. */
function openProgressBar(stream: Output, monotonic: () => number) {
  let bar = '';
  let drawnAt = NEVER;
  return {
    update(progress: Progress, rate: number) {
      const { jobs, total } = progress;
      const share = total > 0 ? Math.min(1, jobs / total) : 0;
      const filled = '='.repeat(Math.floor(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '-');
      const left = rate > 0 ? formatSeconds(Math.max(0, total - jobs) / rate) : '?';
      const text = `[${filled}] ${Math.floor(share * 100)}%, ETA ${left}, ${progressLine(progress, rate)}`;
      bar = text.slice(0, (stream.columns || 80) - 1);
      if (monotonic() - drawnAt < BAR_EVERY_MS) return;
      drawnAt = monotonic();
      stream.write(`${HIDE_CURSOR}${CLEAR_LINE}${bar}`);
    },
    /** Prints a line above the bar. */
    log(line: string) {
      stream.write(`${CLEAR_LINE}${line}\n${bar}`);
    },
    /** Draws the last state once more and frees the terminal. Calling it again does nothing. */
    close() {
      if (drawnAt > NEVER) stream.write(`${CLEAR_LINE}${bar}\n${SHOW_CURSOR}`);
      [bar, drawnAt] = ['', NEVER];
    },
  };
}
