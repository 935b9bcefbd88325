/** `1234567` as `1,234,567`. */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 job`, `2 jobs`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

const SIZES = ['kB', 'MB', 'GB', 'TB'] as const;

/** A size in decimal units: `999 B`, `1.2 kB`, `3.4 GB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  let scaled = bytes;
  let unit = 'B';
  for (const next of SIZES) {
    if (scaled < 999.95) break;
    scaled /= 1000;
    unit = next;
  }
  return `${scaled.toFixed(1)} ${unit}`;
}
