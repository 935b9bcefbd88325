/** `1234567` as `1,234,567`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 job`, `2 jobs`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

const SIZES = ['kB', 'MB', 'GB', 'TB'];

/** A size in decimal units: `999 B`, `1.2 kB`, `3.4 GB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const steps = SIZES.findIndex((_unit, at) => bytes < 999.95 * 1000 ** (at + 1));
  const at = steps < 0 ? SIZES.length - 1 : steps;
  return `${(bytes / 1000 ** (at + 1)).toFixed(1)} ${SIZES[at]}`;
}

/** Writes seconds for people: `0.4 s`, `12.3 s`, `4 min 10 s`, `2 h 05 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.floor((whole % 3600) / 60);
  return `${Math.floor(whole / 3600)} h ${String(minutes).padStart(2, '0')} min`;
}
