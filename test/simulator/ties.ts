import type { Random } from './random.ts';

/** Where the run of equal keys around a position starts and ends (behind its last). */
export function tieGroup(
  list: readonly number[],
  position: number,
  isTied: (a: number, b: number) => boolean,
): { start: number; end: number } {
  let start = position;
  let end = position + 1;
  while (start > 0 && isTied(list[start - 1], list[position])) start -= 1;
  while (end < list.length && isTied(list[end], list[position])) end += 1;
  return { start, end };
}

/**
 * A window of an ordered list whose ties have no promised order: every group of equal keys that the window touches is
 * put in random order first, as a database may do from one query to the next.
 */
export function shuffledWindow(
  list: readonly number[],
  offset: number,
  limit: number,
  isTied: (a: number, b: number) => boolean,
  random: Random,
): number[] {
  const end = Math.min(list.length, offset + limit);
  const window: number[] = [];
  for (let position = offset; position < end; ) {
    const group = tieGroup(list, position, isTied);
    const shuffled = random.shuffle(list.slice(group.start, group.end));
    const taken = shuffled.slice(position - group.start, end - group.start);
    for (const slot of taken) window.push(slot);
    position = group.end;
  }
  return window;
}
