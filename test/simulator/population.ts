import { generateJobs } from './generate.ts';
import { JobTable } from './job-table.ts';
import { ODDITIES, type OddityKind, oddityOf, twistOf } from './oddities.ts';
import { Random } from './random.ts';
import { JobRows } from './rows.ts';
import { Sequences } from './sequence.ts';

export interface PopulationOptions {
  /** Jobs in the list at the start. Default 1000. */
  readonly jobs?: number;
  /** The same seed gives the same jobs, and the same changes. Default 1. */
  readonly seed?: number;
  /** Length of every job's sequence, bytes. Default 100, which makes jobs of some 650 bytes. */
  readonly sequenceBytes?: number;
  /** True: all of `ODDITIES`; a list: those kinds. Default none. */
  readonly oddities?: boolean | readonly OddityKind[];
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
  const { jobs = 1000, seed = 1, oddities = false, oddityRate = 0.1 } = options;
  const kinds = oddities === true ? ODDITIES : oddities === false ? [] : oddities;
  const kindOf = (slot: number): OddityKind | undefined =>
    slot < jobs ? oddityOf(slot, kinds, oddityRate) : undefined;
  const table = new JobTable(jobs);
  generateJobs(table, jobs, seed, (slot, keys) => {
    const kind = kindOf(slot);
    if (kind) twistOf(kind).keys?.(keys, new Random(seed, 5, slot));
  });
  const sequences = new Sequences(options.sequenceBytes ?? 100, seed);
  const rows = new JobRows({ table, seed, sequences, oddityOf: kindOf });
  return { table, rows, sequences };
}
