import type { JobTable } from './job-table.ts';
import { mixed, Random } from './random.ts';
import type { Sequences } from './sequence.ts';

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
