/** Cuts a list into pieces of so many items; the last may have fewer. */
export function slices<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/**
 * The first whole number in a range of which something is true, by halves: it is true of all behind it.
 *
 * @returns from `from` (inclusive) to `to`, which is the answer where it is true of none
 */
export function firstWhere(from: number, to: number, isTrue: (at: number) => boolean): number {
  let [low, high] = [from, to];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
