import {
  DEFAULT_END,
  generateDetails,
  generateJobs,
  type JobDetails,
  Sequences,
} from './generate.ts';
import { JobTable } from './job-table.ts';
import { type JobField, Members } from './members.ts';
import { ODDITIES, type OddityKind, oddityOf, twistOf } from './oddities.ts';
import { isoText, Random } from './values.ts';

const GIANT = 70_000_000;

/** What is kept of a job that was inserted or updated. `raw` members are written as they are; null leaves one out. */
export interface KeptDetails {
  readonly details: JobDetails;
  readonly raw: Readonly<Record<string, string | null>>;
}

/** The `raw` of a job that has none. */
export const NO_RAW: KeptDetails['raw'] = {};

export interface RowsOptions {
  readonly table: JobTable;
  readonly seed: number;
  readonly sequences: Sequences;
  /** Sequences of the slots in `bulky`. */
  readonly giant: Sequences;
  readonly bulky: ReadonlySet<number>;
  readonly oddityOf: (slot: number) => OddityKind | undefined;
}

/**
 * The JSON text of any job. A generated job is a pure function of seed and slot, written afresh each time; only what
 * was inserted or updated is kept.
 */
export class JobRows {
  readonly #options: RowsOptions;
  readonly #kept = new Map<number, KeptDetails>();

  constructor(options: RowsOptions) {
    this.#options = options;
  }

  /** True while the job's text cannot change: it was generated and never touched. */
  isPristine(slot: number): boolean {
    return !this.#kept.has(slot);
  }

  /** True when the job alone is about as large as a page may be: send it in chunks, keep it nowhere. */
  isBulky(slot: number): boolean {
    return this.#options.bulky.has(slot);
  }

  keep(slot: number, kept: KeptDetails): void {
    this.#kept.set(slot, kept);
  }

  forget(slot: number): void {
    this.#kept.delete(slot);
  }

  detailsOf(slot: number): KeptDetails {
    const { table, seed, sequences } = this.#options;
    return (
      this.#kept.get(slot) ?? {
        details: generateDetails(table, slot, seed, sequences),
        raw: NO_RAW,
      }
    );
  }

  /** @param raw members to replace in this text only, as in `KeptDetails` */
  text(slot: number, raw?: KeptDetails['raw']): string {
    const { table, oddityOf } = this.#options;
    const kept = this.detailsOf(slot);
    const texts = memberTexts(table, slot, kept.details);
    const oddity = oddityOf(slot);
    if (!oddity && !raw && kept.raw === NO_RAW) return plainText(texts);
    return this.#oddText(slot, texts, oddity, { ...kept.raw, ...raw });
  }

  #oddText(
    slot: number,
    texts: MemberTexts,
    oddity: OddityKind | undefined,
    raw: KeptDetails['raw'],
  ): string {
    const { table, seed, giant } = this.#options;
    const members = new Members(texts);
    if (oddity)
      twistOf(oddity).members?.(members, table.keys(slot), new Random(seed, 3, slot), giant);
    for (const [name, value] of Object.entries(raw)) {
      if (value === null) members.remove(name);
      else members.set(name, value);
    }
    return members.text();
  }
}

type MemberTexts = Readonly<Record<JobField, string>>;

function memberTexts(table: JobTable, slot: number, details: JobDetails): MemberTexts {
  const columns = table.columns;
  return {
    id: `"${table.idText(slot)}"`,
    parent_id: details.parent_id,
    status: table.statuses.json[columns.status[slot]],
    runs: numberOrNull(columns.runs[slot]),
    batch_id: table.batches.json[columns.batch[slot]],
    project_id: table.projects.json[columns.project[slot]],
    created_at: timeOrNull(columns.created[slot]),
    updated_at: timeOrNull(columns.updated[slot]),
    start_timestamp: timeOrNull(columns.started[slot]),
    end_timestamp: timeOrNull(columns.ended[slot]),
    variables: details.variables,
    errors: details.errors,
    progress: details.progress,
    sequence: details.sequence,
    creation_order: String(columns.creationOrder[slot]),
    slurm_job_id: details.slurm_job_id,
  };
}

function numberOrNull(value: number): string {
  return Number.isNaN(value) ? 'null' : String(value);
}

function timeOrNull(micros: number): string {
  return Number.isNaN(micros) ? 'null' : `"${isoText(micros)}"`;
}

/** The same text `Members` would write, without its list: nearly every row goes this way. */
function plainText(texts: MemberTexts): string {
  return (
    `{"id":${texts.id},"parent_id":${texts.parent_id},"status":${texts.status},"runs":${texts.runs}` +
    `,"batch_id":${texts.batch_id},"project_id":${texts.project_id},"created_at":${texts.created_at}` +
    `,"updated_at":${texts.updated_at},"start_timestamp":${texts.start_timestamp}` +
    `,"end_timestamp":${texts.end_timestamp},"variables":${texts.variables},"errors":${texts.errors}` +
    `,"progress":${texts.progress},"sequence":${texts.sequence}` +
    `,"creation_order":${texts.creation_order},"slurm_job_id":${texts.slurm_job_id}}`
  );
}

export interface PopulationOptions {
  /** Jobs in the list at the start. Default 1000. */
  readonly jobs?: number;
  /**
   * Where the history of generated jobs ends, microseconds since the epoch: what was created before it has ended, but
   * for the last. Default 2026-10-01, whatever the day, so that tests repeat.
   */
  readonly end?: number;
  /**
   * Jobs created up to `end`. Those of `jobs` beyond are created after it: with seed, end and history as they were,
   * more `jobs` adds newer ones only. Default `jobs`.
   */
  readonly history?: number;
  /** Jobs of a batch at most. Default 400: one batch of a hundred is larger than a page. */
  readonly largestBatch?: number;
  /** The same seed gives the same jobs, and the same changes. Default 1. */
  readonly seed?: number;
  /** Length of every job's sequence, bytes. Default 100, which makes jobs of some 650 bytes. */
  readonly sequenceBytes?: number;
  /** True: all of `ODDITIES`; a list: those kinds. Default none. */
  readonly oddities?: boolean | readonly OddityKind[];
  /** Oddities of single jobs, by position: 0 is the oldest job at the start. They come before `oddities`. */
  readonly planted?: Readonly<Record<number, OddityKind>>;
  /** Length of the sequence of a job with the oddity `giant`, bytes. Default 70,000,000, more than a page may have. */
  readonly giantBytes?: number;
  /** Share of the generated jobs that are odd, 0 to 1. Default 0.1. */
  readonly oddityRate?: number;
}

/** The jobs a simulator starts with: their keys, and the writer of their texts. */
export interface Population {
  readonly table: JobTable;
  readonly rows: JobRows;
  readonly sequences: Sequences;
}

/** Makes the jobs that the options describe; the same options give the same jobs. */
export function populate(options: PopulationOptions): Population {
  const { jobs = 1000, seed = 1, oddities = false, oddityRate = 0.1, planted = {} } = options;
  const { end = DEFAULT_END, history = jobs, largestBatch = 400 } = options;
  const kinds = oddities === true ? ODDITIES : oddities === false ? [] : oddities;
  const kindOf = (slot: number): OddityKind | undefined =>
    slot < jobs ? (planted[slot] ?? oddityOf(slot, kinds, oddityRate)) : undefined;
  const table = new JobTable(jobs);
  const bulky = new Set<number>();
  generateJobs(table, { jobs, seed, end, history, largestBatch }, (slot, keys) => {
    const kind = kindOf(slot);
    if (kind === 'giant') bulky.add(slot);
    if (kind) twistOf(kind).keys?.(keys, new Random(seed, 5, slot));
  });
  const sequences = new Sequences(options.sequenceBytes ?? 100, seed);
  const giant = new Sequences(options.giantBytes ?? GIANT, seed);
  const rows = new JobRows({ table, seed, sequences, giant, bulky, oddityOf: kindOf });
  return { table, rows, sequences };
}
