import type { JobKeys, JobTable } from './job-table.ts';
import { Random } from './random.ts';
import { randomUuid, uuidText } from './uuid.ts';

const SECOND = 1_000_000;
const FIRST_INSTANT = Date.UTC(2023, 0, 9, 8) * 1000;
const LAST_INSTANT = Date.UTC(2026, 9, 1) * 1000;
const MEAN_BATCH = 16;
/** Batch sizes: how often (weight) a size between the two numbers comes up. */
const BATCH_SIZES = [
  { weight: 30, from: 1, to: 1 },
  { weight: 45, from: 2, to: 12 },
  { weight: 20, from: 13, to: 60 },
  { weight: 4, from: 61, to: 100 },
  { weight: 1, from: 101, to: 400 },
];
const BATCH_WEIGHTS = BATCH_SIZES.map(({ weight }) => weight);
const STATUSES = ['DONE', 'ERROR', 'CANCELED', 'PENDING', 'RUNNING'] as const;
const STATUS_WEIGHTS = [82, 7, 6, 3, 2];
const ORIGINS = ['CLIENT', 'AZURE', 'UNKNOWN'] as const;
const RUNS = [50, 100, 200, 500, 1000, 2000];

interface User {
  readonly id: string;
  readonly projectId: string;
  readonly origin: string;
}

interface Batch {
  readonly id: string;
  readonly user: User;
  readonly createdAt: number;
  readonly runs: number;
}

/** Changes the keys of the job in that slot before it is stored: how an oddity reaches the filters. */
export type KeyTwist = (slot: number, keys: JobKeys) => void;

/**
 * Fills an empty table with jobs in the order of their creation. The jobs of one batch are created together and share
 * one `created_at`; batches follow each other between 2023 and October 2026, however many there are.
 */
export function generateJobs(table: JobTable, jobs: number, seed: number, twist: KeyTwist): void {
  const random = new Random(seed, 1);
  const users = makeUsers(random);
  let createdAt = FIRST_INSTANT;
  while (table.length < jobs) {
    const left = jobs - table.length;
    const meanGap = (LAST_INSTANT - createdAt) / (left / MEAN_BATCH + 4);
    createdAt += Math.max(1, Math.floor(meanGap * (0.1 + 1.8 * random.unit())));
    const { from, to } = BATCH_SIZES[random.weighted(BATCH_WEIGHTS)];
    const user = users[Math.min(random.below(users.length), random.below(users.length))];
    const batch = {
      id: uuidText(...randomUuid(random)),
      user,
      createdAt,
      runs: random.pick(RUNS),
    };
    const size = Math.min(left, random.between(from, to));
    for (let rank = 0; rank < size; rank++) {
      const keys = makeJob(batch, rank, random);
      twist(table.length, keys);
      table.push(keys);
    }
  }
}

function makeUsers(random: Random): User[] {
  const projects = Array.from({ length: 5 }, () => uuidText(...randomUuid(random)));
  return Array.from({ length: 12 }, () => ({
    id: uuidText(...randomUuid(random)),
    projectId: random.pick(projects),
    origin: ORIGINS[random.weighted([85, 10, 5])],
  }));
}

function makeJob(batch: Batch, creationOrder: number, random: Random): JobKeys {
  const { user, createdAt } = batch;
  const id = randomUuid(random);
  const status = STATUSES[random.weighted(STATUS_WEIGHTS)];
  const started = createdAt + Math.floor((1 + 3600 * random.unit() ** 3) * SECOND);
  const ended = started + Math.floor((2 + 600 * random.unit() ** 2) * SECOND);
  const didStart = status !== 'PENDING' && !(status === 'CANCELED' && random.chance(0.7));
  const startedAt = didStart ? started : null;
  const endedAt = status === 'PENDING' || status === 'RUNNING' ? null : ended;
  return {
    id,
    batchId: batch.id,
    projectId: user.projectId,
    userId: user.id,
    origin: user.origin,
    status,
    creationOrder,
    runs: batch.runs,
    createdAt,
    updatedAt: endedAt ?? startedAt ?? createdAt + SECOND,
    startedAt,
    endedAt,
    failed: status === 'ERROR',
  };
}
