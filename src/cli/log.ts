import type { Clock } from '../platform/effects.ts';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];
export type Fields = Readonly<Record<string, string | number | boolean>>;

export type Log = (level: Level, message: string, fields?: Fields) => void;

export interface LogOptions {
  /** Lines below this level are dropped. */
  readonly level: Level | 'silent';
  readonly format: 'text' | 'json';
  readonly clock: Pick<Clock, 'wall'>;
  /** Takes one line without its line break. */
  readonly line: (text: string) => void;
}

/** Opens the log of a command. JSON lines are pino's, which is loaded for them only. */
export async function openLog(options: LogOptions): Promise<Log> {
  const { level, format } = options;
  if (level === 'silent') return () => {};
  return format === 'json' ? jsonLog({ ...options, level }) : textLog({ ...options, level });
}

interface AudibleOptions extends LogOptions {
  readonly level: Level;
}

function textLog({ level: least, clock, line }: AudibleOptions): Log {
  const heard = new Set<Level>(LEVELS.slice(LEVELS.indexOf(least)));
  return (level, message, fields = {}) => {
    if (!heard.has(level)) return;
    const time = new Date(clock.wall()).toISOString();
    const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
    line(`${time} ${level.padEnd(5)} ${message}${pairs.join('')}`);
  };
}

async function jsonLog({ level, clock, line }: AudibleOptions): Promise<Log> {
  const { default: pino } = await import('pino');
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      timestamp: () => `,"time":"${new Date(clock.wall()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text) => line(text.trimEnd()) },
  );
  return (at, message, fields = {}) => logger[at](fields, message);
}
