import type { Result } from './bench.ts';

const BAR = 16;
const ROW = 56;
const LEFT = 330;
const WIDTH = 560;

/** A bar chart: the other side and the export of each case, as multiples of the other side. */
export function chart(all: readonly Result[]): string {
  const results = all.flatMap(({ name, ratio, ratioGoal }) =>
    ratio === null ? [] : [{ name, ratio, ratioGoal }],
  );
  const most = Math.max(
    1,
    ...results.map(({ ratio, ratioGoal }) => Math.max(ratio.max, ratioGoal ?? 0)),
  );
  const x = (ratio: number): string => (LEFT + (ratio / most) * WIDTH).toFixed(1);
  const bars = results.map(({ name, ratio, ratioGoal }, at) => {
    const top = 20 + at * ROW;
    const goal =
      ratioGoal === null
        ? ''
        : `<path d="M${x(ratioGoal)} ${top - 4}v${2 * BAR + 10}" stroke="#c00" stroke-dasharray="4 3"/>`;
    return [
      `<text x="${LEFT - 10}" y="${top + BAR + 4}" text-anchor="end">${name}</text>`,
      `<rect x="${LEFT}" y="${top}" width="${(WIDTH / most).toFixed(1)}" height="${BAR}" fill="#bbb"/>`,
      `<rect x="${LEFT}" y="${top + BAR + 2}" width="${((ratio.median / most) * WIDTH).toFixed(1)}" height="${BAR}" fill="#36c"/>`,
      `<text x="${x(ratio.median)}" dx="6" y="${top + 2 * BAR - 1}">${ratio.median.toFixed(2)}x</text>${goal}`,
    ].join('');
  });
  const height = 40 + results.length * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 80}" height="${height}" font-family="sans-serif" font-size="13">`,
    '<title>Export time by format as a multiple of the bare download, or of a program by hand (grey); red: goal</title>',
    ...bars,
    '</svg>\n',
  ].join('\n');
}
