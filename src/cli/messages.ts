import { inspect } from 'node:util';

/** A value in a message: on one line, printable, and not much longer than a line. */
export function quote(value: unknown): string {
  return inspect(value, {
    depth: 1,
    maxArrayLength: 5,
    maxStringLength: 60,
    breakLength: Infinity,
  });
}

/**
 * The name a person most likely meant.
 *
 * @returns the closest of `names`, or undefined when none is within a third of the given text's length
 */
function nearest(given: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(given.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(given.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) {
      best = name;
      bestDistance = distance;
    }
  }
  return best;
}

/** What to do next about an unknown name: `did you mean x?`, or `otherwise` when nothing is close. */
export function hint(
  given: string,
  names: readonly string[],
  otherwise: string,
  prefix = '',
): string {
  const name = nearest(given, names);
  return name === undefined ? otherwise : `did you mean ${prefix}${name}?`;
}

/** Levenshtein distance, one row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
