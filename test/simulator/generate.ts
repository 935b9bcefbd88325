import { DAY, DemandWalk, incidentOn, SECOND, totalDemand } from './calendar.ts';
import type { JobKeys, JobTable } from './job-table.ts';
import { hexWord, mixed, Random, randomUuid, uuidText } from './values.ts';

/** Where generated lists begin, unless they end within a year of it. */
const FIRST_INSTANT = Date.UTC(2023, 0, 9, 8) * 1000;
/** Where they end unless told: fixed, so that a test sees the same jobs every day. */
export const DEFAULT_END = Date.UTC(2026, 9, 1) * 1000;
/** Batch sizes: how often (weight) a size between the two numbers comes up. */
const BATCH_SIZES = [
  { weight: 30, from: 1, to: 1 },
  { weight: 45, from: 2, to: 12 },
  { weight: 20, from: 13, to: 60 },
  { weight: 4, from: 61, to: 100 },
  { weight: 1, from: 101, to: 400 },
];
const BATCH_WEIGHTS = BATCH_SIZES.map(({ weight }) => weight);
const MEAN_BATCH = 16.5;
const ORIGINS = ['CLIENT', 'AZURE', 'UNKNOWN'] as const;
const RUNS = [50, 100, 200, 500, 1000, 2000];

/** Chances of a job to fail: at all, and on top on a day of an incident and in a batch that is wrong in itself. */
const FAILURE = { usual: 0.02, incident: 0.35, wrongBatch: 0.75 } as const;
const WRONG_BATCHES = 0.025;
const CANCELED = 0.05;
/** Share of the list, and most jobs, that have not ended yet when the history does; of those that came later, each. */
const OPEN = { share: 0.02, most: 60, later: 0.1 } as const;

/** What there is to generate. */
export interface GenerateOptions {
  readonly jobs: number;
  readonly seed: number;
  /** Where the history ends, microseconds since the epoch. */
  readonly end: number;
  /** Jobs created up to there; more than these are created after it. */
  readonly history: number;
  /** Jobs of a batch at most: they share their `created_at`. */
  readonly largestBatch: number;
}

interface User {
  readonly id: string;
  readonly projectId: string;
  readonly origin: string;
  /** Chance of the project's jobs to fail, beside what makes all of them fail. */
  readonly carelessness: number;
}

interface Batch {
  readonly id: string;
  readonly user: User;
  readonly createdAt: number;
  readonly runs: number;
  readonly load: number;
  readonly failing: number;
}

/** Changes the keys of the job in that slot before it is stored: how an oddity reaches the filters. */
export type KeyTwist = (slot: number, keys: JobKeys) => void;

/**
 * Fills an empty table with jobs in the order of their creation. The jobs of one batch are created together and share
 * one `created_at`. Batches come as the demand of the hour has it, however many there are, from 2023 until `end`; the
 * last of the history still wait or run. Jobs beyond the history go on from there at the same pace, and no job depends
 * on how many follow it: the same seed, end and history with more jobs adds newer ones and leaves the others alone.
 */
export function generateJobs(table: JobTable, options: GenerateOptions, twist: KeyTwist): void {
  const { jobs, seed, end, history, largestBatch } = options;
  const random = new Random(seed, 1);
  const users = makeUsers(random);
  const begin = Math.min(FIRST_INSTANT, end - 365 * DAY);
  const walk = new DemandWalk(seed, begin);
  const total = totalDemand(seed, begin, end);
  const firstOpen = history - Math.min(OPEN.most, Math.ceil(history * OPEN.share));
  let left = total;
  let createdAt = 0;
  while (table.length < jobs) {
    const toEnd = history - table.length;
    const spread = 0.1 + 1.8 * random.unit();
    const step =
      toEnd > 0
        ? left * Math.min(0.95, spread / (toEnd / MEAN_BATCH + 0.5))
        : total * spread * (MEAN_BATCH / Math.max(history, MEAN_BATCH));
    left -= step;
    createdAt = Math.max(createdAt + 1, walk.advance(step));
    const { from, to } = BATCH_SIZES[random.weighted(BATCH_WEIGHTS)];
    const user = users[Math.min(random.below(users.length), random.below(users.length))];
    const batch = {
      id: uuidText(...randomUuid(random)),
      user,
      createdAt,
      runs: random.pick(RUNS),
      load: walk.load,
      failing:
        FAILURE.usual +
        user.carelessness +
        (incidentOn(seed, createdAt) === undefined ? 0 : FAILURE.incident) +
        (random.chance(WRONG_BATCHES) ? FAILURE.wrongBatch : 0),
    };
    const drawn = Math.min(random.between(from, to), largestBatch);
    const size = toEnd > 0 ? Math.min(drawn, toEnd) : drawn;
    for (let rank = 0; rank < size && table.length < jobs; rank++) {
      const slot = table.length;
      const moment = { isOpen: isOpen(slot), until: slot < history ? end : undefined };
      const keys = makeJob(batch, rank, moment, random);
      twist(slot, keys);
      table.push(keys);
    }
  }

  function isOpen(slot: number): boolean {
    const chance = random.unit();
    return slot < history ? slot >= firstOpen && chance < 0.9 : chance < OPEN.later;
  }
}

function makeUsers(random: Random): User[] {
  const projects = Array.from({ length: 5 }, (_, rank) => ({
    projectId: uuidText(...randomUuid(random)),
    carelessness: rank * 0.015,
  }));
  return Array.from({ length: 12 }, () => ({
    id: uuidText(...randomUuid(random)),
    ...random.pick(projects),
    origin: ORIGINS[random.weighted([85, 10, 5])],
  }));
}

interface Moment {
  readonly isOpen: boolean;
  /** What has ended ended before this, microseconds since the epoch. */
  readonly until: number | undefined;
}

function makeJob(batch: Batch, rank: number, { isOpen, until }: Moment, random: Random): JobKeys {
  const { user, createdAt } = batch;
  const id = randomUuid(random);
  const [fate, canceledEarly] = [random.unit(), random.chance(0.7)];
  const status = isOpen
    ? fate < 0.35
      ? 'RUNNING'
      : 'PENDING'
    : fate < batch.failing
      ? 'ERROR'
      : fate > 1 - CANCELED
        ? 'CANCELED'
        : 'DONE';
  const run = (3 + 0.15 * batch.runs) * scattered(random);
  const wait = (15 + 500 * batch.load ** 2) * scattered(random) + rank * run * 0.2;
  const room = until === undefined ? 1 : (until - createdAt) / SECOND / (wait + run);
  const pace = Math.min(1, 0.98 * room) * SECOND;
  const ranFor = status === 'ERROR' ? run * random.unit() : run;
  const started = createdAt + Math.max(1, Math.floor(wait * pace));
  const ended = started + Math.max(1, Math.floor(ranFor * pace));
  const didStart = status !== 'PENDING' && !(status === 'CANCELED' && canceledEarly);
  const startedAt = didStart ? started : null;
  const endedAt = isOpen ? null : ended;
  return {
    id,
    batchId: batch.id,
    projectId: user.projectId,
    userId: user.id,
    origin: user.origin,
    status,
    creationOrder: rank,
    runs: batch.runs,
    createdAt,
    updatedAt: endedAt ?? startedAt ?? createdAt,
    startedAt,
    endedAt,
    failed: status === 'ERROR',
  };
}

/** Around 1, rarely below 0.2 or above 5: nearly a log-normal. */
function scattered(random: Random): number {
  return Math.exp(1.6 * (random.unit() + random.unit() + random.unit() - 1.5));
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

/** What goes wrong, in texts that hold the numbers and ids of the case. The first three are the machine's fault. */
const ERRORS: readonly ((bits: number, batchId: string) => string)[] = [
  (n) => `Connection to the QPU was lost during run ${n % 500} of ${500 + (n % 4) * 500}`,
  (n) =>
    `Laser power ${(n % 900) / 10} mW is outside of its tolerance; calibration ${n % 9000} is out of date`,
  (n) => `Node gpu-${n % 24} did not answer within ${30 + (n % 4) * 30} s`,
  (n) => `Sequence duration ${4001 + (n % 90_000)} ns exceeds the maximum of the device (4000 ns)`,
  (n) => `Atom ${n % 61} is ${(n % 49) / 10} um from atom ${(n + 7) % 61}; the device needs 5 um`,
  (n) => `Emulator ran out of memory: ${20 + (n % 13)} qubits need ${64 + (n % 960)} GB`,
  (n, batchId) => `Batch ${batchId} was aborted after ${1 + (n % 5)} failed jobs`,
];
const MACHINE_ERRORS = 3;

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
  const { status, failed } = table.columns;
  const name = table.statuses.values[status[slot]];
  const bits = mixed(seed, slot);
  const more = mixed(bits, slot);
  return {
    parent_id: bits % 32 === 0 ? parentOf(table, slot, more) : 'null',
    variables: makeVariables(bits, more),
    errors: failed[slot] === 1 ? makeErrors(table, slot, seed) : bits % 5 === 0 ? '[]' : 'null',
    progress: name === 'DONE' ? '100' : name === 'PENDING' ? 'null' : String(more % 100),
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
  return `{"omega":${omega},"ramp":[${more % 900},${bits % 4000}],"label":"run-${bits % 1000}"}`;
}

/** On the day of an incident the machine's error, else that of the batch: failed jobs of one batch failed alike. */
function makeErrors(table: JobTable, slot: number, seed: number): string {
  const { batch, created } = table.columns;
  const bits = mixed(seed, slot);
  const incident = incidentOn(seed, created[slot]);
  const isMachine = incident !== undefined && bits % 8 > 0;
  const kind = isMachine ? incident % MACHINE_ERRORS : mixed(seed, batch[slot]) % ERRORS.length;
  const batchId = table.batches.values[batch[slot]];
  const texts = [ERRORS[kind](bits, batchId)];
  if (bits % 6 === 0)
    texts.push(`Job ${table.idText(slot)} was given up after ${1 + (bits % 3)} attempts`);
  return JSON.stringify(texts);
}

/** Bytes beyond which fewer different programs are kept, so that long ones do not fill the memory. */
const LONG = 65_536;
/** Bytes beyond which a program repeats itself: drawing each operation would block the server for a second. */
const HUGE = 16 * 1024 * 1024;
const HEAD_BYTES = '{"name":"01234567",'.length;
const OPENING = '"device":"FRESNEL_CAN1","operations":[';
const CLOSING = ']}';

/**
 * Serialized pulse programs of one chosen size: ASCII JSON inside a JSON string, as Pulser writes it. Every job's
 * program is named differently; the bodies are drawn from a few, made at the first use. Sizes too small for a program
 * give the name alone, which is whole JSON as well.
 */
export class Sequences {
  readonly #bytes: number;
  readonly #seed: number;
  readonly #tails: string[] = [];
  readonly #variants: number;

  /** @param bytes length of every sequence, decoded; with 0, which no JSON has, the field is null */
  constructor(bytes: number, seed: number) {
    this.#bytes = bytes;
    this.#seed = seed;
    this.#variants = bytes > LONG ? 2 : 16;
  }

  /** The JSON text of a sequence, quotes included. The same tag (below 2^32) gives the same text. */
  text(tag: number): string {
    const name = hexWord(tag);
    if (this.#bytes === 0) return 'null';
    if (this.#bytes <= 2) return this.#bytes === 1 ? '"0"' : '"{}"';
    if (this.#bytes < HEAD_BYTES + OPENING.length + CLOSING.length) {
      const size = this.#bytes - 2;
      return JSON.stringify(`"${name.slice(-Math.min(size, 8)).padStart(size, '0')}"`);
    }
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

/** Operations as long as they fit; what is left is white space, which JSON allows there. */
function program(seed: number, variant: number, length: number): string {
  if (length > HUGE) {
    const unit = `${program(seed, variant, LONG).slice(OPENING.length, -CLOSING.length)},`;
    const times = Math.floor((length - LONG) / unit.length);
    const rest = program(seed, variant, length - times * unit.length).slice(OPENING.length);
    return `${OPENING}${unit.repeat(times)}${rest}`;
  }
  const random = new Random(seed, variant, length);
  const operations: string[] = [];
  let room = length - OPENING.length - CLOSING.length;
  for (;;) {
    const pulse =
      `{"op":"pulse","channel":"global","amplitude":${random.below(16_000) / 1000},` +
      `"detuning":${random.below(40_000) / 1000},"duration":${random.below(1000) * 4}}`;
    const delay = `{"op":"delay","duration":${random.below(1000) * 4}}`;
    const separator = operations.length > 0 ? 1 : 0;
    const next = [pulse, delay].find((one) => one.length + separator <= room);
    if (next === undefined) break;
    operations.push(next);
    room -= next.length + separator;
  }
  return `${OPENING}${operations.join(',')}${' '.repeat(room)}${CLOSING}`;
}
