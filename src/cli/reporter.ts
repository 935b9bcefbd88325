import type { RunEvent } from '../platform/effects.ts';
import type { Invocation } from './command.ts';
import { LOG_FLAGS } from './flags.ts';
import { openLog } from './log.ts';
import { type Progress, progressLine, speedometer } from './progress.ts';
import { openProgressBar } from './progress-bar.ts';

/** Shows on stderr what a run tells. */
export interface Reporter {
  readonly emit: (event: RunEvent) => void;
  /** To be called before anything else is printed. */
  readonly close: () => void;
}

/** Milliseconds between two log lines on the progress of a run without a bar. */
const PROGRESS_LOG_EVERY_MS = 10_000;

/** A progress bar on a terminal, log lines otherwise; flags can ask for either. */
export async function openReporter({ settings, context, screen }: Invocation): Promise<Reporter> {
  const { stderr, clock, environment } = context;
  const drawable = stderr.isTTY === true && environment.TERM !== 'dumb';
  const format = settings.resolve(LOG_FLAGS.logFormat);
  const drawn = drawable && (settings.get(LOG_FLAGS.progress) ?? format === 'text');
  const bar = drawn ? await openProgressBar(stderr) : undefined;
  const log = await openLog({
    level: settings.get(LOG_FLAGS.logLevel) ?? (bar ? 'warn' : 'info'),
    format,
    clock,
    line: bar ? (line) => bar.log(screen.redactor.clean(line)) : screen.note,
  });
  const speed = speedometer(clock.monotonic);
  let logged = clock.monotonic();
  const show = (progress: Progress) => {
    const rate = speed.rate(progress);
    if (bar) return bar.update(progress, rate);
    if (clock.monotonic() - logged < PROGRESS_LOG_EVERY_MS) return;
    logged = clock.monotonic();
    log('info', progressLine(progress, rate));
  };
  return {
    emit(event) {
      if (event.type === 'progress') show(event);
      else log(event.level, event.message, event.fields);
    },
    close: () => bar?.close(),
  };
}
