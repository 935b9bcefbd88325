import { randomInt } from 'node:crypto';
import { Damage } from './read-back-damage.ts';
import { hasId, type RowCheck } from './read-back-row.ts';

/** Drawn at random, so that no file holds it where it counts. */
const MARK = randomInt(1e9, 2 ** 30);
const BETWEEN = `,${MARK},`;

/**
 * The ids of the rows that some lines hold, each line one JSON object.
 *
 * @param lines each ended by a newline
 * @param before how many lines of the file come before them
 * @throws Damage naming the first line that is no such row
 */
export function idsOf(lines: string, before: number, check: RowCheck): readonly string[] {
  const several = lines.indexOf('\n') < lines.length - 1;
  return (several ? idsOfBlock(lines, check) : undefined) ?? idsOfLines(lines, before, check);
}

/**
 * The same by one parse for all lines, where nothing is wrong: the lines become an array with `MARK` in place of every
 * newline. When every other element is `MARK`, and there are as many as there were newlines, none of them stands inside
 * a value, and between two of them stands one value: each line is one value, whole. A newline that got into a string,
 * an array or an object takes its mark with it, and two values in a line shift the marks behind them.
 *
 * @returns undefined when something is wrong: only the lines one by one tell where
 */
export function idsOfBlock(lines: string, check: RowCheck): string[] | undefined {
  const marked = lines.replaceAll('\n', BETWEEN);
  const newlines = (marked.length - lines.length) / (BETWEEN.length - 1);
  const values = parsed(`[${marked}0]`);
  if (!Array.isArray(values)) return undefined;
  const ids: string[] = [];
  for (let i = 0; i < newlines; i++) {
    const row: unknown = values[2 * i];
    if (values[2 * i + 1] !== MARK || check(row) !== undefined || !hasId(row)) return undefined;
    ids.push(row.id);
  }
  return ids;
}

/** By one parse for each line. */
export function idsOfLines(lines: string, before: number, check: RowCheck): string[] {
  const ids: string[] = [];
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf('\n', from);
    const row = parsed(lines.slice(from, end));
    const wrong = check(row);
    if (wrong !== undefined) throw new Damage(`line ${before + ids.length + 1} ${wrong}`);
    if (hasId(row)) ids.push(row.id);
    from = end + 1;
  }
  return ids;
}

/** The parser's own message would quote the line. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
