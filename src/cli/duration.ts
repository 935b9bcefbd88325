const UNITS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/**
 * Reads a length of time as people write it: a whole number and a unit (`500ms`, `90s`, `15m`, `12h`, `2d`).
 *
 * @returns milliseconds, or undefined when the text is no such thing
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const scale = UNITS.get(match?.[2] ?? '');
  return scale === undefined ? undefined : Number(match?.[1]) * scale;
}

/** Writes seconds for people: `0.4 s`, `12.3 s`, `4 min 10 s`, `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor((whole % 3600) / 60);
  return `${Math.floor(whole / 3600)} h ${String(minutes).padStart(2, '0')} min`;
}
