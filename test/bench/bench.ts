// make bench [ARGS="[--runs=N] [--scale] <words of a case's name> ..."]: exports against the bare
// download of the same pages, or against a program by hand, side by side.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { CASES, type Case, SCALE } from './cases.ts';
import { chart } from './chart.ts';
import { type Measured, measure, serve } from './process.ts';
import { measureStart } from './start.ts';

const CONNECTIONS = 16;
/** Runs of each side, unless told otherwise; the first of several warms up and does not count. */
const RUNS = 6;
const START_RUNS = 12;

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Result extends Case {
  readonly other: Spread | null;
  readonly export: Spread;
  /** Export by the other side, pair by pair. */
  readonly ratio: Spread | null;
  readonly peakMegabytes: Spread;
}

async function runCase(benchCase: Case, runs: number, folder: string): Promise<Result> {
  const { jobs, sequenceBytes, latencyMs, formats, beside, largestBatch } = benchCase;
  const api = await serve([
    `--jobs=${jobs}`,
    `--sequence-bytes=${sequenceBytes}`,
    `--latency=${latencyMs}ms`,
    `--largest-batch=${largestBatch}`,
  ]);
  const others: Measured[] = [];
  const exports: Measured[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      const output = await mkdtemp(join(folder, 'output-'));
      if (beside !== null) {
        const args = [`test/bench/${beside}.mjs`, api.url, String(jobs), String(CONNECTIONS)];
        others.push(await measure([...args, output]));
      }
      exports.push(
        await measure([
          ...[
            'dist/src/cli/main.js',
            'export',
            'jobs',
            '--json',
            '--no-progress',
            '--log-level=warn',
          ],
          ...[
            `--api-url=${api.url}`,
            `--format=${formats.join()}`,
            `--output=${output}`,
            `--concurrency=${CONNECTIONS}`,
          ],
        ]),
      );
      await rm(output, { recursive: true });
    }
  } finally {
    await api.stop();
  }
  const first = Math.min(1, runs - 1);
  const counted = { others: others.slice(first), exports: exports.slice(first) };
  return {
    ...benchCase,
    other: beside ? spread(counted.others.map(({ seconds }) => seconds)) : null,
    export: spread(counted.exports.map(({ seconds }) => seconds)),
    ratio: beside
      ? spread(counted.exports.map(({ seconds }, at) => seconds / counted.others[at].seconds))
      : null,
    peakMegabytes: spread(counted.exports.map(({ peakMegabytes }) => peakMegabytes)),
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = (sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

function row({
  name,
  other,
  export: exported,
  ratio,
  ratioGoal,
  peakMegabytes,
  memoryGoal,
}: Result): string {
  const span = (figures: Spread | null, digits: number) => {
    if (figures === null) return '';
    const [median, min, max] = [figures.median, figures.min, figures.max].map((figure) =>
      figure.toFixed(digits),
    );
    return `${median} (${min}-${max})`;
  };
  const goals = [
    ratioGoal === null ? '' : `${ratioGoal.toFixed(2)}x`,
    memoryGoal === null ? '' : `${memoryGoal} MB`,
  ];
  const cells = [
    name,
    span(other, 2),
    span(exported, 2),
    span(ratio, 2),
    span(peakMegabytes, 0),
    goals.filter(Boolean).join(', '),
  ];
  return `| ${cells.join(' | ')} |`;
}

const args = process.argv.slice(2);
const words = args.filter((arg) => !arg.startsWith('--'));
const told = args.flatMap((arg) => (arg.startsWith('--runs=') ? [Number(arg.slice(7))] : []));
const runs = told.at(-1) ?? RUNS;
const cases = args.includes('--scale') ? SCALE : CASES;
const chosen = cases.filter(({ name }) => words.every((word) => name.includes(word)));
if (chosen.length === 0) throw new Error(`no case is named so: ${words.join(' ')}`);
const folder = await mkdtemp(join(tmpdir(), 'pasqal-bench-'));
const results: Result[] = [];
console.log(
  `${cpus().length} cores, Node.js ${process.version}, ${CONNECTIONS} connections; medians (min-max)\n`,
);
console.log(
  '| case | other side s | export s | export / other | peak MB | goal |\n|---|---|---|---|---|---|',
);
try {
  for (const benchCase of chosen) {
    results.push(await runCase(benchCase, runs, folder));
    console.log(row(results[results.length - 1]));
  }
} finally {
  await rm(folder, { recursive: true });
}
const start = chosen.length === CASES.length ? await measureStart(START_RUNS) : null;
if (start) {
  const ms = ({ median, min, max }: Spread) =>
    `${median.toFixed(0)} ms (${min.toFixed(0)}-${max.toFixed(0)})`;
  console.log(
    `\nfrom the start to the first request ${ms(start.firstRequest)}, --help ${ms(start.help)}, node -e 0 ${ms(start.bare)}`,
  );
}
const bench = join('output', 'bench');
const date = new Date().toISOString().slice(0, 10);
await mkdir(bench, { recursive: true });
await writeFile(
  join(bench, `${date}.json`),
  `${JSON.stringify({ date, node: process.version, cores: cpus().length, runs, results, start }, null, 2)}\n`,
);
await writeFile(join(bench, `${date}.svg`), chart(results));
console.log(`\nwritten: ${join(bench, date)}.json and .svg`);
