import type { JobKeys, JobTable } from './job-table.ts';
import { hexWord, mixed, Random, randomUuid, uuidText } from './values.ts';

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

/** JSON texts of the fields no filter looks at. */
export interface JobDetails {
  readonly parent_id: string;
  readonly variables: string;
  readonly errors: string;
  readonly progress: string;
  readonly sequence: string;
  readonly slurm_job_id: string;
}

const ERRORS = [
  'Sequence duration exceeds the maximum of the device',
  'Emulator ran out of memory',
  'Register does not fit the trap layout',
  'Connection to the QPU was lost during the run',
];

/**
 * The details of a generated job: a pure function of seed and slot, so that they need not be kept.
 *
 * @param table holds the job's keys and those of the jobs before it, one of which may be its parent
 */
export function generateDetails(
  table: JobTable,
  slot: number,
  seed: number,
  sequences: Sequences,
): JobDetails {
  const status = table.statuses.values[table.columns.status[slot]];
  const bits = mixed(seed, slot);
  const more = mixed(bits, slot);
  return {
    parent_id: bits % 32 === 0 ? parentOf(table, slot, more) : 'null',
    variables: makeVariables(bits, more),
    errors: table.columns.failed[slot] === 1 ? makeErrors(bits) : bits % 5 === 0 ? '[]' : 'null',
    progress: status === 'DONE' ? '100' : status === 'PENDING' ? 'null' : String(more % 100),
    sequence: sequences.text(more),
    slurm_job_id: bits % 11 === 0 ? `"${bits % 1_000_000}"` : 'null',
  };
}

function parentOf(table: JobTable, slot: number, bits: number): string {
  return slot === 0 ? 'null' : `"${table.idText(slot - 1 - (bits % Math.min(slot, 50)))}"`;
}

function makeVariables(bits: number, more: number): string {
  if (bits % 7 === 0) return 'null';
  if (bits % 7 === 1) return '{}';
  const omega = `${more % 16}.${(bits % 899) + 100}`;
  return `{"omega_max":${omega},"ramp":[${more % 900},${bits % 4000}],"label":"run-${bits % 1000}"}`;
}

function makeErrors(bits: number): string {
  const random = new Random(bits);
  return JSON.stringify(Array.from({ length: random.between(1, 3) }, () => random.pick(ERRORS)));
}

/** Bytes beyond which fewer different programs are kept, so that long ones do not fill the memory. */
const LONG = 65_536;
const HEAD_BYTES = '{"name":"01234567",'.length;

/**
 * Serialized pulse programs of one chosen size: ASCII JSON inside a JSON string, as Pulser writes it. Every job's
 * program is named differently; the bodies are drawn from a few, made at the first use.
 */
export class Sequences {
  readonly #bytes: number;
  readonly #seed: number;
  readonly #tails: string[] = [];
  readonly #variants: number;

  /** @param bytes length of every sequence, decoded; 0 gives empty strings */
  constructor(bytes: number, seed: number) {
    this.#bytes = bytes;
    this.#seed = seed;
    this.#variants = bytes > LONG ? 2 : 16;
  }

  /** The JSON text of a sequence, quotes included. The same tag (below 2^32) gives the same text. */
  text(tag: number): string {
    const name = hexWord(tag);
    if (this.#bytes <= HEAD_BYTES)
      return JSON.stringify(`{"name":"${name}",`.slice(0, this.#bytes));
    return `"{\\"name\\":\\"${name}${this.#tail(tag % this.#variants)}`;
  }

  /** What follows the name, escaped, up to the closing quote. */
  #tail(variant: number): string {
    this.#tails[variant] ??= JSON.stringify(
      `",${program(this.#seed, variant, this.#bytes - HEAD_BYTES)}`,
    ).slice(1);
    return this.#tails[variant];
  }
}

function program(seed: number, variant: number, length: number): string {
  const random = new Random(seed, variant, length);
  const parts = ['"device":"FRESNEL_CAN1","operations":['];
  for (let size = parts[0].length; size < length; ) {
    const part =
      `{"op":"pulse","channel":"global","amplitude":${random.below(16_000) / 1000},` +
      `"detuning":${random.below(40_000) / 1000},"duration":${random.below(1000) * 4}},`;
    parts.push(part);
    size += part.length;
  }
  return parts.join('').slice(0, length);
}
