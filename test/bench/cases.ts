/** The other side: `drain.mjs`, or `by-hand.mjs`. */
export type Beside = 'drain' | 'by-hand';

/** What is measured, and how much of the other side's wall time or of the memory it may take. */
export interface Case {
  readonly name: string;
  readonly jobs: number;
  readonly sequenceBytes: number;
  readonly latencyMs: number;
  readonly formats: readonly string[];
  /** Export time as a multiple of the other side's; null where only memory counts. */
  readonly ratioGoal: number | null;
  /** Peak resident memory of the whole process, megabytes (10^6). */
  readonly memoryGoal: number | null;
  /** Null where none can take the pages: 100 jobs of 5 MB are more than a string holds. */
  readonly beside: Beside | null;
  /** Jobs of a batch, which share their creation time, at most: past a page the list is proven by id. */
  readonly largestBatch: number;
}

const ALL = ['parquet', 'arrow', 'ndjson'];

function timed(
  jobs: number,
  latencyMs: number,
  formats: readonly string[],
  ratioGoal: number | null,
  sequenceBytes = 0,
): Case {
  const size = sequenceBytes > 0 ? `, ${sequenceBytes / 1000} KB sequences` : '';
  const name = `${jobs.toLocaleString('en')} jobs${size}, ${latencyMs} ms, ${formats.length > 1 ? 'three formats' : formats[0]}`;
  return {
    ...{ name, jobs, sequenceBytes, latencyMs, formats, ratioGoal },
    ...{ memoryGoal: null, beside: 'drain', largestBatch: 60 },
  };
}

function measured(jobs: number, memoryGoal: number | null, sequenceBytes = 0): Case {
  const beside = sequenceBytes < 1_000_000 ? 'drain' : null;
  return { ...timed(jobs, 0, ALL, null, sequenceBytes), memoryGoal, beside };
}

/** What a user would write instead, and would wait for. */
function byHand(jobs: number, sequenceBytes = 0): Case {
  const single = timed(jobs, 0, ['parquet'], 1.2, sequenceBytes);
  return { ...single, name: `${single.name}, by hand`, beside: 'by-hand' };
}

export const CASES: readonly Case[] = [
  timed(100_000, 50, ALL, 1.1),
  {
    ...timed(100_000, 50, ALL, null),
    name: '100,000 jobs, batches of up to 400, 50 ms',
    largestBatch: 400,
  },
  timed(100_000, 50, ['parquet'], null),
  timed(100_000, 50, ['arrow'], null),
  timed(100_000, 50, ['ndjson'], null),
  timed(100_000, 0, ALL, null),
  timed(100_000, 0, ['ndjson'], 2.0),
  timed(100_000, 0, ['arrow'], 1.6),
  timed(100_000, 0, ['parquet'], 2.5),
  timed(30_000, 0, ['parquet'], 2.5, 3000),
  byHand(20_000),
  byHand(100_000),
  byHand(20_000, 3000),
  measured(10_000, null),
  measured(200_000, null),
  measured(1_000_000, 300),
  measured(500, 1000, 5_000_000),
];

/** What one process takes for lists that are large: docs/scale.md. */
export const SCALE: readonly Case[] = [1_000_000, 4_000_000, 10_000_000].map((jobs) => ({
  ...measured(jobs, null),
  beside: null,
}));
